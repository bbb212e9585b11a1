"""What one change of a network does to photos that were seen before and after it."""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.stats import t

from secateur.measure.statistics import LEVEL
from secateur.records import Measured

HOW = "mean over photos of the paired change, Student's t on it"


def change(before: npt.NDArray[np.float64], after: npt.NDArray[np.float64], unit: str) -> Measured:
    """(n,) and (n,) of the same photos → the mean of after − before with its 95 % interval. Near-duplicates are taken
    for photos of their own: this looks for a layer's curve, and decides nothing."""
    moved = after - before
    n, mean = len(moved), float(moved.mean())
    half = float(t.ppf((1 + LEVEL) / 2, n - 1)) * float(moved.std(ddof=1)) / sqrt(n) if n > 1 else float("inf")
    return Measured(mean, unit, mean - half, mean + half, n, HOW)
