"""What batch norms do to a pruned network before it is trained on: test accuracy, three ways.

Claim: after pruning, statistics matched to how the dense network's activations stood keep at least ten points more
than statistics taken anew, on half of EfficientNet-Lite0's weights and on three quarters of its multiply-adds.
Against: the statistics left as they were, and recalibration (plain averages over the same 1,024 training photos).
The control is the network before pruning, to which matching should do nothing. The packaged ImageNet weights, frozen;
a linear head trained on the features of the training photos (70/15/15, seed 0).

    python benchmarks/match.py --photos FOLDER [--number 4000] [--px 96]
"""

from __future__ import annotations

import argparse
import copy
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from secateur import at_hand, catalogue
from secateur.data.batches import batch_count, batches
from secateur.data.dealing import subset
from secateur.data.pixels import open_pixels, write_pixels
from secateur.data.scan import scan
from secateur.data.split import split
from secateur.measure.machine import machine
from secateur.measure.statistics import wilson
from secateur.models import prunable, weights
from secateur.models.build import build
from secateur.pruning import channels, cutting, groups, masks, widths
from secateur.pruning.scores import filter_l1
from secateur.training.fit import Fit, Photos
from secateur.training.match import Standing, match, standing
from secateur.training.recalibrate import recalibrate
from secateur.training.recipes import FAST_HEAD

NAME = "tf_efficientnet_lite0"
Batch = tuple[Tensor, Tensor]


class Sides:
    """Batches of a split's sides, as the network takes them."""

    def __init__(self, folder: Path, number: int, px: int, scratch: Path, normal: tuple[list[float], list[float]]):
        snapshot = subset(scan(folder), number, 0)
        write_pixels(Path(snapshot.root), snapshot.photos, px, scratch)
        self.pixels, self.dealt, self.normal = open_pixels(scratch), split(snapshot), normal
        self.labels = np.array([photo.label for photo in snapshot.photos])

    def batches(self, name: str, first: int | None = None) -> Iterator[Batch]:
        places = np.random.default_rng(0).permutation(getattr(self.dealt, name))[:first]
        more = {"batch_size": 64, "seed": 0, "epoch": 0, "shuffle": False, "normal": self.normal}
        return batches(self.pixels, places, self.labels, **more)


@torch.no_grad()
def features(body: nn.Module, seen: Iterator[Batch]) -> Batch:
    found = [(body.eval()(x), y) for x, y in seen]
    return torch.cat([x for x, _ in found]), torch.cat([y for _, y in found])


def train_head(model: nn.Module, sides: Sides) -> None:
    (x, y), val = features(model.body, sides.batches("train")), features(model.body, sides.batches("val"))

    def draw(epoch: int, start: int) -> Iterator[Batch]:
        order = torch.randperm(len(y), generator=torch.Generator().manual_seed(epoch)).split(64)
        return ((x[i], y[i]) for i in order[start:])

    fit = Fit(model.head, FAST_HEAD, Photos(draw, lambda: [val], batch_count(len(y), 64), len(y)), epochs=30, seed=0)
    for _ in fit.run():
        pass


@torch.no_grad()
def accuracy(model: nn.Module, sides: Sides) -> tuple[float, str]:
    right = [model.eval()(x).argmax(1) == y for x, y in sides.batches("test")]
    k, n = sum(int(r.sum()) for r in right), sum(len(r) for r in right)
    low, high = wilson(k, n)
    return k / n, f"{k / n:.1%} [{low:.1%}, {high:.1%}]"


def pruned(dense: nn.Module, before: dict[str, Standing], kind: str, px: int) -> tuple[nn.Module, dict[str, Standing]]:
    model = copy.deepcopy(dense)
    if kind == "weights":
        found = prunable.weights(model, ("head.fc",), "all")
        masks.apply(found, masks.lowest({n: w.detach().abs() for n, w in found.items()}, 0.5, "global"))
    if kind == "filters":
        traced = channels.trace(model, torch.zeros(1, 3, px, px))
        sets = groups.cuttable(traced)
        scores = groups.channel_scores(model, sets, filter_l1, torch.Generator())
        kept = widths.choose(scores, widths.reach(traced, sets, 0.75, "macs", 8).counts)
        left = cutting.stays(sets, kept)
        cutting.cut_groups(model, sets, kept)
        before = {n: s.of(left[m][0]) if (m := f"{n}.running_mean") in left else s for n, s in before.items()}
    return model, before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--number", type=int, default=4000, help="photos in all, three sides together")
    parser.add_argument("--px", type=int, default=96)
    given = parser.parse_args()
    px, here = given.px, machine()
    model = build(NAME, 10, px, 0, {"pool": "avg", "head": "linear"})
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder, "weights")
        kept.mkdir()
        row = catalogue.backbone(NAME)
        weights.keep(row, "package", str(at_hand.package_file(row)), at_hand.package_version(row), px, kept)
        origin = weights.load(model.body, kept)
        sides = Sides(given.photos, given.number, px, Path(folder), (list(origin.mean), list(origin.std)))
        print(f"{here.cpu}, torch {torch.__version__}; {given.number} photos at {px} px")
        train_head(model, sides)
        before = standing(model, sides.batches("train", 1024), device="cpu")
        for kind, words in (
            ("none", "control: not pruned"),
            ("weights", "50 % of weights, one threshold"),
            ("filters", "filters, 75 % of multiply-adds"),
        ):
            bare, stands = pruned(model, before, kind, px)
            anew, matched = copy.deepcopy(bare), copy.deepcopy(bare)
            recalibrate(anew, sides.batches("train", 1024), device="cpu")
            match(matched, sides.batches("train", 1024), stands, device="cpu")
            (_, as_was), (a, taken), (b, best) = (accuracy(m, sides) for m in (bare, anew, matched))
            verdict = "" if kind == "none" else f"; ten points more: {'met' if b - a >= 0.1 else 'MISSED'}"
            print(f"{words}: left as they were {as_was}, taken anew {taken}, matched {best}{verdict}", flush=True)


if __name__ == "__main__":
    main()
