"""Does the exported file answer as the network does?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

TOLERANCE_FP32 = 1e-4
INT8_LOSES = 0.01  # of accuracy, at most
FP16_ALIKE = 0.995  # of decisions, at least
FP16_LOSES = 0.005  # of decisions, at most


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


def loses_too_much(before: int, after: int, n: int) -> bool:
    """Of `n` photos a file had `before` right, and its INT8 version `after`: more than a point is lost, and more than
    one photo, which decides nothing."""
    return before - after > max(INT8_LOSES * n, 1)
