"""What is left of a pruned network before it is trained on: test accuracy by what chose, and with the rest refitted.

Claim: chosen by gradients and refitted, 80 % of EfficientNet-Lite0's weights, or filters down to half of its
multiply-adds, go at less than half the points that magnitude costs.
Against: magnitude by one threshold; the L1 norm of filters, the same ratio in every layer. The control is the network
before pruning. Filters are also cut as a scan says that prunes every layer alone on 512 validation photos. Batch norms
are matched for all (benchmarks/match.py); gradients and activations are those of 1,024 training photos. Packaged
ImageNet weights, frozen; a linear head trained on the features of the training photos (70/15/15, seed 0).

    python benchmarks/before_retraining.py --photos FOLDER [--number 4000] [--px 96] [--filters]     # filters alone
"""

from __future__ import annotations

import copy
import sys

import torch
from torch import Tensor, nn

from _lite0 import Sides, accuracy, arguments, trained
from secateur import catalogue
from secateur.models import prunable
from secateur.pruning import channels, cutting, groups, masks, ranking, refit, widths
from secateur.pruning.channel_scores import filter_taylor
from secateur.pruning.evidence import Evidence, of
from secateur.pruning.gradients import gradients
from secateur.pruning.scores import filter_l1, fisher, magnitude
from secateur.records import Scan
from secateur.steps.rating import Rater
from secateur.steps.scan import PHOTOS, scanned
from secateur.training.match import match, of_cut, standing


def weights_by(dense: nn.Module, sides: Sides, seen: Evidence, kind: str, again: bool) -> nn.Module:
    model, chance = copy.deepcopy(dense), torch.Generator()
    found = prunable.weights(model, (), "all")
    scores = {n: fisher(w, chance, of(seen, n)) if kind == "fisher" else magnitude(w, chance) for n, w in found.items()}
    gone = masks.lowest(scores, 0.8, "global")
    if again:
        refit.refit(model, refit.of_masks(gone), lambda: sides.batches("train", 1024))
    masks.apply(found, gone)
    return model


def scanned_alone(dense: nn.Module, sides: Sides, seen: Evidence, px: int) -> Scan:
    """Every group cut alone at eight ratios, as a study does it: by Taylor scores, on validation photos."""
    p = {"scope": "layer", "spare": [], "hidden_units": None, "seed": 0}
    rated = Rater(dense, catalogue.method("filter-taylor"), p, seen, torch.Generator(), px)
    return scanned(rated, "", list(sides.batches("val", PHOTOS)))


def filters_by(
    dense: nn.Module, sides: Sides, seen: Evidence, kind: str, how: str, again: bool, px: int, curves: Scan
) -> tuple[nn.Module, dict[str, dict[int, Tensor]]]:
    model = copy.deepcopy(dense)
    traced = channels.trace(model, torch.zeros(1, 3, px, px))
    sets = groups.cuttable(traced)
    l1 = groups.channel_scores(model, sets, filter_l1, torch.Generator())
    scores = filter_taylor(sets, {}, seen) if kind == "taylor" else l1
    if how == "a scan":
        p = {"scope": "sensitivity", "spare": [], "hidden_units": None, "seed": 0, "measure": "macs"}
        rated = Rater(model, catalogue.method("filter-taylor"), p, seen, torch.Generator(), px, curves)
        goal = rated.whole().reach(0.5, "macs", 8)
    elif how == "one ranking":
        goal = ranking.reach_ranked(traced, sets, scores, 0.5, "macs", 8)
    else:
        goal = widths.reach(traced, sets, 0.5, "macs", 8)
    kept = widths.choose(scores, goal.counts)
    left = cutting.stays(sets, kept)
    if again:
        refit.refit(model, refit.of_cut(model, left), lambda: sides.batches("train", 1024))
    return cutting.cut_groups(model, sets, kept), left


def main() -> None:
    filters_alone = "--filters" in sys.argv
    sys.argv = [word for word in sys.argv if word != "--filters"]
    given = arguments(__doc__)
    with trained(given) as (dense, sides):
        before = standing(dense, sides.batches("train", 1024), device="cpu")
        x, y = (torch.cat(t) for t in zip(*sides.batches("train", 1024), strict=True))
        seen = gradients(dense, zip(x.split(1), y.split(1), strict=True))
        whole, words = accuracy(dense, sides)
        print(f"control, not pruned: {words}", flush=True)
        lost: dict[str, list[float]] = {"weights": [], "filters": []}

        def judge(what: str, words: str, model: nn.Module, left: dict[str, dict[int, Tensor]]) -> None:
            match(model, sides.batches("train", 1024), of_cut(before, left), device="cpu")
            share, said = accuracy(model, sides)
            lost[what].append(whole - share)
            print(f"{words}: {said}", flush=True)

        chosen = () if filters_alone else ("magnitude", "fisher")
        for kind, again in ((kind, again) for kind in chosen for again in (False, True)):
            model = weights_by(dense, sides, seen, kind, again)
            judge("weights", f"80 % of weights, {kind}{', refitted' if again else ''}", model, {})
        curves = scanned_alone(dense, sides, seen, given.px)
        for kind, how, again in (
            ("l1", "the same ratio everywhere", False),
            ("l1", "one ranking", False),
            ("taylor", "the same ratio everywhere", False),
            ("taylor", "the same ratio everywhere", True),
            ("taylor", "one ranking", False),
            ("taylor", "one ranking", True),
            ("taylor", "a scan", False),
            ("taylor", "a scan", True),
        ):
            model, left = filters_by(dense, sides, seen, kind, how, again, given.px, curves)
            words = f"half of the multiply-adds, {kind}, {how}{', refitted' if again else ''}"
            judge("filters", words, model, left)
        for what, points in ((what, points) for what, points in lost.items() if points):
            held = "met" if points[-1] <= points[0] / 2 else "MISSED"
            print(f"{what}: {100 * points[-1]:.1f} points lost, not {100 * points[0]:.1f}; less than half: {held}")


if __name__ == "__main__":
    main()
