"""EfficientNet-Lite0 with its packaged ImageNet weights and a linear head, trained on the features of some photos."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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
from secateur.models import weights
from secateur.models.build import build
from secateur.training.fit import Fit, Photos
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


def arguments(doc: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--number", type=int, default=4000, help="photos in all, three sides together")
    parser.add_argument("--px", type=int, default=96)
    return parser.parse_args()


@contextmanager
def trained(given: argparse.Namespace) -> Iterator[tuple[nn.Module, Sides]]:
    """The network with its head trained, and the photos."""
    model = build(NAME, 10, given.px, 0, {"pool": "avg", "head": "linear"})
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder, "weights")
        kept.mkdir()
        row = catalogue.backbone(NAME)
        weights.keep(row, "package", str(at_hand.package_file(row)), at_hand.package_version(row), given.px, kept)
        origin = weights.load(model.body, kept)
        sides = Sides(given.photos, given.number, given.px, Path(folder), (list(origin.mean), list(origin.std)))
        print(f"{machine().cpu}, torch {torch.__version__}; {given.number} photos at {given.px} px")
        train_head(model, sides)
        yield model, sides
