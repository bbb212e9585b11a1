"""Intervals of a proportion and a mean, against hand-worked values, scipy, statsmodels, and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from secateur.measure.statistics import holm, mean_t, paired_t, wilson

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


# ---------------------------------------------------------------- many tests


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([]) == ()


@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_holm_is_statsmodels(n):
    p_values = np.random.default_rng(n).random(n) ** 3
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])
