"""What every method of the catalogue costs, beside an epoch of training and the network itself.

Claim: nothing but ThiNet, OBS and regimes takes longer than three epochs of training on 2,000 photos. Each method in a
fresh process: an epoch first (recipe `fast`, batch 32, 320 photos timed and scaled), then all that pruning by it asks
for: evidence from 1,024 photos, scores, masks or cut, least squares. A regime: an epoch with its hooks, less one
without. Peak: RssAnon sampled every 5 ms while it prunes, less what was there before, over the network's weights. The
photos are noise: how long this takes does not depend on what they show.

    python benchmarks/methods.py [--networks cnn tf_efficientnet_lite0] [--methods lamp taylor]
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from _fresh import alone, begin_peak, status, where
from secateur import catalogue
from secateur.methods import OWN
from secateur.models import prunable
from secateur.models.build import build
from secateur.pruning import activations, channels, cutting, gradients, masks, obs, refit, scan, widths
from secateur.pruning.chain import chain
from secateur.pruning.penalties import PENALTIES
from secateur.pruning.regimes import Course
from secateur.steps.rating import Rater
from secateur.steps.scan import FILTERS, WEIGHTS, _filters, _weights
from secateur.training.fit import Fit, Photos
from secateur.training.recipes import FAST, FAST_TUNE

PHOTOS, TIMED, EVIDENCE, SCANNED, BENDS = 2000, 320, 1024, 512, 200
NETWORKS = {"cnn": (32, None), "tf_efficientnet_lite0": (96, {"pool": "avg", "head": "linear"})}
TARGET = 0.5
# These may take more than three epochs.
SLOW = ("filter-thinet", "obs", "magnitude-gradual", "movement", "rigl", "filter-slimming", "filter-group-lasso")
SCANS = ("sensitivity", "filter-sensitivity")  # have a bound of their own: sensitivity.py


def noise(n: int, px: int, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    chance = torch.Generator().manual_seed(0)
    for _ in range(n // size):
        yield torch.randn(size, 3, px, px, generator=chance), torch.randint(0, 10, (size,), generator=chance)


def epoch(model: nn.Module, px: int, hooks: Any = None) -> float:
    """Seconds of one on PHOTOS photos."""
    drawn = list(noise(TIMED, px, 32))
    recipe = FAST if px == 32 else FAST_TUNE
    fit = Fit(
        model, recipe, Photos(lambda e, s: drawn, lambda: drawn[:1], len(drawn), TIMED), epochs=2, seed=0, hooks=hooks
    )
    ticks = [time.perf_counter() for _ in fit.run()]
    return (ticks[-2] - ticks[len(drawn) + 1]) / (len(drawn) - 1) * PHOTOS / 32  # of the second epoch


class Watch(threading.Thread):
    """The most of RssAnon while it runs, MiB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self.going = 0.0, True

    def run(self) -> None:
        while self.going:
            self.most = max(self.most, status("RssAnon"))
            time.sleep(0.005)


def gathered(model: nn.Module, row: Any, px: int) -> Any:
    found: Any = {}
    for need in row.needs:
        photos = noise(EVIDENCE, px, 8)
        if need in ("gradients", "slopes"):
            alone = noise(EVIDENCE, px, 1)
            found |= {"gradients": gradients.gradients, "slopes": gradients.slopes}[need](model, alone)
        elif need == "connections":
            found |= gradients.connections(model, noise(EVIDENCE, px, 128))
        elif need == "bends":
            found |= gradients.bends(model, lambda: noise(BENDS, px, 50))
        elif need in ("inputs", "alive"):
            found |= {"inputs": activations.inputs, "alive": activations.alive}[need](model, photos)
        elif need == "removals":
            found |= obs.removals(model, prunable.weights(model), lambda: noise(EVIDENCE, px, 64))
        else:
            found |= activations.samples(model, channels.trace(model, torch.zeros(1, 3, px, px)).groups, photos)
    return found


def pruned(model: nn.Module, row: Any, px: int) -> None:
    p = {"scope": row.scopes[0], "target": TARGET, "spare": [], "hidden_units": None, "seed": 0}
    if row.scopes[0] == "sensitivity":
        rated = Rater(model, row, p | {"scope": "layer"}, {}, torch.Generator().manual_seed(0), px)
        found, _ = _weights(rated) if row.cuts == "weights" else _filters(rated)
        photos = list(noise(SCANNED, px, 64))
        scan.scan(model, chain(model, photos[0][0][:2]), [c for _, _, own in found for c in own], photos)
        assert len(found[0][2]) == len(WEIGHTS if row.cuts == "weights" else FILTERS)
        return
    rated = Rater(model, row, p, gathered(model, row, px), torch.Generator().manual_seed(0), px)
    if row.cuts == "weights":
        weights = prunable.weights(model)
        found = rated.weight_masks(weights)[0]
        if row.refits:
            refit.refit(model, refit.of_masks(found), lambda: noise(EVIDENCE, px, 64), grouped=True)
        masks.apply(weights, found)
        return
    whole = rated.whole()
    goal = whole.reach(TARGET, "filters", 1 if px == 32 else 8)
    kept = widths.choose(whole.scores, goal.counts)
    if row.refits:
        left = cutting.stays(whole.groups, kept)
        refit.refit(model, refit.of_cut(model, left), lambda: noise(EVIDENCE, px, 64))
    cutting.cut_groups(model, whole.groups, kept)


def one(network: str, name: str) -> None:
    px, options = NETWORKS[network]
    row = catalogue.method(name)
    torch.manual_seed(0)
    plain = epoch(build(network, 10, px, 0, options), px)
    model = build(network, 10, px, 0, options)
    size = sum(p.numel() for p in model.parameters()) * 4 / 2**20
    begin_peak()
    before, watch = status("RssAnon"), Watch()
    watch.start()
    if row.kind == "regime" or row.begins in PENALTIES:
        weights = prunable.weights(model)
        course = Course(40 * PHOTOS // 32, 100, "layer", 0)  # of 40 epochs
        penalty = PENALTIES.get(row.begins)
        hooks = penalty(model) if penalty else catalogue.load(row.where)(weights, TARGET, course)
        took = epoch(model, px, hooks) - plain
    else:
        start = time.perf_counter()
        pruned(model.eval(), row, px)
        took = time.perf_counter() - start
    watch.going = False
    watch.join()
    print(json.dumps({"epochs": took / plain, "plain": plain, "peak": (watch.most - before) / size}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS))
    parser.add_argument("--methods", nargs="+", default=[row.name for row in OWN])
    parser.add_argument("--one", nargs=2, help="one measurement, in this process")
    given = parser.parse_args()
    if given.one:
        one(*given.one)
        return
    print(where())
    for network in given.networks:
        print(f"{network}: method, epochs of training, peak over the network's weights")
        for name in given.methods:
            found = alone(__file__, "--one", network, name)
            words = {**dict.fromkeys(SLOW, " (allowed)"), **dict.fromkeys(SCANS, " (a scan)")}
            held = "" if found["epochs"] <= 3 else words.get(name, " MISSED")
            print(f"  {name:20} {found['epochs']:6.2f} {found['peak']:6.1f}×{held}", flush=True)


if __name__ == "__main__":
    main()
