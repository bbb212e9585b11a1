"""What a number of photos and seeds can show: before a study, and after one that did not decide."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import special

from secateur.measure.crossed import ENOUGH_SEEDS, POOLED_DF, PRIOR_DF, PRIOR_POINTS, SHARED, Floats, Noise
from secateur.measure.statistics import LEVEL

POWER = 0.9
PRIOR_GROUPS = 30  # groups that all classes together count for, in the variance of one
PLAUSIBLE = 0.9  # one-sided: the truth is at least so far from the margin, in 90 of 100
MOST = 10_000_000  # photos
DISAGREE = 0.12  # of the photos one of two networks has right and the other wrong; kept studies: 0.06 to 0.2
SHARED_PART = 0.25  # of these, whatever the seed


def photos_needed(difference: float, noise: Noise, n: int, margin: float) -> int | None:
    """Test photos of this kind that would decide at this margin with 90 % power (all in points).

    Not "were the difference to stay": of the room between the truth and what has to be excluded (a loss of the margin,
    or no loss) only the lower end of what is plausible is counted on, room − t₀.₉·se; at N photos the half-width and
    the luck of a new draw, z₀.₉·se(N), have to fit into it. What photos say falls as 1/N, what seeds say does not. None
    where that lower end is 0 or less, or no number of photos would do.
    """
    room = max(difference + margin, -difference)
    if noise.n_groups <= 1 or not math.isfinite(float(noise.variance)):
        return None
    room -= float(special.stdtrit(noise.n_groups - 1, PLAUSIBLE)) * math.sqrt(float(noise.variance))
    found = photos_to_exceed(room, noise, n)
    return None if found is None else max(n + 1, found)


def photos_to_exceed(room: float, noise: Noise, n: int, level: float = LEVEL) -> int | None:
    """Photos at which half of the interval and the luck of a draw, z₀.₉·se, fit into `room` points. `noise` is that of
    n photos. None where none do, or more than MOST."""
    if room <= 0 or _asked(noise, 1e9, level) >= room:
        return None
    low, high = 1e-6, 1e9
    for _ in range(80):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if _asked(noise, middle, level) < room else (middle, high)
    needed = math.ceil(n * high)
    return needed if needed <= MOST else None


def _asked(noise: Noise, times: float, level: float) -> float:
    """Half-width and luck with so many times the photos."""
    more = replace(
        noise,
        photos=noise.photos / times,
        seeds=np.maximum(noise.seeds - noise.interaction, 0.0) + noise.interaction / times,
        interaction=noise.interaction / times,
        n_groups=max(2, int(min(noise.n_groups * times, 1e9))),
        df_photos=None if noise.df_photos is None else max(1.0, (noise.df_photos + 1) * times - 1),
    )
    return float(more.half(level)) + float(special.ndtri(POWER)) * math.sqrt(float(more.variance))


def variances(differences: Sequence[Floats], groups: Sequence[npt.NDArray[np.int64]]) -> tuple[float, ...]:
    """v of each class, from its photos' differences (n,) and their groups (n,); n·Var(mean), by sums over groups

        v = G / (G − 1) · Σ_g (Σ_{i in g} (dᵢ − d̄))² / n                                                         (1)

    (Field & Welsh 2007, JRSS B 69, 369–390), drawn towards the same over all classes as if that were PRIOR_GROUPS more
    groups: of six photos none may change, and that says little of how many would.
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
    return tuple(
        ((c - 1) * v + PRIOR_GROUPS * pooled) / (c - 1 + PRIOR_GROUPS) for v, c in zip(own, counts, strict=True)
    )


def detectable(photos: int, seeds: int, judged: int = 1, compared: int = 1, disagree: float = DISAGREE) -> float:
    """The smallest true difference, in points, that a study of this size shows with 90 % power, before anything runs.

    `photos` that belong to no other (of groups, their number); `judged`: comparisons of one family, whose first step of
    Holm has to be passed; `compared`: comparisons that say together how far seeds lie apart; `disagree`: the share of
    photos that one of two networks has right and the other wrong, a quarter of them whatever the seed. Seeds are taken
    to differ by PRIOR_POINTS. Raises ValueError for less than two photos, a seed and a comparison.
    """
    if photos < 2 or seeds < 1 or judged < 1 or compared < 1:
        raise ValueError(f"detectable: {photos} photos, {seeds} seeds, {judged} of {compared} comparisons")
    of_photos = 100**2 * disagree / photos * (SHARED_PART + (1 - SHARED_PART) / seeds)
    of_seeds = PRIOR_POINTS**2 / seeds
    level = 1 - (1 - LEVEL) / judged
    tail, df = 0.5 + level / 2, _df(seeds, compared)
    estimated = float(special.chdtri(df, 0.05)) / df  # by how much the spread may be overrated, 19 times in 20
    half = math.hypot(
        float(special.stdtrit(df, tail)) * math.sqrt(of_seeds * estimated),
        float(special.ndtri(tail)) * math.sqrt(of_photos),
    )
    return half + float(special.ndtri(POWER)) * math.sqrt(of_photos + of_seeds)


def _df(seeds: int, compared: int) -> float:
    """What `crossed.with_prior` and `crossed.pooled` come to."""
    learnt = min(POOLED_DF, (seeds - 1) * compared / (1 + SHARED * (compared - 1))) if compared > 1 else 0.0
    return seeds - 1 + learnt + (PRIOR_DF if seeds < ENOUGH_SEEDS else 0.0)
