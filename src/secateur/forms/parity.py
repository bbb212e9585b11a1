"""Does the exported file answer as the network does?

Two kinds of bound. Logits of an FP32 file are a matter of arithmetic: they hold for every photo that was looked at, or
the file is wrong. What a rounded file decides is a matter of photos: a share of those looked at, which others would
move. There a file fails if it is *shown* to be worse than allowed, and else passes with what so few photos leave open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from secateur.records import Measured

TOLERANCE_FP32 = 1e-4
INT8_LOSES = 0.01  # of accuracy, at most
FP16_ALIKE = 0.995  # of decisions, at least
FP16_LOSES = 0.005  # of decisions, at most

Gate = Literal["holds", "not shown", "fails"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of two files' logits on the same photos."""

    relative_difference: float  # largest |a − b| / largest |a|
    decisions_equal: bool
    near_ties: int
    ok: bool


def agreement(
    network: npt.NDArray[np.float32], exported: npt.NDArray[np.float32], tolerance: float = TOLERANCE_FP32
) -> Agreement:
    """Both (n, classes). Decisions count wherever the network's first two classes are further apart than twice
    the tolerance, in units of its largest logit."""
    scale = float(np.abs(network).max()) or 1.0
    difference = float(np.abs(network - exported).max()) / scale
    top = np.sort(network, axis=1)
    near = (top[:, -1] - top[:, -2]) / scale <= 2 * tolerance
    equal = bool((network.argmax(1) == exported.argmax(1))[~near].all())
    finite = bool(np.isfinite(exported).all())
    return Agreement(difference, equal, int(near.sum()), finite and equal and difference <= tolerance)


def error(before: npt.NDArray[np.float32], after: npt.NDArray[np.float32]) -> float:
    """The mean square of what two files' logits differ by, over the variance of the first's. Both (n, classes)."""
    return float(np.square(after - before).mean() / (before.var() or 1.0))


def gate(change: Measured, allowed: float) -> Gate:
    """What a change (points, with its interval) shows of a file that may lose `allowed` (a fraction).

    fails: even the upper end lies below −allowed. holds: even the lower end does not. Else the photos are too few to
    say, and the file passes with that doubt."""
    assert change.low is not None and change.high is not None
    if change.high < -100 * allowed:
        return "fails"
    return "holds" if change.low >= -100 * allowed else "not shown"
