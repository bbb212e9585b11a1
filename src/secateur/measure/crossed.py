"""One interval from two noises: trainings (seeds) and photos, which come in groups.

Letters: S training seeds, G groups of photos, n photos; any leading axes (`...`) are kept.

Every figure is turned into a table of what each group of photos moves it by, a row a seed (`tables.py`). All seeds
answer the same photos, so seeds and groups are crossed random effects (Searle, Casella & McCulloch 1992, "Variance
Components", ch. 4): figure[s, g] = mean + seed[s] + group[g] + rest[s, g]. Three sums of squares say how much of each
there is:

    photos       variance of the mean over seeds by the groups that happened to be drawn: group + rest / S
    interaction  variance of one seed's figure by the rest alone
    seeds        variance between the seeds' figures: seed + rest

so the mean over seeds varies by  photos + (seeds − interaction) / S  =  seeds / S + (photos − interaction / S). The two
terms are known from different numbers of draws, S − 1 and G − 1; the half-width is the root of the sum of their
squares, each with its own Student's t, which errs to the wide side where both matter (Cochran 1964, Biometrics 20,
191–195).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import special

from secateur.measure.statistics import LEVEL, score_interval
from secateur.measure.tables import Figure

Floats = npt.NDArray[np.float64]

# Standard deviation of a difference between seeds, in points, where a study cannot say: no less than what the kept
# studies of three seeds show (docs/numbers.md), of differences of up to five points to dense, and of a class's recall.
PRIOR_POINTS = 0.5
PRIOR_POINTS_CLASS = 2.0
PRIOR_DF = 4.0
ENOUGH_SEEDS = 3  # from here on a study speaks for itself
# What the other comparisons of a study count for, at most. With 8, one whose seeds lie six times as far apart as the
# rest's was covered in 87 of 100 simulated studies; with 2 in 94 (tests/measure/test_error_rates.py).
POOLED_DF = 2.0
SHARED = 0.25  # correlation of two comparisons' variances where both are held against one network (the square of ½)
_LOG_TAILS = np.linspace(math.log(0.5), math.log(1e-15), 400)

FADE = 10.0  # groups that differ: as many show the width themselves
FEW_GROUPS = 5  # so many groups, all agreeing, still happen by chance in one of 16: no verdict at 95 %


@lru_cache(maxsize=64)
def _quantiles(df: float) -> Floats:
    """Student's t for every tail."""
    return np.asarray(-special.stdtrit(df, np.exp(_LOG_TAILS)))


@dataclass(frozen=True, slots=True)
class Noise:
    """How far a mean over seeds may lie from the truth. Variances, in the square of the figure's unit; each a number,
    or an array over leading axes."""

    photos: Floats  # of the mean over seeds, by the groups that were drawn
    interaction: Floats  # of one seed's figure, by how differently seeds answer the same photos; 0 for one seed
    seeds: Floats  # between the figures of seeds; 0 for one seed
    n_seeds: int
    n_groups: int
    prior: float = 0.0  # variance between seeds beyond the interaction, as known from elsewhere …
    prior_df: float = 0.0  # … and for how many degrees of freedom that counts
    df_photos: float | None = None  # of `photos`; None: for groups of one size, their number less one

    @property
    def df_seeds(self) -> float:
        return self.n_seeds - 1 + self.prior_df

    @property
    def df_groups(self) -> float:
        return self.n_groups - 1.0 if self.df_photos is None else min(self.df_photos, self.n_groups - 1.0)

    @property
    def training(self) -> Floats:
        """The part of the mean's variance that seeds say: own degrees of freedom and the prior's, weighed by their
        number."""
        if self.df_seeds == 0:
            return np.zeros_like(self.photos)
        known = self.prior_df * (self.prior + self.interaction) + (self.n_seeds - 1) * self.seeds
        return np.asarray(known / self.df_seeds / self.n_seeds)

    @property
    def rest(self) -> Floats:
        """The part that photos say, beyond what is in `training` already."""
        return np.asarray(np.maximum(self.photos - self.interaction / self.n_seeds, 0.0))

    def half(self, level: float = LEVEL) -> Floats:
        """Half of the interval at a level."""
        tail = 0.5 + level / 2
        of_seeds = special.stdtrit(self.df_seeds, tail) if self.df_seeds else 0.0
        of_photos = special.stdtrit(self.df_groups, tail) if self.df_groups > 0 else math.inf
        with np.errstate(invalid="ignore"):
            squares = np.asarray(of_seeds**2 * self.training) + np.asarray(of_photos**2 * self.rest)
        return np.asarray(np.sqrt(np.where(np.isnan(squares), math.inf, squares)))

    def tail(self, distance: float) -> float:
        """Of one figure: the chance, at most ½, that it lies so far to one side of the truth: half of what is left of
        the level at which the interval just reaches. A distance of 0: ½."""
        if distance <= 0:
            return 0.5
        of_seeds = _quantiles(self.df_seeds) if self.df_seeds else 0.0
        of_photos = _quantiles(self.df_groups) if self.df_groups > 0 else math.inf
        reach = np.sqrt(of_seeds**2 * float(self.training) + of_photos**2 * float(self.rest))  # rising as tails fall
        return math.exp(float(np.interp(distance, reach, _LOG_TAILS)))

    @property
    def variance(self) -> Floats:
        return np.asarray(self.training + self.rest)


