"""The sensitivity scan: what comes before a layer is computed once, against a scan that runs all of it every time.

Claim: at least 1.7× faster than the naive scan in the same run, equal to it within 1e-5; and with the defaults of a
study (512 validation photos, eight sparsities) under 10 minutes for EfficientNet-Lite0 at 112 px on two cores. Against:
`naive` below, the same changes to the same network, the whole network run for each. The two take turns, a slice of the
photos each; the network has its packaged ImageNet weights and a trained head.

    python benchmarks/sensitivity.py --photos raw-img [--px 112] [--slices 4] [--slice 64] [--filters] [--whole]
"""

from __future__ import annotations

import statistics
import sys
import time

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import _lite0
from _fresh import told, verdict
from secateur import catalogue
from secateur.pruning.chain import chain
from secateur.pruning.scan import Change, _changed, scan
from secateur.steps.rating import Rater
from secateur.steps.scan import BATCH, PHOTOS, _filters, _weights

Batch = tuple[Tensor, Tensor]


@torch.no_grad()
def naive(model: nn.Module, changes: list[Change], batches: list[Batch]) -> list[Tensor]:
    """Losses of every photo, change by change."""
    named, found = dict(model.named_parameters()), []
    for change in changes:
        with _changed(named, change):
            found.append(torch.cat([F.cross_entropy(model(x), y, reduction="none") for x, y in batches]))
    return found


def changes_of(model: nn.Module, px: int, filters: bool) -> list[Change]:
    row = catalogue.method("filter-sensitivity" if filters else "sensitivity")
    p = {"scope": "layer", "spare": [], "hidden_units": None, "seed": 0}
    rated = Rater(model, row, p, {}, torch.Generator().manual_seed(0), px)
    found, _ = _filters(rated) if filters else _weights(rated)
    return [c for _, _, own in found for c in own]


def main() -> None:
    words = [w for w in ("--filters", "--whole") if w in sys.argv]
    sys.argv = [w for w in sys.argv if w not in words]
    sizes = {"--slices": 4, "--slice": 64}
    for name in sizes:
        if name in sys.argv:
            at = sys.argv.index(name)
            sizes[name] = int(sys.argv[at + 1])
            del sys.argv[at : at + 2]
    given = _lite0.arguments(__doc__ or "")
    with _lite0.trained(given) as (model, sides):
        model.eval()
        changes = changes_of(model, given.px, "--filters" in words)
        photos = list(sides.batches("val", PHOTOS))
        x, y = (torch.cat(t) for t in zip(*photos, strict=True))
        stages = chain(model, x[:2])
        print(f"{len(changes)} changes, {len(stages.stages)} stages; {sizes['--slice']} photos a slice")
        ratios, apart = [], 0.0
        for i in range(sizes["--slices"]):
            own = slice(i * sizes["--slice"], (i + 1) * sizes["--slice"])
            slice_ = [(a, b) for a, b in zip(x[own].split(BATCH), y[own].split(BATCH), strict=True)]
            start = time.perf_counter()
            _, said = scan(model, stages, changes, slice_)
            between = time.perf_counter()
            theirs = naive(model, changes, slice_)
            end = time.perf_counter()
            ratios.append((end - between) / (between - start))
            apart = max(apart, max(float((m.loss - t).abs().max()) for m, t in zip(said, theirs, strict=True)))
            print(f"slice {i}: {between - start:.1f} s against {end - between:.1f} s", flush=True)
        print(f"{told(ratios)}× as fast; target 1.7× {verdict(statistics.median(ratios) >= 1.7)}")
        print(f"losses differ by {apart:.1e} at most; target 1e-5 {verdict(apart <= 1e-5)}")
        if "--whole" in words:
            start = time.perf_counter()
            scan(model, stages, changes, photos)
            took = time.perf_counter() - start
            print(f"{len(y)} photos: {took / 60:.1f} min; target under 10 min {verdict(took < 600)}")


if __name__ == "__main__":
    main()
