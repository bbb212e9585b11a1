"""What a recipe is worth: test accuracy after few epochs, against the loop of a tutorial.

Claim: on 3,000 photos of Animals-10 at 64 px, 8 epochs of recipe `fast` reach a test accuracy of at least 45 %.
Against: Adam at 1e-3, batches of 64, no augmentation, on float tensors in memory. Same network, photos, split
(70/15/15, seed 0), precision and number of epochs; a seed draws weights, order and dropout. `study` trains until it
stops early, for 50 epochs at most. The interval of one training is Wilson's, over the test photos.

`--change` sets fields of the recipe, so that what one of them does can be seen: `--change batch_size=64 dropout=1.0`.

    python benchmarks/recipes.py --photos FOLDER [--loops plain fast study] [--seeds 0 1] [--px 64] [--epochs 8]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from secateur.data.batches import batch_count, batches
from secateur.data.dealing import subset
from secateur.data.pixels import open_pixels, write_pixels
from secateur.data.scan import scan
from secateur.data.split import split
from secateur.measure.machine import machine
from secateur.measure.statistics import wilson
from secateur.models.build import build
from secateur.records import Epoch, Snapshot, Split
from secateur.resolve import settle
from secateur.settings import Study
from secateur.training.fit import Fit, Photos
from secateur.training.recipes import FAST, STUDY, Recipe

Batch = tuple[Tensor, Tensor]  # x float32 (n, 3, px, px) in [0, 1]; y int64 (n,)
TARGET = 0.45


class Sides:
    """Batches of a split's sides, from the store."""

    def __init__(self, folder: Path, snapshot: Snapshot, dealt: Split) -> None:
        self.pixels = open_pixels(folder)
        self.labels = np.array([photo.label for photo in snapshot.photos])
        self.dealt = dealt

    def plain(self, name: str) -> Iterator[Batch]:
        positions = np.array(getattr(self.dealt, name))
        return batches(self.pixels, positions, self.labels, batch_size=256, seed=0, epoch=0, shuffle=False)

    def whole(self, name: str) -> Batch:
        x, y = zip(*self.plain(name), strict=True)
        return torch.cat(x), torch.cat(y)

    def photos(self, recipe: Recipe, seed: int) -> Photos:
        places, size = np.array(self.dealt.train), recipe.batch_size

        def train(epoch: int, start: int) -> Iterator[Batch]:
            more = {"batch_size": size, "seed": seed, "epoch": epoch, "start": start, "augment": recipe.augment}
            return batches(self.pixels, places, self.labels, **more)

        return Photos(train, lambda: self.plain("val"), batch_count(len(places), size), len(places))


def tutorial(model: nn.Module, sides: Sides, epochs: int, seed: int, precision: str) -> nn.Module:
    """The bare loop; its last weights."""
    x, y = sides.whole("train")
    model = model.to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    torch.manual_seed(seed)
    for _ in range(epochs):
        for chosen in torch.randperm(len(y)).split(64):
            optimiser.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                logits = model(x[chosen].contiguous(memory_format=torch.channels_last))
            F.cross_entropy(logits.float(), y[chosen]).backward()
            optimiser.step()
    return model.eval()


def ours(
    model: nn.Module, recipe: Recipe, sides: Sides, epochs: int, seed: int, precision: str
) -> tuple[nn.Module, int]:
    """The one loop: the weights that the recipe keeps, and how many epochs were trained."""
    fit = Fit(model, recipe, sides.photos(recipe, seed), epochs=epochs, seed=seed, precision=precision)
    rows = [event for event in fit.run() if isinstance(event, Epoch)]
    return fit.model, len(rows)


@torch.no_grad()
def accuracy(model: nn.Module, sides: Sides, name: str) -> tuple[int, int]:
    """(photos named rightly, photos) of a side, in full precision."""
    answers = [(model(x).argmax(1) == y) for x, y in sides.plain(name)]
    return sum(int(a.sum()) for a in answers), sum(len(a) for a in answers)


def one(loop: str, recipe: Recipe, sides: Sides, px: int, epochs: int, seed: int, precision: str) -> str:
    model = build("cnn", 10, px, seed)
    if loop == "plain":
        model, trained = tutorial(model, sides, epochs, seed, precision), epochs
    else:
        model, trained = ours(model, recipe, sides, epochs if loop == "fast" else recipe.epochs, seed, precision)
    right, n = accuracy(model, sides, "test")
    low, high = wilson(right, n)
    known, of = accuracy(model, sides, "val")
    verdict = ""
    if loop == "fast" and (px, epochs) == (64, 8) and recipe == FAST:
        verdict = f"; at least {TARGET:.0%} {'met' if right / n >= TARGET else 'MISSED'}"
    return (
        f"{loop:5s} at {px} px, seed {seed}, {trained} epochs: {right / n:.1%} [{low:.1%}, {high:.1%}] of {n} test "
        f"photos, {known / of:.1%} of {of} validation photos{verdict}"
    )


def changed(recipe: Recipe, changes: Sequence[str]) -> Recipe:
    fields = dict(change.split("=") for change in changes)
    return replace(recipe, **{name: type(getattr(recipe, name))(value) for name, value in fields.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--number", type=int, default=3000, help="photos in all, three sides together")
    parser.add_argument("--px", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=8, help="of plain and fast")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--loops", nargs="+", choices=["plain", "fast", "study"], default=["plain", "fast"])
    parser.add_argument("--change", nargs="+", default=[], metavar="FIELD=VALUE", help="of the recipes")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.use_deterministic_algorithms(True)
    precision = settle(Study(folder="x", backbone="cnn")).precision
    recipes = {"plain": FAST, "fast": changed(FAST, given.change), "study": changed(STUDY, given.change)}
    snapshot = subset(scan(given.photos), given.number, 0)
    here = machine()
    note = f"; {' '.join(given.change)}" if given.change else ""
    print(
        f"{here.cpu}, {here.cores} cores, torch {torch.__version__}, {precision}; {len(snapshot.photos)} photos{note}"
    )
    with tempfile.TemporaryDirectory() as folder:
        write_pixels(Path(snapshot.root), snapshot.photos, given.px, Path(folder))
        sides = Sides(Path(folder), snapshot, split(snapshot))
        for loop in given.loops:
            for seed in given.seeds:
                print(one(loop, recipes[loop], sides, given.px, given.epochs, seed, precision), flush=True)


if __name__ == "__main__":
    main()
