"""Claim: an epoch of a head on features computed once is at least 500 times as fast as one through the frozen backbone.

Ours: `Fit` on the features of 2,000 photos, as a study trains a head. Against: the same `Fit`, head, batches and
photos, the frozen backbone running each time (as the original study did: 265 s an epoch). Both validate nothing.
n = rounds; each round times one epoch through the backbone and, before and after it, ten epochs on features.

    python benchmarks/head_epoch.py [--backbone tf_efficientnet_lite0] [--px 224] [--photos 2000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from _shim import machine
from secateur.data.batches import batch_count, batches
from secateur.models.build import build
from secateur.records import Epoch
from secateur.steps.features import Cached
from secateur.steps.features import batches as cached_batches
from secateur.training.fit import Fit, Photos
from secateur.training.recipes import FAST_HEAD

CLASSES = 10
EPOCHS = 10  # on features, before and after each epoch through the backbone


class Frozen(nn.Module):
    """The head on a backbone that runs each time."""

    def __init__(self, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.inner, self.top = [body.eval()], head

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            seen = self.inner[0](x)
        logits: Tensor = self.top(seen)
        return logits


def epoch_seconds(fit: Fit) -> Callable[[], float]:
    events = fit.run()

    def one() -> float:
        begin = perf_counter()
        while not isinstance(next(events), Epoch):
            pass
        return perf_counter() - begin

    return one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="tf_efficientnet_lite0")
    parser.add_argument("--px", type=int, default=224)
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    n, px = given.photos, given.px
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (n, px, px, 3), dtype=np.uint8)  # what photos show costs no time
    labels = rng.integers(0, CLASSES, n)
    model: Any = build(given.backbone, CLASSES, px)
    body: Any = model.body.to(memory_format=torch.channels_last)
    normal = ([0.5] * 3, [0.5] * 3)

    def drawn(epoch: int, start: int) -> Any:
        return batches(pixels, range(n), labels, batch_size=64, seed=0, epoch=epoch, start=start, normal=normal)

    with torch.no_grad():
        wide = int(body.eval()(torch.zeros(1, 3, px, px)).shape[1])
    features = rng.random((1, n, wide), dtype=np.float32)
    found = Cached(features, features[0, :2], labels, labels[:2])
    count = batch_count(n, 64)
    val = lambda: [(torch.zeros(2, 3, px, px), torch.zeros(2, dtype=torch.int64))]  # noqa: E731
    val_head = lambda: [(torch.zeros(2, wide), torch.zeros(2, dtype=torch.int64))]  # noqa: E731
    many = 10**6
    ours = Fit(
        model.head, FAST_HEAD, Photos(cached_batches(found, 64, 0, "cpu"), val_head, count, n), epochs=many, seed=0
    )
    other: Any = build(given.backbone, CLASSES, px, seed=1)
    theirs = Fit(Frozen(body, other.head), FAST_HEAD, Photos(drawn, val, count, n), epochs=many, seed=0)
    fast, slow = epoch_seconds(ours), epoch_seconds(theirs)
    fast()
    print(machine())
    ratios, quick, long = [], [], []
    for _ in range(given.rounds):
        some = [fast() for _ in range(EPOCHS)]
        took = slow()
        some += [fast() for _ in range(EPOCHS)]
        quick.append(statistics.median(some))
        long.append(took)
        ratios.append(took / quick[-1])
    middle = statistics.median(ratios)
    print(
        f"an epoch of the head, {given.backbone} at {px} px, n = {n} photos: {middle:,.0f}× "
        f"[{min(ratios):,.0f}, {max(ratios):,.0f}] over {given.rounds} rounds; {1e3 * statistics.median(quick):.0f} ms "
        f"against {statistics.median(long):.1f} s; target 500× {'met' if middle >= 500 else 'MISSED'}"
    )


if __name__ == "__main__":
    main()
