"""Intervals and tests against hand-worked values, scipy, statsmodels, and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as sm_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from secateur.measure.statistics import (
    bootstrap_groups,
    holm,
    mcnemar,
    mean_t,
    paired_t,
    photos_needed,
    verdict,
    wilson,
)

# ---------------------------------------------------------------- wilson


def test_wilson_by_hand():
    # n = 10, 8 right, z = 1.959964: (0.8 + 0.192073 ± 1.959964·√(0.016 + 0.0096036)) / 1.384146
    assert wilson(8, 10) == pytest.approx((0.490162, 0.943318), abs=1e-5)


@given(n=st.integers(1, 5000), share=st.floats(0, 1))
def test_wilson_is_statsmodels(n, share):
    k = round(share * n)
    low, high = wilson(k, n)
    assert (low, high) == pytest.approx(proportion_confint(k, n, method="wilson"), abs=1e-9)
    assert 0 <= low <= k / n <= high <= 1


@pytest.mark.parametrize(
    ("n", "p"),
    [
        *[(20, 0.3), (50, 0.5), (50, 0.9), (100, 0.1), (100, 0.8)],
        *[(300, 0.77), (300, 0.95), (1000, 0.5), (1000, 0.97), (4000, 0.9)],
    ],
)
def test_wilson_covers(n, p):
    """Exact coverage: the binomial probability of all counts whose interval holds p."""
    holds = [k for k in range(n + 1) if wilson(k, n)[0] <= p <= wilson(k, n)[1]]
    assert 0.93 <= stats.binom.pmf(holds, n, p).sum() <= 0.98


def test_wilson_of_nothing_knows_nothing():
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (0, -1), (math.nan, 5)])
def test_wilson_refuses_impossible_counts(k, n):
    with pytest.raises(ValueError, match="successes of"):
        wilson(k, n)


# ---------------------------------------------------------------- Student's t


def test_paired_t_by_hand():
    # 1, 2, 3: mean 2, standard deviation 1, t(2) = 4.30265, ± 4.30265 / √3
    m = paired_t([1.0, 2.0, 3.0])
    assert (m.value, m.low, m.high) == pytest.approx((2, -0.484138, 4.484138), abs=1e-5)
    assert (m.n, m.unit, m.how) == (3, "points", "paired t over seeds")
    assert m.doubts == ("Student's t over 3 seeds: ± 2.48 standard deviations",)


def test_two_seeds_say_how_little_they_are():
    assert paired_t([1.0, 2.0]).doubts == ("Student's t over 2 seeds: ± 8.98 standard deviations",)


def test_paired_t_is_scipy():
    differences = np.random.default_rng(0).normal(size=7)
    ours = paired_t(differences.tolist())
    theirs = stats.ttest_1samp(differences, 0).confidence_interval()
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


@pytest.mark.parametrize("function", [paired_t, mean_t])
def test_one_seed_has_no_interval_and_none_is_an_error(function):
    one = function([0.5])
    assert (one.value, one.low, one.high, one.n) == (0.5, None, None, 1)
    assert one.doubts == ("one seed: no interval over seeds",)
    with pytest.raises(ValueError, match="no values"):
        function([])


def test_a_fraction_stays_a_fraction():
    wide = mean_t([0.6, 0.99])
    assert (wide.low, wide.high) == (0.0, 1.0)
    assert mean_t([60.0, 99.0], unit="points").low < 0


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_paired_t_covers(seeds):
    drawn = np.random.default_rng(seeds).normal(1.0, 2.0, size=(4000, seeds))
    intervals = [paired_t(row) for row in drawn]
    assert 0.935 <= np.mean([m.low <= 1.0 <= m.high for m in intervals]) <= 0.965


# ---------------------------------------------------------------- bootstrap


def _answers(n, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.random(n) < 0.8
    return a, np.where(rng.random(n) < 0.15, ~a, a)


def _plain(a, b, groups, rounds, seed):
    """The cluster bootstrap as textbooks write it: draw groups, pool their photos, average."""
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    d = a.astype(float) - b
    means = []
    for _ in range(rounds):
        chosen = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        means.append(d[chosen].mean())
    return np.quantile(means, [0.025, 0.975])


def test_bootstrap_is_the_textbook_one():
    a, b = _answers(300)
    groups = np.repeat(np.arange(120), [1] * 60 + [2] * 30 + [6] * 30)
    mean, low, high = bootstrap_groups(a, b, groups, seed=1)
    assert mean == pytest.approx(a.mean() - b.mean())
    assert (low, high) == pytest.approx(_plain(a, b, groups, 4000, 2), abs=0.006)


def test_bootstrap_knows_that_copies_bring_nothing():
    a, b = _answers(400)
    _, low, high = bootstrap_groups(a, b, seed=0)
    _, low_copied, high_copied = bootstrap_groups(np.tile(a, 4), np.tile(b, 4), np.tile(np.arange(400), 4), seed=0)
    assert high_copied - low_copied == pytest.approx(high - low, rel=0.05)


def test_bootstrap_is_seeded_and_averages_seeds_first():
    a, b = _answers(500)
    once = bootstrap_groups(a, b, seed=3)
    assert once == bootstrap_groups(a, b, seed=3)
    assert once == pytest.approx(bootstrap_groups(np.stack([a, a]), np.stack([b, b]), seed=3))


def test_bootstrap_refuses_other_photos():
    with pytest.raises(ValueError, match="shapes"):
        bootstrap_groups([True], [True, False], seed=0)
    with pytest.raises(ValueError, match="groups"):
        bootstrap_groups([True, False], [True, False], [1], seed=0)


# ---------------------------------------------------------------- tests of significance


def test_mcnemar_by_hand():
    # 1 against 5 of 6 that differ: 2 · (1 + 6) / 64
    a = np.array([1, 0, 0, 0, 0, 0, 1, 0], bool)
    b = np.array([0, 1, 1, 1, 1, 1, 1, 0], bool)
    assert mcnemar(a, b) == pytest.approx(14 / 64)
    assert mcnemar(a, a) == 1.0


@pytest.mark.parametrize("seed", range(5))
def test_mcnemar_is_statsmodels(seed):
    a, b = _answers(200, seed)
    table = [[(a & b).sum(), (a & ~b).sum()], [(~a & b).sum(), (~a & ~b).sum()]]
    assert mcnemar(a, b) == pytest.approx(sm_mcnemar(table, exact=True).pvalue)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([]) == ()


@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_holm_is_statsmodels(n):
    p_values = np.random.default_rng(n).random(n) ** 3
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


# ---------------------------------------------------------------- decisions


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.1, 3.0, "better"),
        (0.0, 3.0, "as good as"),  # 0 is not above 0
        (-0.9, 2.0, "as good as"),
        (-0.9, -0.2, "as good as"),  # a loss is shown, and shown to be inside the margin
        (-1.0, 2.0, "not shown"),  # −margin is not above −margin
        (-3.0, 0.0, "not shown"),  # 0 is not below 0
        (-3.0, -0.1, "worse"),
        (-9.0, -3.0, "worse"),
    ],
)
def test_verdict_order(low, high, expected):
    assert verdict(low, high, 1.0) == expected


def test_photos_needed_by_hand():
    # ± 2 points at 1,000 photos, −0.5 points: below ± 0.5 takes 16 times as many, and one more
    assert photos_needed(-0.5, 2.0, 1000, 1.0) == 16_001
    assert photos_needed(-3.0, 4.0, 900, 1.0) == 1_601  # to show the loss of 3 points


def test_no_number_of_photos_helps_where_the_seeds_are_too_few():
    assert photos_needed(-0.5, 2.0, 1000, 1.0, half_seeds=0.6) is None
    assert photos_needed(0.0, 2.0, 1000, 0.0) is None


@given(d=st.floats(-5, 5), half=st.floats(0.01, 10), n=st.integers(10, 10_000), margin=st.floats(0.1, 3))
def test_photos_needed_would_decide(d, half, n, margin):
    needed = photos_needed(d, half, n, margin)
    assert needed is not None
    later = half * math.sqrt(n / needed)
    assert verdict(d - later, d + later, margin) != "not shown"
