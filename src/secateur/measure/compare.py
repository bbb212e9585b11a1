"""Two configurations on the same test photos: difference, interval, verdict (PROTOCOL, "Intervals").

Letters: S training seeds, n test photos, G groups of them, K comparisons.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from secateur.measure import crossed, tables
from secateur.measure.accuracy import few_groups, how
from secateur.measure.sample_size import photos_needed
from secateur.measure.statistics import LEVEL, Correct, Groups, holm
from secateur.records import Comparison, Measured, Verdict

BySeed = Mapping[int, Correct]  # training seed → (n,): whether each test photo was answered right
NEAR = 5.0  # points: how far seeds lie apart grows with what is lost, so like pools with like
SAME = "no training lies between the two: the interval is over photos"


def one_seed(points: float = crossed.PRIOR_POINTS) -> str:
    """The doubt of a difference that one seed each was trained for."""
    return (
        f"one seed: that seeds differ by {points:g} points (standard deviation, {crossed.PRIOR_DF:g} degrees of "
        "freedom) is taken from earlier studies, not seen here"
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """One comparison before anything is said of it."""

    subject: str
    against: str
    by_seed: tuple[float, ...]  # points
    noise: crossed.Noise
    photos: int
    effect: float  # design effect: how many times the variance of photos drawn singly
    trained: bool  # does a training lie between the two?
    prior_points: float  # what few seeds are taken to differ by
    left_out: tuple[int, ...] = ()  # seeds that only one has

    @property
    def value(self) -> float:
        """The mean over seeds, points."""
        return sum(self.by_seed) / len(self.by_seed)


def compare(
    subject_correct: BySeed,
    against_correct: BySeed,
    groups: Groups = None,
    margin_points: float = 1.0,
    *,
    subject: str = "",
    against: str = "",
    trained: bool = True,
    prior_points: float = crossed.PRIOR_POINTS,
) -> Comparison:
    """Paired difference in test accuracy, subject − against, over the seeds that both have; alone, in no family.

    The interval is one, from seeds and groups of photos (`crossed`). `trained`: does a training lie between the two?
    Where none does (INT8 and what it was made of), seeds say nothing that photos do not. `prior_points`: what fewer
    than three seeds are taken to differ by. Raises ValueError where no seed is common, or the answers are of different
    lengths.
    """
    found = difference(
        subject_correct,
        against_correct,
        groups,
        subject=subject,
        against=against,
        trained=trained,
        prior_points=prior_points,
    )
    return alone(found, margin_points)


def alone(found: Difference, margin_points: float) -> Comparison:
    """What one difference shows, in no family."""
    return _said([found], margin_points, [None])[0]


def compare_all(
    pairs: Sequence[tuple[str, str]],
    correct: Mapping[str, BySeed],
    groups: Groups = None,
    margin_points: float = 1.0,
    *,
    families: Sequence[Hashable] | None = None,
    untrained: Collection[tuple[str, str]] = (),
    trained_as: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Comparison, ...]:
    """A table of comparisons, (subject, against) in `pairs`.

    How far seeds lie apart, comparisons of like size learn from each other (`crossed.pooled`). Verdicts follow from
    p-values that Holm adjusted over each of `families` (a label a pair; None: one family): that no "better" or "worse"
    of a family is false holds in 95 of 100 studies, and that no "as good as" is in 97.5. `untrained`: pairs that no
    training separates. Raises KeyError for a configuration that `correct` does not hold, ValueError as `compare`.
    """
    found = [
        difference(correct[s], correct[a], groups, subject=s, against=a, trained=(s, a) not in untrained)
        for s, a in pairs
    ]
    return tuple(_said(_pooled(found, trained_as), margin_points, families or [None] * len(found)))


def difference(
    subject_correct: BySeed,
    against_correct: BySeed,
    groups: Groups = None,
    *,
    subject: str = "",
    against: str = "",
    trained: bool = True,
    prior_points: float = crossed.PRIOR_POINTS,
) -> Difference:
    """Value and noise of one comparison, in points. Raises as `compare`."""
    seeds = sorted(set(subject_correct) & set(against_correct))
    if not seeds:
        raise ValueError(f"compare: no common seed: {sorted(subject_correct)}, {sorted(against_correct)}")
    a, b = (np.stack([np.asarray(of[s], bool) for s in seeds]) for of in (subject_correct, against_correct))
    if a.shape != b.shape or not a.size:
        raise ValueError(f"compare: answers of shapes {a.shape} and {b.shape}")
    differences = a.astype(np.int64) - b  # (S, n)
    n = differences.shape[1]
    figure = tables.mean_of(100.0 * differences, groups)
    effect, pair = _of_few(differences.mean(axis=0), groups)
    noise = crossed.of(figure)
    noise = replace(noise, photos=noise.photos + 100**2 * pair)
    if trained:
        noise = crossed.with_prior(noise, prior_points)
    else:  # seeds say nothing that photos do not
        nothing = np.zeros_like(noise.photos)
        noise = replace(noise, interaction=nothing, seeds=nothing, n_seeds=1)
    left_out = tuple(sorted(set(subject_correct) ^ set(against_correct)))
    by_seed = tuple(figure.values.tolist())
    return Difference(subject, against, by_seed, noise, n, effect, trained, prior_points, left_out)


def _of_few(mean: crossed.Floats, groups: Groups) -> tuple[float, float]:
    """(design effect, variance of the made-up pair) of differences (n,), mean over seeds."""
    group, count = tables.numbered(groups, len(mean))
    sums = tables.summed(mean, group, count)[0]
    effect = crossed.design_effect(sums, (mean**2).sum(), np.bincount(group, minlength=count))
    return float(effect), float(crossed.made_up_pair(sums, effect, len(mean)))


def _pooled(found: Sequence[Difference], trained_as: Mapping[str, str]) -> list[Difference]:
    """Like with like: those of a few points, and those of many; not those that no training separates."""
    kinds: dict[bool, list[int]] = {}
    for i, one in enumerate(found):
        if one.trained:
            kinds.setdefault(abs(one.value) <= NEAR, []).append(i)
    learnt = list(found)
    for positions in kinds.values():
        networks = [tuple(trained_as.get(c, c) for c in (found[i].subject, found[i].against)) for i in positions]
        for i, noise in zip(positions, crossed.pooled([found[i].noise for i in positions], networks), strict=True):
            learnt[i] = replace(found[i], noise=noise)
    return learnt


def _said(found: Sequence[Difference], margin: float, families: Sequence[Hashable]) -> list[Comparison]:
    different = [_p_different(one) for one in found]
    as_good = [_p_as_good(one, margin) for one in found]
    members: dict[Hashable, list[int]] = {}
    for i, family in enumerate(families):
        members.setdefault(family, []).append(i)
    rows: dict[int, Comparison] = {}
    for own in members.values():
        adjusted = zip(holm([different[i] for i in own]), holm([as_good[i] for i in own]), strict=True)
        for i, (p, q) in zip(own, adjusted, strict=True):
            rows[i] = _comparison(found[i], margin, p, q, len(own))
    return [rows[i] for i in range(len(found))]


def too_few(noise: crossed.Noise) -> bool:
    """So few groups that even all of them agreeing would happen by chance."""
    return noise.n_groups <= crossed.FEW_GROUPS


def _p_different(one: Difference) -> float:
    return 1.0 if too_few(one.noise) else 2 * one.noise.tail(abs(one.value))


def _p_as_good(one: Difference, margin: float) -> float:
    """Where the margin is lost, at least that share of the photos differs: the variance is no less than these would
    give (a score test's, under the hypothesis: Tango 1998, Stat. Med. 17, 891–908)."""
    room = one.value + margin
    if too_few(one.noise):
        return 1.0
    least = one.effect * margin * (100 - margin) / one.photos
    noise = replace(one.noise, photos=np.maximum(one.noise.photos, least))
    return noise.tail(room) if room > 0 else 1 - noise.tail(-room)


def decided(value: float, p: float, q: float) -> Verdict:
    """What p-values show, the first that holds. `p`: of no difference, two-sided; `q`: of a loss of the margin,
    one-sided.

    better: a gain is shown. as good as: a loss of the margin is excluded, so a small loss that is shown but lies wholly
    inside the margin is still as good as. worse: a loss is shown. Otherwise not shown.
    """
    shown = p < 1 - LEVEL
    if shown and value > 0:
        return "better"
    if q < (1 - LEVEL) / 2:
        return "as good as"
    return "worse" if shown and value < 0 else "not shown"


def _comparison(one: Difference, margin: float, p: float, q: float, family: int) -> Comparison:
    half = float(one.noise.half())
    low, high = max(one.value - half, -100.0), min(one.value + half, 100.0)
    measured = Measured(one.value, "points", low, high, one.photos, how(one.noise, one.photos))
    verdict = decided(one.value, p, q)
    doubts = [*_seeds(one), *_groups(one)]
    if one.left_out:
        doubts.append(f"seeds that only one has: {', '.join(map(str, one.left_out))}")
    if verdict == "not shown":
        doubts += _by_chance(one.value, half, margin, p, q, family)
    needed = photos_needed(one.value, one.noise, one.photos, margin) if verdict == "not shown" else None
    if verdict == "not shown" and needed is None:
        doubts.append(
            "how many photos would decide cannot be said: the difference may lie on the margin, seeds too far apart, "
            "or the groups of photos be too few"
        )
    measured = replace(measured, doubts=tuple(doubts))
    return Comparison(one.subject, one.against, measured, margin, verdict, p, needed, q, family, one.by_seed)


def _seeds(one: Difference) -> tuple[str, ...]:
    if not one.trained:
        return (SAME,)
    return (one_seed(one.prior_points),) if one.noise.n_seeds == 1 else ()


def _groups(one: Difference) -> tuple[str, ...]:
    if too_few(one.noise):
        return (f"{one.noise.n_groups} group{'' if one.noise.n_groups == 1 else 's'}: too few to decide",)
    return few_groups(one.noise)


def _by_chance(value: float, half: float, margin: float, p: float, q: float, family: int) -> list[str]:
    """What the interval alone would have shown, and one of so many may show by chance."""
    if abs(value) > half and family > 1:
        return [f"p = {p:.2g} after Holm over {family} comparisons: one of so many can look like this by chance"]
    if value - half > -margin:
        many = f" after Holm over {family} comparisons" if family > 1 else ", too few photos differ"
        return [f"inside the margin by its interval, but p = {q:.2g}{many}: a loss of the margin is not excluded"]
    return []
