"""Intervals of a proportion and of a mean, and Holm's correction. numpy and scipy only.

Letters: n photos, G groups of them, K distinct kinds of group.

Two noises stand behind a difference between two configurations: the trainings and the photos. Student's t over training
seeds treats the test photos as the whole world, and a resampling of photos the trained networks as the only ones; one
interval from both is made in `secateur.measure.crossed`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from secateur.records import Measured

Correct = npt.NDArray[np.bool_]  # (n,): whether each test photo was answered right
Groups = npt.ArrayLike | None  # (n,): photos with the same number are near-duplicates; None: all differ

LEVEL = 0.95
ROUNDS = 10_000


def wilson(successes: float, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Score interval of a proportion; (0, 1) where nothing was counted.

    Raises ValueError unless 0 ≤ successes ≤ n. Source: Wilson (1927), JASA 22, 209–212.
    """
    if n < 0 or not 0 <= successes <= n:
        raise ValueError(f"wilson: {successes} successes of {n}")
    if n == 0:
        return 0.0, 1.0
    return score_interval(successes / n, n, float(special.ndtri(0.5 + level / 2)))


def score_interval(share: float, n: float, z: float) -> tuple[float, float]:
    """Wilson's interval of a share of `n` photos, which need not be a whole number, `z` standard errors to each
    side."""
    centre = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if share == 0 else max(0.0, (centre - half) / scale)  # exact where rounding would leave a crumb
    high = 1.0 if share == 1 else min(1.0, (centre + half) / scale)
    return low, high


def mean_t(values: Sequence[float], unit: str = "fraction") -> Measured:
    """Mean over training seeds with Student's t interval; one value has no interval, and says so.

    A fraction's interval is cut at 0 and 1. Raises ValueError for no values.
    """
    measured = _t(values, unit, "t over seeds")
    if unit != "fraction" or measured.low is None or measured.high is None:
        return measured
    return replace(measured, low=max(0.0, measured.low), high=min(1.0, measured.high))


def paired_t(differences: Sequence[float], unit: str = "points") -> Measured:
    """Mean of paired differences, one a training seed, with Student's t interval.

    One difference has no interval, and says so. Raises ValueError for no differences.
    """
    return _t(differences, unit, "paired t over seeds")


def _t(values: Sequence[float], unit: str, how: str) -> Measured:
    if len(values) == 0:
        raise ValueError(f"{how}: no values")
    mean = float(np.mean(values))
    n = len(values)
    if n == 1:
        return Measured(mean, unit, n=1, how="one seed", doubts=("one seed: no interval over seeds",))
    factor = float(special.stdtrit(n - 1, 0.5 + LEVEL / 2)) / math.sqrt(n)
    half = factor * float(np.std(values, ddof=1))
    doubts = (f"Student's t over {n} seeds: ± {factor:.2f} standard deviations",) if n < 10 else ()
    return Measured(mean, unit, mean - half, mean + half, n, how, doubts=doubts)


def group_kinds(values: npt.NDArray[np.int64], groups: Groups) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Distinct kinds of group: their summed values and size (K, columns + 1), and how often each occurs (K,).

    `values` is (n, columns). Raises ValueError when `groups` is not one number a photo.
    """
    n = len(values)
    numbers = np.arange(n) if groups is None else np.asarray(groups)
    if numbers.shape != (n,):
        raise ValueError(f"groups: {numbers.shape} for {n} photos")
    _, group = np.unique(numbers, return_inverse=True)
    sums = np.zeros((group.max() + 1, values.shape[1] + 1), np.int64)
    np.add.at(sums, group, np.column_stack([values, np.ones(n, np.int64)]))
    return np.unique(sums, axis=0, return_counts=True)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values, in the order given. Source: Holm (1979), Scand. J. Statistics 6, 65–70."""
    order = np.argsort(p_values, kind="stable")
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * float(p_values[i])))
        adjusted[i] = largest
    return tuple(adjusted)