def of(figure: Figure) -> Noise:
    """The noise of one figure. Groups of unequal sizes count as so many of one size (Kish 1965, §8.2)."""
    return replace(noise(figure.table, figure.values), df_photos=figure.effective - 1)


def noise(table: npt.ArrayLike, figures: npt.ArrayLike) -> Noise:
    """Of `table` (..., S, G): by how much the figure of seed s would change without group g (`tables.py`), and
    `figures` (..., S), what each seed's figure is. One group alone says nothing of others: its variance is infinite.

    The jackknife's variance over groups: Efron & Stein (1981), Annals of Statistics 9, 586–596, eq. 1.5.
    """
    z, f = np.asarray(table, float), np.asarray(figures, float)
    seeds, groups = z.shape[-2:]
    scale = (groups - 1) / groups
    mean = z.mean(axis=-2)
    of_photos = scale * (mean**2).sum(axis=-1) if groups > 1 else np.full(z.shape[:-2], math.inf)
    if seeds == 1:
        zero = np.zeros(z.shape[:-2])
        return Noise(of_photos, zero, zero, 1, groups)
    rest = scale * ((z - mean[..., None, :]) ** 2).sum(axis=(-2, -1)) / (seeds - 1)
    return Noise(of_photos, rest, f.var(axis=-1, ddof=1), seeds, groups)


def design_effect(sums: npt.ArrayLike, squares: npt.ArrayLike, sizes: npt.ArrayLike) -> Floats:
    """How many times the variance of a mean of differences is that of photos drawn singly (Kish 1965, §8.2), at least
    1: by as much as is seen, and as though photos of a group went wholly together until some that differ are seen.

    `sums` (..., G): differences added up over a group, mean over seeds; `squares` (...): of single photos', added up
    over all; `sizes` (G,). What all groups lose alike ties nothing.
    """
    size, seen, one = np.asarray(sizes, float), np.asarray(squares, float), np.asarray(sums, float)
    n = size.sum()
    usual = float((size**2).sum() / n)  # photos in the group of a photo
    mean = one.sum(axis=-1) / n
    together = ((one - size * mean[..., None]) ** 2).sum(axis=-1)
    alone = np.maximum(seen - n * mean**2, 0.0)
    guess = 1 / (1 + seen)
    return np.asarray(np.maximum(1.0, (together + guess * usual**2) / (alone + guess * usual)))


