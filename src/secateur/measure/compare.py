"""Two configurations on the same test photos: difference, interval, verdict (PROTOCOL, "Intervals").

See `secateur.measure.statistics` for why the wider of two intervals decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import stats

from secateur.measure.statistics import (
    LEVEL,
    ROUNDS,
    Correct,
    Groups,
    bootstrap_groups,
    holm,
    mcnemar,
    mean_t,
    paired_t,
    photos_needed,
    verdict,
    wilson,
)
from secateur.records import Comparison, Measured

BySeed = Mapping[int, Correct]  # training seed → (n,): whether each test photo was answered right


def compare(
    subject_correct: BySeed,
    against_correct: BySeed,
    groups: Groups = None,
    margin_points: float = 1.0,
    *,
    subject: str = "",
    against: str = "",
    rounds: int = ROUNDS,
    bootstrap_seed: int = 0,
) -> Comparison:
    """Paired difference in test accuracy, subject − against, over the seeds that both have.

    One seed: bootstrap over groups of photos, McNemar's p. More: the wider of Student's t over seeds and the
    bootstrap of the seeds' mean, and p is the larger of the two tests'. p is not yet adjusted: see
    `compare_all`. Raises ValueError where no seed is common, or the answers are of different lengths.
    """
    seeds = sorted(set(subject_correct) & set(against_correct))
    if not seeds:
        raise ValueError(f"compare: no common seed: {sorted(subject_correct)}, {sorted(against_correct)}")
    a = np.stack([np.asarray(subject_correct[s], bool) for s in seeds])  # (S, n)
    b = np.stack([np.asarray(against_correct[s], bool) for s in seeds])
    over_photos = _over_photos(a, b, groups, bootstrap_seed, rounds)
    over_seeds = paired_t([float(d) for d in 100 * (a.mean(axis=1) - b.mean(axis=1))])
    difference = _wider(over_seeds, over_photos)
    left_out = sorted(set(subject_correct) ^ set(against_correct))
    if left_out:
        which = ", ".join(map(str, left_out))
        difference = replace(difference, doubts=(*difference.doubts, f"seeds that only one has: {which}"))
    assert difference.low is not None and difference.high is not None
    result = verdict(difference.low, difference.high, margin_points)
    needed = None
    if result == "not shown":
        needed = photos_needed(difference.value, _half(over_photos), a.shape[1], margin_points, _half(over_seeds))
        if needed is None:
            difference = replace(
                difference,
                doubts=(*difference.doubts, "more photos alone would not decide: more seeds would"),
            )
    p = mcnemar(a[0], b[0]) if len(seeds) == 1 else max(_p_seeds(over_seeds), _p_photos(over_photos))
    return Comparison(subject, against, difference, margin_points, result, p, needed)


def compare_all(
    pairs: Sequence[tuple[str, str]],
    correct: Mapping[str, BySeed],
    groups: Groups = None,
    margin_points: float = 1.0,
    *,
    rounds: int = ROUNDS,
) -> tuple[Comparison, ...]:
    """A table of comparisons, (subject, against) in `pairs`, with p-values adjusted by Holm over the table.

    Verdicts follow from the 95 % intervals alone; one that Holm does not support carries a doubt.
    Raises KeyError for a configuration that `correct` does not hold, ValueError as `compare`.
    """
    table = [
        compare(correct[s], correct[a], groups, margin_points, subject=s, against=a, rounds=rounds) for s, a in pairs
    ]
    adjusted = holm([c.p_value if c.p_value is not None else 1.0 for c in table])
    return tuple(_with_p(c, p, len(table)) for c, p in zip(table, adjusted, strict=True))


def accuracy_over_seeds(correct: BySeed) -> Measured:
    """Test accuracy of one configuration: Wilson over photos for one seed; the wider of that and t for more.

    Raises ValueError for no seeds.
    """
    rows = [np.asarray(correct[s], bool) for s in sorted(correct)]
    over_seeds = mean_t([float(r.mean()) for r in rows])
    n = rows[0].size
    low, high = wilson(over_seeds.value * n, n)
    return _wider(over_seeds, Measured(over_seeds.value, "fraction", low, high, n, "Wilson over photos"))


def _with_p(c: Comparison, p: float, table: int) -> Comparison:
    if c.verdict not in ("better", "worse") or p < 1 - LEVEL:
        return replace(c, p_value=p)
    doubt = f"p = {p:.2g} after Holm over {table} comparisons: one of so many can look like this by chance"
    return replace(c, p_value=p, difference=replace(c.difference, doubts=(*c.difference.doubts, doubt)))


def _over_photos(
    a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_], groups: Groups, seed: int, rounds: int
) -> Measured:
    """Bootstrap over groups of a − b, in points, for (S, n) answers averaged over seeds.

    Two made-up photos, one won by each side, join the draw: without them few photos on which the models
    never differ would give an interval of no width. Source: Bonett & Price (2012), J. Educ. Behav. Stat. 37,
    479–488, whose adjusted Wald interval adds the same two.
    """
    n = a.shape[1]
    numbers = np.arange(n) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if len(numbers) != n:
        raise ValueError(f"groups: {len(numbers)} for {n} photos")
    win, loss = np.ones((len(a), 1), bool), np.zeros((len(a), 1), bool)
    _, low, high = bootstrap_groups(
        np.hstack([a, win, loss]),
        np.hstack([b, loss, win]),
        np.append(numbers, [n, n + 1]),
        seed=seed,
        rounds=rounds,
    )
    mean = float(a.mean() - b.mean())
    low, high = 100 * min(low, mean), 100 * max(high, mean)
    return Measured(100 * mean, "points", low, high, n, "bootstrap over groups of photos")


def _wider(over_seeds: Measured, over_photos: Measured) -> Measured:
    if over_seeds.low is None:
        doubt = "one seed: the interval is over photos and says nothing about training noise"
        return replace(over_photos, doubts=(doubt,))
    wide, other = over_seeds, over_photos
    if _half(over_photos) > _half(over_seeds):
        wide, other = over_photos, over_seeds
    scale = 100 if wide.unit == "fraction" else 1
    digits = f"[{scale * (other.low or 0.0):.2f}, {scale * (other.high or 0.0):.2f}]"
    doubt = f"the wider of two intervals; the other, {other.how}: {digits}{' %' if scale == 100 else ''}"
    return replace(wide, doubts=(*over_seeds.doubts, doubt))


def _half(measured: Measured) -> float:
    if measured.low is None or measured.high is None:
        return 0.0
    return (measured.high - measured.low) / 2


def _p_seeds(m: Measured) -> float:
    error = _half(m) / float(stats.t.ppf(0.5 + LEVEL / 2, m.n - 1))
    if error == 0:
        return 0.0 if m.value else 1.0
    return float(2 * stats.t.sf(abs(m.value) / error, m.n - 1))


def _p_photos(m: Measured) -> float:
    error = _half(m) / float(stats.norm.ppf(0.5 + LEVEL / 2))
    return float(2 * stats.norm.sf(abs(m.value) / error))
