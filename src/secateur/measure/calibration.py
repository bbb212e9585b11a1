"""Do a network's probabilities mean what they say?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from secateur.measure import tables
from secateur.measure.accuracy import proportion
from secateur.measure.statistics import LEVEL, Groups, group_kinds
from secateur.records import Bin, Measured, Reliability

BINS = 15
ROUNDS = 2000


def reliability(
    probabilities: npt.ArrayLike, labels: npt.ArrayLike, groups: Groups = None, *, bins: int = BINS, seed: int = 0
) -> Reliability:
    """`probabilities`: (n, classes), rows that sum to 1; `labels`: (n,) positions of the true classes.

    Bins of equal width over the first answer's probability, and the expected calibration error: the mean over photos
    of |accuracy − confidence| of their bin (Guo et al. 2017, arXiv:1706.04599, eq. 3). Its interval is a bootstrap over
    groups; the estimate is too high where photos are few, since a bin's accuracy differs from its confidence by chance
    alone, and the interval covers too seldom: a doubt says so. Raises ValueError for no photos or unequal lengths.
    """
    p, y = np.asarray(probabilities, float), np.asarray(labels, np.int64)
    if p.ndim != 2 or len(p) != len(y) or not len(y):
        raise ValueError(f"reliability: probabilities of shape {p.shape} for labels of shape {y.shape}")
    confidence, right = p.max(1), p.argmax(1) == y
    place = np.clip((confidence * bins).astype(int), 0, bins - 1)  # (n,)
    rows = []
    for b in range(bins):
        mine = place == b
        n = int(mine.sum())
        if n:
            own = None if groups is None else np.asarray(groups)[mine]
            share = proportion(tables.mean_of(right[mine], own), "no photos")
            rows.append(Bin(b / bins, (b + 1) / bins, n, float(confidence[mine].mean()), share))
    return Reliability(tuple(rows), _ece(confidence, right, place, bins, groups, seed))


def _ece(
    confidence: npt.NDArray[np.float64],
    right: npt.NDArray[np.bool_],
    place: npt.NDArray[np.int64],
    bins: int,
    groups: Groups,
    seed: int,
) -> Measured:
    n = len(right)
    gaps = np.zeros((n, bins))
    gaps[np.arange(n), place] = right - confidence
    value = float(np.abs(gaps.sum(0)).sum() / n)
    millionths = np.rint(gaps * 1e6).astype(np.int64)  # whole numbers, as groups are counted in
    kinds, often = group_kinds(millionths, groups)
    chance = np.random.default_rng(seed)
    drawn = []
    chunk = max(1, 4_000_000 // len(kinds))
    for start in range(0, ROUNDS, chunk):
        times = chance.multinomial(often.sum(), often / often.sum(), size=min(chunk, ROUNDS - start))
        sums = times @ kinds  # (rounds, bins + 1)
        drawn.append(np.abs(sums[:, :-1]).sum(1) / 1e6 / sums[:, -1])
    low, high = np.quantile(np.concatenate(drawn), [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    doubt = "an expected calibration error is too high where photos are few, and its interval covers too seldom"
    how = "bootstrap over groups of photos"
    return Measured(value, "fraction", min(float(low), value), max(float(high), value), n, how, doubts=(doubt,))