def made_up_pair(sums: npt.ArrayLike, effect: npt.ArrayLike, n: int) -> Floats:
    """The variance that two made-up photos, one won by each side, give a mean of differences (fractions) over n photos:
    without them few photos on which two networks never differ would have an interval of no width (Bonett & Price 2012,
    J. Educ. Behav. Stat. 37, 479–488, whose adjusted Wald interval adds the same two). They fade as groups that differ
    are seen, counted as Kish does: FADE of these show the width themselves."""
    differ = np.abs(np.asarray(sums, float))
    seen = differ.sum(axis=-1) ** 2 / np.maximum((differ**2).sum(axis=-1), 1e-12)
    return np.asarray(2 * (np.asarray(effect) / n) ** 2 * np.maximum(1 - seen / FADE, 0.0))


def with_prior(found: Noise, points: float = PRIOR_POINTS) -> Noise:
    """Where a study has fewer than ENOUGH_SEEDS: with what other studies saw between seeds. `found` is of
    a difference in points."""
    if found.n_seeds >= ENOUGH_SEEDS:
        return found
    return replace(found, prior=points**2, prior_df=PRIOR_DF)


def pooled(found: Sequence[Noise], networks: Sequence[Hashable] | None = None) -> list[Noise]:
    """Comparisons of one study learn from each other how far its seeds lie apart: each keeps its own degrees of
    freedom, and the mean of all counts for POOLED_DF more at most (empirical Bayes: Smyth 2004, Stat. Appl. Genet. Mol.
    Biol. 3, art. 3, §3; here with a bound on the prior's weight, since comparisons that share a network are no
    independent draws, and some networks' seeds lie further apart than others').

    `networks`: what each compares, (subject, against) as trained: a file and its INT8 are one. Those of fewer than
    ENOUGH_SEEDS seeds keep the stated prior among what they learn from; of one seed, no less than the study shows.
    """
    names = list(range(len(found))) if networks is None else list(networks)
    own: dict[Hashable, list[float]] = {}
    for name, x in zip(names, found, strict=True):
        if x.n_seeds > 1:
            own.setdefault(name, []).append(float(x.seeds - x.interaction))
    if len(own) < 2:
        return list(found)
    count, seeds = len(own), min(x.n_seeds for x in found if x.n_seeds > 1)
    shown = max(float(np.mean([np.mean(v) for v in own.values()])), 0.0)
    df = min(POOLED_DF, (seeds - 1) * count / (1 + SHARED * (count - 1)))

    def learnt(x: Noise) -> Noise:
        if x.n_seeds == 1:
            return replace(x, prior=max(x.prior, shown)) if x.prior_df else x
        variance = (df * shown + x.prior_df * x.prior) / (df + x.prior_df)
        return replace(x, prior=variance, prior_df=df + x.prior_df)

    return [learnt(x) for x in found]


def fraction(figure: Figure, found: Noise, least: float = 0.0, level: float = LEVEL) -> tuple[float, float]:
    """The interval of a figure between 0 and 1, from its mean over seeds: Wilson's score interval over as many photos
    as would have this variance, so that it never leaves [0, 1] and is wider towards ½.

    `least`: the variance that photos drawn singly would have, under which it is not put. A figure of exactly 0 or 1
    shows no variance: its groups count as one photo each. Effective sample sizes: Kish (1965), "Survey Sampling", §8.2;
    in Wilson's interval: Franco, Little, Louis & Slud (2019), J. Surv. Stat. Methodol. 7, 334–364.
    """
    value = float(figure.values.mean())
    # of several seeds the variance is the mean's, and has what seeds add in it
    variance = max(float(found.variance), least if found.n_seeds == 1 else 0.0)
    spread = value * (1 - value)
    if not math.isfinite(variance):
        return 0.0, 1.0
    if spread <= 0 or variance <= 0:
        tail = float(special.ndtri(0.5 + level / 2))
        return score_interval(value, float(max(figure.groups, 1)), tail)
    own = float(found.variance)
    factor = float(found.half(level)) / math.sqrt(own) if own > 0 else float(special.ndtri(0.5 + level / 2))
    return score_interval(value, spread / variance, factor)
