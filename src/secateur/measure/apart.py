"""The difference of two figures that were made on different photos."""

from __future__ import annotations

import math

from scipy import special

from secateur.measure.crossed import PRIOR_DF, PRIOR_POINTS
from secateur.measure.statistics import LEVEL
from secateur.records import Measured

HOW = "the two intervals put together (MOVER), different photos"


def apart(a: Measured, b: Measured, *, trained: bool = False) -> Measured:
    """a − b in points, of two fractions that share no photo, with the 95 % interval that follows from theirs.

    Source: Zou & Donner (2008), Statistics in Medicine 27, 1693–1702, the method of variance estimates recovery; for
    two Wilson intervals it is Newcombe's (1998) tenth. Without an interval where either has none. `trained`: the two
    are of networks trained apart, one seed each: what is known from earlier studies of how far seeds lie apart joins
    the interval (`crossed`).
    """
    difference = a.value - b.value
    doubts = tuple(dict.fromkeys((*a.doubts, *b.doubts)))
    n = min(a.n, b.n)
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return Measured(100 * difference, "points", n=n, how=HOW, doubts=doubts)
    seeds = float(special.stdtrit(PRIOR_DF, 0.5 + LEVEL / 2)) * PRIOR_POINTS / 100 if trained else 0.0
    low = difference - math.hypot(a.value - a.low, b.high - b.value, seeds)
    high = difference + math.hypot(a.high - a.value, b.value - b.low, seeds)
    return Measured(100 * difference, "points", 100 * low, 100 * high, n, HOW, doubts=doubts)
