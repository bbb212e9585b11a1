"""Half of EfficientNet-B7's filters cut, from a built network (random weights, 224 px) to a cut one.

Claim: under 1.6 GB at the peak of the whole process and under 10 s on two cores: tracing, widths rounded to 8, scores
and cut. Every round is a fresh process; importing torch-pruning is counted, building the network is not.

    python benchmarks/cut_b7.py [--rounds 3]
"""

from __future__ import annotations

import argparse
import json

import torch

from _fresh import B7, CLASSES, OPTIONS, PX, alone, status, timed, told, verdict, where
from secateur.models.build import build

SECONDS, GB = 10, 1.6


def cut(model: torch.nn.Module) -> tuple[float, dict[str, list[int]]]:
    """Fraction of the multiply-adds that stays, and what was kept."""
    from secateur.pruning import channels, groups, scores, widths
    from secateur.pruning.cutting import cut_groups

    traced = channels.trace(model, torch.zeros(1, 3, PX, PX))
    found = groups.cuttable(traced)
    reached = widths.reach(traced, found, 0.5, "filters", 8)
    rated = groups.channel_scores(model, found, scores.filter_l1, torch.Generator())
    kept = widths.choose(rated, reached.counts)
    cut_groups(model, found, kept)
    return reached.macs / reached.macs_dense, kept


def one() -> None:
    model = build(B7, CLASSES, PX, options=OPTIONS)
    stays = []
    wall, own = timed(lambda: stays.append(cut(model)[0]))
    params = sum(p.numel() for p in model.parameters())
    print(json.dumps({"wall": wall, "own": own, "peak": status("VmHWM"), "macs": stays[0], "params": params}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", action="store_true", help="one measurement, in this process")
    given = parser.parse_args()
    if given.one:
        one()
        return
    print(where())
    rounds = [alone(__file__, "--one") for _ in range(given.rounds)]
    wall, own = [r["wall"] for r in rounds], [r["own"] for r in rounds]
    print(
        f"{told(wall, ' s')} of wall time, {told(own, ' s')} of processor time; "
        f"target under {SECONDS} s {verdict(max(wall) < SECONDS)}"
    )
    gigabytes = [r["peak"] * 1024**2 / 1e9 for r in rounds]
    print(f"{told(gigabytes, ' GB')} at the peak; target under {GB} GB {verdict(max(gigabytes) < GB)}")
    print(f"{rounds[0]['macs']:.1%} of the multiply-adds stay, {int(rounds[0]['params']):,} parameters")


if __name__ == "__main__":
    main()
