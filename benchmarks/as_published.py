"""Where a method departs from its paper, what the departure is worth: accuracy right after pruning.

Two networks on real photos (70/15/15, seed 0): the custom CNN at 32 px, trained for eight epochs, and
EfficientNet-Lite0 at 96 px with packaged ImageNet weights, a linear head trained on the features of the training
photos. Accuracy is that of validation and test photos together, on which nothing was chosen. Batch norms are matched,
Lite0's layers refitted, as in a study.

`--what normalise`: one ranking over the network, each group's scores over their mean or as they are; to half of the
multiply-adds, and to 30 %. `--what refit`: positions of all 1,024 photos against as many of 64 photos. `--what alone`:
gradients of single photos against means over batches of eight: masks and accuracy.

    python benchmarks/as_published.py --photos raw-img --net cnn --what normalise [--number 4000]
"""

from __future__ import annotations

import argparse
import copy
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from _lite0 import Sides, accuracy, train_head
from secateur import at_hand, catalogue
from secateur.data.batches import batch_count
from secateur.measure.machine import machine
from secateur.models import prunable, weights
from secateur.models.build import build
from secateur.pruning import cutting, masks, moments, refit, widths
from secateur.pruning.evidence import Evidence
from secateur.pruning.gradients import gradients, slopes
from secateur.steps.rating import Rater
from secateur.training.fit import Fit, Photos
from secateur.training.match import match, of_cut, standing
from secateur.training.recipes import FAST

NAMES = {"cnn": "cnn", "lite0": "tf_efficientnet_lite0"}
Seen = dict[str, Evidence]


