"""What batch norms do to a pruned network before it is trained on: test accuracy, three ways.

Claim: after pruning, statistics matched to how the dense network's activations stood keep at least ten points more
than statistics taken anew, on half of EfficientNet-Lite0's weights and on three quarters of its multiply-adds.
Against: the statistics left as they were, and recalibration (plain averages over the same 1,024 training photos).
The control is the network before pruning, to which matching should do nothing. The packaged ImageNet weights, frozen;
a linear head trained on the features of the training photos (70/15/15, seed 0).

    python benchmarks/match.py --photos FOLDER [--number 4000] [--px 96]
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from _lite0 import accuracy, arguments, trained
from secateur.models import prunable
from secateur.pruning import channels, cutting, groups, masks, widths
from secateur.pruning.scores import filter_l1
from secateur.training.match import Standing, match, of_cut, standing
from secateur.training.recalibrate import recalibrate


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
        before = of_cut(before, left)
    return model, before


def main() -> None:
    given = arguments(__doc__)
    with trained(given) as (model, sides):
        before = standing(model, sides.batches("train", 1024), device="cpu")
        for kind, words in (
            ("none", "control: not pruned"),
            ("weights", "50 % of weights, one threshold"),
            ("filters", "filters, 75 % of multiply-adds"),
        ):
            bare, stands = pruned(model, before, kind, given.px)
            anew, matched = copy.deepcopy(bare), copy.deepcopy(bare)
            recalibrate(anew, sides.batches("train", 1024), device="cpu")
            match(matched, sides.batches("train", 1024), stands, device="cpu")
            (_, as_was), (a, taken), (b, best) = (accuracy(m, sides) for m in (bare, anew, matched))
            verdict = "" if kind == "none" else f"; ten points more: {'met' if b - a >= 0.1 else 'MISSED'}"
            print(f"{words}: left as they were {as_was}, taken anew {taken}, matched {best}{verdict}", flush=True)


if __name__ == "__main__":
    main()
