"""Intervals and decisions, from arrays of right and wrong answers. numpy and scipy only.

Letters: S training seeds, n test photos, G groups of near-duplicates, K distinct kinds of group.

Two noises stand behind a difference between two configurations, and neither interval sees both. Student's
t over training seeds treats the test photos as the whole world: all seeds answer the same photos, so more
seeds never average the choice of photos out. The bootstrap over photos treats the trained networks as the
only ones. `secateur.measure.compare` computes both and decides by the wider. Simulated over a range of training
and photo noise, true difference 0 (as tests/measure/test_compare.py does): t alone covers 86–96 % at 3 seeds
and 56–90 % at 10; the wider one 97–98 % at 3 and 91–95 % at 10.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from secateur.records import Measured, Verdict

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
    z = float(stats.norm.ppf(0.5 + level / 2))
    share = successes / n
    centre = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if successes == 0 else (centre - half) / scale  # exact where rounding would leave a crumb
    high = 1.0 if successes == n else (centre + half) / scale
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
    factor = float(stats.t.ppf(0.5 + LEVEL / 2, n - 1)) / math.sqrt(n)
    half = factor * float(np.std(values, ddof=1))
    doubts = (f"Student's t over {n} seeds: ± {factor:.2f} standard deviations",) if n < 10 else ()
    return Measured(mean, unit, mean - half, mean + half, n, how, doubts=doubts)


def bootstrap_groups(
    correct_a: npt.ArrayLike,
    correct_b: npt.ArrayLike,
    groups: Groups = None,
    *,
    seed: int,
    rounds: int = ROUNDS,
) -> tuple[float, float, float]:
    """Mean of a − b with its percentile interval, in fractions, groups (not photos) drawn with replacement.

    `correct_*` are (n,), or (S, n) to average over training seeds first. Groups that hold as many photos and
    as many net wins are exchangeable, so a round draws how often each kind occurs: the same distribution as
    drawing G groups, at a cost of K instead of G. Raises ValueError for unequal shapes or no photos.
    Source: Field & Welsh (2007), JRSS B 69, 369–390 (the cluster bootstrap).
    """
    a, b = np.atleast_2d(np.asarray(correct_a, bool)), np.atleast_2d(np.asarray(correct_b, bool))
    if a.shape != b.shape or a.size == 0:
        raise ValueError(f"bootstrap_groups: answers of shapes {a.shape} and {b.shape}")
    wins = (a.astype(np.int64) - b).sum(axis=0)  # (n,)
    kinds, counts = group_kinds(wins[:, None], groups)  # (K, 2), (K,)
    rng = np.random.default_rng(seed)
    totals = rng.multinomial(counts.sum(), counts / counts.sum(), size=rounds) @ kinds  # (rounds, 2)
    low, high = np.quantile(totals[:, 0] / totals[:, 1], [0.5 - LEVEL / 2, 0.5 + LEVEL / 2]) / len(a)
    return float(wins.mean() / len(a)), float(low), float(high)


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


def mcnemar(correct_a: npt.ArrayLike, correct_b: npt.ArrayLike) -> float:
    """Exact two-sided p-value for two models that err equally often on the same photos.

    Takes (n,) answers of each; 1 where they never differ. McNemar (1947), Psychometrika 12, 153–157.
    """
    a, b = np.asarray(correct_a, bool), np.asarray(correct_b, bool)
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    if only_a + only_b == 0:
        return 1.0
    return float(stats.binomtest(only_a, only_a + only_b).pvalue)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values, in the order given. Source: Holm (1979), Scand. J. Statistics 6, 65–70."""
    order = np.argsort(p_values, kind="stable")
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * float(p_values[i])))
        adjusted[i] = largest
    return tuple(adjusted)


def verdict(low: float, high: float, margin: float) -> Verdict:
    """What an interval of subject − against (points) shows, the first that holds.

    better: low > 0. as good as: low > −margin, so a small loss that is shown but lies wholly inside the
    margin is still as good as. worse: high < 0. Otherwise not shown.
    """
    if low > 0:
        return "better"
    if low > -margin:
        return "as good as"
    return "worse" if high < 0 else "not shown"


def photos_needed(difference: float, half_photos: float, n: int, margin: float, half_seeds: float = 0.0) -> int | None:
    """Test photos that would decide at this margin, were the difference to stay what it is (all in points).

    The half-width over photos falls as 1/√n. It has to come below difference + margin (as good as) or below
    −difference (worse), whichever comes first. None where no number of photos would do: the seeds' own
    half-width is too wide, or both limits are 0.
    """
    room = max(difference + margin, -difference)
    if room <= 0 or half_seeds >= room:
        return None
    return max(n, math.floor(n * (half_photos / room) ** 2) + 1)
