"""What a file loses beside the one that it was made of: paired, by what belongs together, with what n cannot show.

Letters: n photos, G groups of them.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import stats

from secateur.measure.statistics import LEVEL, ROUNDS, Groups, bootstrap_groups, wilson
from secateur.records import Measured

FEW = 10  # groups under which Student's t stands for the bootstrap, which is too narrow there


def change(
    before: npt.ArrayLike, after: npt.ArrayLike, groups: Groups = None, *, seed: int = 0, rounds: int = ROUNDS
) -> Measured:
    """after − before in points, with its 95 % interval. Both (n,): whether each photo is right (or decided alike).

    Groups of photos are drawn with replacement; under FEW of them Student's t is taken over groups (of the ratio of
    their sums). Neither sees a loss where no group has one: then as much may have been lost as Wilson's upper end of
    none in G allows, and likewise of what was won. One group alone shows nothing. Raises ValueError for unequal shapes
    or no photos.
    Source: Field & Welsh (2007), JRSS B 69, 369–390 (groups); Wilson (1927), JASA 22, 209–212 (none seen).
    """
    a, b = np.asarray(after, bool), np.asarray(before, bool)
    value, low, high = bootstrap_groups(a, b, groups, seed=seed, rounds=rounds)
    numbers = np.arange(a.size) if groups is None else np.asarray(groups)
    _, group = np.unique(numbers, return_inverse=True)
    size = np.bincount(group)
    net = np.bincount(group, weights=a.astype(float) - b).astype(np.float64)  # (G,): photos won
    how = "paired bootstrap over photos" if len(size) == a.size else "paired bootstrap over groups of photos"
    if len(size) < FEW:
        low, high, how = *_over_few(net, size), f"paired t over {len(size)} groups of photos"
    unseen = wilson(0, len(size))[1]
    if not (net < 0).any():
        low = min(low, value - unseen)
    if not (net > 0).any():
        high = max(high, value + unseen)
    low, high = max(low, -1.0), min(high, 1.0)
    doubts = (f"{len(size)} groups of photos: hardly more than a guess",) if len(size) < FEW else ()
    return Measured(100 * value, "points", 100 * low, 100 * high, a.size, how, doubts=doubts)


def _over_few(net: npt.NDArray[np.float64], size: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Student's t over groups (G,), of the ratio of sums; all that is possible for one group."""
    many = len(size)
    if many == 1:
        return -1.0, 1.0
    value = float(net.sum() / size.sum())
    spread = math.sqrt(many / (many - 1) * float(np.square(net - value * size).sum())) / float(size.sum())
    half = float(stats.t.ppf(0.5 + LEVEL / 2, many - 1)) * spread
    return value - half, value + half