class Judged(Sides):
    """`accuracy` asks for the test side: it gets validation photos, too."""

    def __init__(
        self, folder: Path, number: int, px: int, scratch: Path, normal: tuple[list[float], list[float]] | None
    ):
        super().__init__(folder, number, px, scratch, normal)  # type: ignore[arg-type]

    def batches(self, name: str, first: int | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        yield from super().batches(name, first)
        if name == "test":
            yield from super().batches("val")


@contextmanager
def network(given: argparse.Namespace) -> Iterator[tuple[nn.Module, Judged]]:
    px = given.px or {"cnn": 32, "lite0": 96}[given.net]
    model = build(
        NAMES[given.net], 10, px, given.seed, None if given.net == "cnn" else {"pool": "avg", "head": "linear"}
    )
    with tempfile.TemporaryDirectory() as folder:
        if given.net == "cnn":
            sides = Judged(given.photos, given.number, px, Path(folder), None)
            n = len(sides.dealt.train)

            def draw(epoch: int, start: int) -> Iterator[tuple[Tensor, Tensor]]:
                x, y = (torch.cat(t) for t in zip(*sides.batches("train"), strict=True))
                order = torch.randperm(n, generator=torch.Generator().manual_seed(epoch)).split(64)
                return ((x[i], y[i]) for i in order[start:])

            photos = Photos(draw, lambda: sides.batches("val"), batch_count(n, 64), n)
            for _ in Fit(model, FAST, photos, epochs=8, seed=given.seed).run():
                pass
        else:
            kept = Path(folder, "weights")
            kept.mkdir()
            row = catalogue.backbone(NAMES[given.net])
            weights.keep(row, "package", str(at_hand.package_file(row)), at_hand.package_version(row), px, kept)
            origin = weights.load(model.body, kept)
            sides = Judged(given.photos, given.number, px, Path(folder), (list(origin.mean), list(origin.std)))
            train_head(model, sides)
        given.px = px
        print(f"{machine().cpu}; {given.net}, {given.number} photos at {px} px, seed {given.seed}")
        print(f"not pruned: {accuracy(model, sides)[1]}", flush=True)
        yield model, sides


def evidence(model: nn.Module, sides: Judged, size: int) -> Evidence:
    x, y = (torch.cat(t) for t in zip(*sides.batches("train", 1024), strict=True))
    return gradients(model, zip(x.split(size), y.split(size), strict=True))


def sizes(model: nn.Module, sides: Judged, size: int) -> Evidence:
    x, y = (torch.cat(t) for t in zip(*sides.batches("train", 1024), strict=True))
    return slopes(model, zip(x.split(size), y.split(size), strict=True))


def filters(
    dense: nn.Module, sides: Judged, given: argparse.Namespace, seen: Evidence, name: str, raw: bool, keep: float
) -> tuple[str, dict[str, int]]:
    model = copy.deepcopy(dense)
    p = {"scope": "global", "spare": [], "hidden_units": None, "seed": 0, "normalise": "none" if raw else "group"}
    whole = Rater(model, catalogue.method(name), p, seen, torch.Generator(), given.px).whole()
    goal = whole.reach(keep, "macs", 1 if given.net == "cnn" else 8)
    kept = widths.choose(whole.scores, goal.counts)
    left = cutting.stays(whole.groups, kept)
    if given.net != "cnn":
        refit.refit(model, refit.of_cut(model, left), lambda: sides.batches("train", given.refit_photos))
    cutting.cut_groups(model, whole.groups, kept)
    match(model, sides.batches("train", 1024), of_cut(given.before, left), device="cpu")
    return accuracy(model, sides)[1], goal.counts


def normalise(dense: nn.Module, sides: Judged, given: argparse.Namespace) -> None:
    seen = evidence(dense, sides, 1)
    for name in given.methods:
        for keep in given.keep:
            for raw in (False, True):
                said, counts = filters(dense, sides, given, seen, name, raw, keep)
                words = "as they are" if raw else "over each group's mean"
                print(
                    f"{name}, {keep:.0%} of the multiply-adds, {words}: {said}; least width {min(counts.values())}",
                    flush=True,
                )


def positions(dense: nn.Module, sides: Judged, given: argparse.Namespace) -> None:
    """The same number of samples, of 64 photos and of 1,024; of Lite0 a cut, of the CNN magnitude at 90 %."""
    seen = evidence(dense, sides, 1)
    for photos in (64, 1024):
        moments.PLACES, given.refit_photos = 65536 // photos, photos
        started = time.process_time()
        for sparsity in (0.8, 0.9):
            model = copy.deepcopy(dense)
            found = prunable.weights(model, (), "all")
            gone = masks.lowest({n: w.detach().abs() for n, w in found.items()}, sparsity, "layer")
            refit.refit(model, refit.of_masks(gone), lambda: sides.batches("train", given.refit_photos))
            masks.apply(found, gone)
            took = time.process_time() - started
            match(model, sides.batches("train", 1024), given.before, device="cpu")
            print(
                f"refit on {photos} photos, magnitude {sparsity:.0%}: {accuracy(model, sides)[1]} ({took:.0f} s)",
                flush=True,
            )
            started = time.process_time()
        if given.net != "cnn":
            said, _ = filters(dense, sides, given, seen, "filter-taylor", False, 0.5)
            print(f"refit on {photos} photos, filter-taylor, half of the multiply-adds: {said}", flush=True)


def alone(dense: nn.Module, sides: Judged, given: argparse.Namespace) -> None:
    """Single photos against batches of eight: what agrees of what stays, and what is left of accuracy."""
    seen = {size: evidence(dense, sides, size) | sizes(dense, sides, size) for size in (1, 8)}
    for name in ("fisher", "taylor"):
        found = {}
        for size in (1, 8):
            model = copy.deepcopy(dense)
            own = prunable.weights(model, (), "all")
            p = {"scope": "global", "target": 0.8, "spare": [], "seed": 0}
            rated = Rater(model, catalogue.method(name), p, seen[size], torch.Generator(), given.px)
            found[size], _ = rated.weight_masks(own)
            masks.apply(own, found[size])
            match(model, sides.batches("train", 1024), given.before, device="cpu")
            print(f"{name}, 80 % of weights, batches of {size}: {accuracy(model, sides)[1]}", flush=True)
        both = sum(int((found[1][n] & found[8][n]).sum()) for n in found[1])
        print(
            f"{name}: {both / sum(int(m.sum()) for m in found[1].values()):.3f} of what stays is the same", flush=True
        )
    for size in (1, 8):
        said, _ = filters(dense, sides, given, seen[size], "filter-taylor", False, 0.5)
        print(f"filter-taylor, half of the multiply-adds, batches of {size}: {said}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--number", type=int, default=4000, help="photos in all, three sides together")
    parser.add_argument("--px", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--net", choices=tuple(NAMES), default="cnn")
    parser.add_argument("--what", choices=("normalise", "refit", "alone"), default="normalise")
    parser.add_argument("--methods", nargs="+", default=["filter-taylor", "filter-bn-scale", "filter-l1"])
    parser.add_argument("--keep", nargs="+", type=float, default=[0.5, 0.3], help="of the multiply-adds")
    given = parser.parse_args()
    given.refit_photos = 1024
    with network(given) as (dense, sides):
        given.before = standing(dense, sides.batches("train", 1024), device="cpu")
        {"normalise": normalise, "refit": positions, "alone": alone}[given.what](dense, sides, given)


if __name__ == "__main__":
    main()
