"""Variance components of groups and seeds, against hand-worked values, textbook formulas and a plain bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import f1_score

from secateur.measure import crossed, tables
from secateur.measure.statistics import wilson


def _answers(seeds=3, n=300, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((seeds, n)) < 0.8, np.repeat(np.arange(120), [1] * 60 + [2] * 30 + [6] * 30)


def test_by_hand():
    """Two seeds, three photos: right 1 1 0 and 1 0 0. Means 2/3 and 1/3."""
    figure = tables.mean_of([[1, 1, 0], [1, 0, 0]])
    # without each photo: 1/2 1/2 1, and 0 1/2 1/2; less the mean
    assert figure.table == pytest.approx(np.array([[-1 / 6, -1 / 6, 1 / 3], [-1 / 3, 1 / 6, 1 / 6]]))
    found = crossed.of(figure)
    assert float(found.seeds) == pytest.approx((1 / 3) ** 2 / 2)
    mean = np.array([-1 / 4, 0, 1 / 4])
    assert float(found.photos) == pytest.approx(2 / 3 * (mean**2).sum())
    rest = np.array([[1 / 12, -1 / 6, 1 / 12], [-1 / 12, 1 / 6, -1 / 12]])
    assert float(found.interaction) == pytest.approx(2 / 3 * (rest**2).sum())
    assert (found.n_seeds, found.n_groups) == (2, 3)


def test_without_groups_the_jackknife_is_the_variance_of_a_mean():
    a, _ = _answers(1)
    found = crossed.of(tables.mean_of(a))
    assert float(found.photos) == pytest.approx(a.var(ddof=1) / a.size)
    assert crossed.of(tables.mean_of(a)) == crossed.of(tables.mean_of(a, np.arange(a.size)))


def test_analysis_of_variance_agrees():
    """Seeds × groups of one size each: the mean squares of a two-way table (Searle, Casella & McCulloch 1992, §4.3)."""
    rng = np.random.default_rng(1)
    seeds, groups, size = 4, 50, 3
    cells = rng.normal(size=(seeds, groups)) + rng.normal(size=groups) + rng.normal(size=(seeds, 1))
    answers = np.repeat(cells, size, axis=1)
    found = crossed.of(tables.mean_of(answers, np.repeat(np.arange(groups), size)))
    grand, by_seed, by_group = cells.mean(), cells.mean(1), cells.mean(0)
    of_seeds = groups * ((by_seed - grand) ** 2).sum() / (seeds - 1)
    of_groups = seeds * ((by_group - grand) ** 2).sum() / (groups - 1)
    rest = ((cells - by_seed[:, None] - by_group + grand) ** 2).sum() / (seeds - 1) / (groups - 1)
    assert float(found.photos) == pytest.approx(of_groups / seeds / groups)
    assert float(found.interaction) == pytest.approx(rest / groups)
    assert float(found.seeds) == pytest.approx(of_seeds / groups)
    assert float(found.variance) == pytest.approx((of_seeds + of_groups - rest) / seeds / groups)


@pytest.mark.parametrize("kind", ["recall", "f1"])
def test_means_over_classes_vary_as_a_plain_bootstrap_says(kind):
    rng = np.random.default_rng(0)
    _, groups = _answers()
    labels = rng.integers(4, size=300)
    said = np.where(rng.random(300) < 0.7, labels, rng.integers(4, size=300))
    figure = tables.over_classes(tables.counted(labels, said, 4, groups), kind)
    members = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    drawn = []
    for _ in range(1500):
        chosen = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        if kind == "f1":
            drawn.append(f1_score(labels[chosen], said[chosen], average="macro"))
        else:
            drawn.append(np.mean([(said[chosen] == c)[labels[chosen] == c].mean() for c in range(4)]))
    assert float(np.sqrt(crossed.of(figure).photos)) == pytest.approx(np.std(drawn), rel=0.1)


def test_leaving_a_group_out_is_scikit_learn_without_it():
    rng = np.random.default_rng(0)
    labels, groups = rng.integers(3, size=60), np.repeat(np.arange(20), 3)
    said = np.where(rng.random(60) < 0.7, labels, rng.integers(3, size=60))
    figure = tables.over_classes(tables.counted(labels, said, 3, groups), "f1")
    for g in (0, 7, 19):
        own = groups != g
        assert figure.values[0] + figure.table[0, g] == pytest.approx(
            f1_score(labels[own], said[own], average="macro", labels=range(3))
        )


def test_a_class_that_one_group_holds_is_hardly_known():
    labels = np.array([0] * 50 + [1] * 8)
    groups = np.array([*range(50), *[50] * 8])
    figure = tables.of_class(tables.counted(labels, labels, 2, groups), "recall", 1)
    assert crossed.fraction(figure, crossed.of(figure)) == (0.0, 1.0)
    mean = tables.over_classes(tables.counted(labels, labels, 2, groups), "recall")
    low, high = crossed.fraction(mean, crossed.of(mean))
    assert low < 0.98 and high == 1.0


@given(n=st.integers(2, 400), share=st.floats(0.01, 0.99))
def test_groups_of_one_photo_are_wilsons(n, share):
    right = np.arange(n) < round(share * n)
    if 0 < right.sum() < n:
        figure = tables.mean_of(right)
        low, high = crossed.fraction(figure, crossed.of(figure))
        assert low <= wilson(int(right.sum()), n)[0] + 1e-9 and high >= wilson(int(right.sum()), n)[1] - 1e-9
    assert tables.mean_of(right).values[0] == right.mean()


def test_the_tail_is_the_level_at_which_the_interval_reaches():
    a, groups = _answers()
    b, _ = _answers(seed=1)
    found = crossed.of(tables.mean_of(100.0 * (a.astype(int) - b), groups))
    for level in (0.5, 0.9, 0.95, 0.999):
        assert found.tail(float(found.half(level))) == pytest.approx((1 - level) / 2, rel=1e-3)
    assert found.tail(0.0) == 0.5
    alone = crossed.Noise(np.asarray(1.0), np.zeros(()), np.zeros(()), 1, 1000)
    assert alone.tail(2.5) == pytest.approx(stats.t.sf(2.5, 999), rel=1e-3)


def test_pooling_by_hand():
    """Three comparisons of three seeds: the mean of what lies between seeds beyond photos, 8 degrees of freedom at
    most."""
    zero = np.zeros(())
    each = [crossed.Noise(np.asarray(1.0), np.asarray(0.5), np.asarray(v), 3, 100) for v in (0.5, 1.5, 2.5)]
    learnt = crossed.pooled(each)
    df = crossed.POOLED_DF  # of 4 that three such comparisons would be worth
    assert [x.prior for x in learnt] == pytest.approx([1.0] * 3)  # mean of 0, 1, 2
    assert [x.prior_df for x in learnt] == [df] * 3
    assert learnt[0].df_seeds == 2 + df
    assert float(learnt[0].training) == pytest.approx((df * (1.0 + 0.5) + 2 * 0.5) / (2 + df) / 3)
    one = crossed.Noise(np.asarray(1.0), zero, zero, 1, 100)
    assert crossed.pooled([one, one]) == [one, one]
    twins = crossed.pooled(each, ["a", "a", "b"])  # a file and its INT8 are one network
    assert [x.prior for x in twins] == pytest.approx([1.25] * 3)  # mean of (0 + 1) / 2 and 2
    assert crossed.pooled(each, ["a"] * 3) == each  # nothing to learn from
    lonely = crossed.with_prior(one, 0.5)
    assert crossed.pooled([*each, lonely])[-1].prior == pytest.approx(1.0)  # no less than the study shows


def test_the_prior_is_for_few_seeds_alone():
    zero = np.zeros(())
    for seeds, df in ((1, 4.0), (2, 5.0), (3, 2.0)):
        found = crossed.with_prior(crossed.Noise(np.asarray(1.0), zero, zero, seeds, 100))
        assert found.df_seeds == df


def test_the_prior_is_what_kept_studies_show():
    """0.5 points: no less than the root of the mean square that the kept studies of several seeds show, of differences
    of up to five points to dense (docs/numbers.md)."""
    assert crossed.PRIOR_POINTS == 0.5 and crossed.PRIOR_DF == 4.0
