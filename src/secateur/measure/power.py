"""How many photos of a class would show that it lost something: no power is not no harm.

Letters: n photos of a class in G groups, K classes, S training seeds.

A photo's difference d is in [−1, 1]: whether the smaller network gets it right less whether dense does, mean over the
seeds. The mean over n photos has the variance v/n + s²: v holds how photos of one group resemble each other (1), s² is
what seeds differ by, which no number of photos makes smaller. A true loss δ is shown where the mean lies below 0 by
more than z₁₋α/₂ standard errors, and with K classes, of which this one alone loses, by z₁₋α/₂ₖ: Holm's first step. In
the share P of all test sets that happens if δ ≥ (z₁₋α/₂ₖ + z_P) √(v/n + s²), so

    n ≥ v / ((δ / (z₁₋α/₂ₖ + z_P))² − s²)                                                                         (2)

the usual number for a paired comparison (Connor 1987, Biometrics 43, 207–211, for δ small beside v), with the design
effect of the groups inside v. A loss of δ takes a share δ of photos that are now wrong, so v ≥ δ(1 − δ), however alike
the two networks look on the photos at hand.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from secateur.measure.statistics import LEVEL

POWER = 0.90
MOST = 100  # times as many photos as there had to be without seeds: a number beyond that is none
PRIOR = 30  # groups that all classes together count for, in the variance of one

Floats = npt.NDArray[np.float64]


def photos_to_show(
    loss: float, variance: float, family: int = 1, seeds: float = 0.0, power: float = POWER
) -> int | None:
    """Photos of a class that show a loss in `power` of all test sets, equation (2). `loss`: δ, a fraction; `variance`:
    v; `family`: K; `seeds`: s². None where seeds differ by so much that photos alone would never show it.

    Raises ValueError unless 0 < loss ≤ 1.

    >>> photos_to_show(0.01, 0.06)  # 6 % of the photos change sides, one class, a loss of one point
    6305
    """
    if not 0 < loss <= 1:
        raise ValueError(f"photos_to_show: a loss of {loss}")
    factor = _factor(family, power)
    room = (loss / factor) ** 2 - seeds
    if room * MOST <= (loss / factor) ** 2:
        return None
    return max(1, math.ceil(max(variance, loss * (1 - loss)) / room))


def variances(differences: Sequence[Floats], groups: Sequence[npt.NDArray[np.int64]]) -> tuple[float, ...]:
    """v of each class, from its photos' differences (n,) and their groups (n,); n·Var(mean), by sums over groups

        v = G / (G − 1) · Σ_g (Σ_{i in g} (dᵢ − d̄))² / n                                                         (1)

    (Field & Welsh 2007, JRSS B 69, 369–390), drawn towards the same over all classes as if that were PRIOR more groups:
    of six photos none may change, and that says little of how many would.
    """
    squares, photos, counts = [], [], []
    for d, g in zip(differences, groups, strict=True):
        numbers = np.unique(g, return_inverse=True)[1]
        sums = np.bincount(numbers, weights=d - d.mean())
        squares.append(float(sums @ sums))
        photos.append(len(d))
        counts.append(len(sums))
    free = max(1, sum(counts) - len(counts))
    pooled = sum(squares) / sum(photos) * sum(counts) / free if photos else 0.0
    own = [q * c / max(c - 1, 1) / n for q, c, n in zip(squares, counts, photos, strict=True)]
    return tuple(((c - 1) * v + PRIOR * pooled) / (c - 1 + PRIOR) for v, c in zip(own, counts, strict=True))


def _factor(family: int, power: float) -> float:
    """Standard errors that a loss has to be away from 0."""
    return float(stats.norm.ppf(1 - (1 - LEVEL) / (2 * family)) + stats.norm.ppf(power))
