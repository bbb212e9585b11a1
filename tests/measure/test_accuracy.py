"""An evaluation against hand-worked values and scikit-learn; empty classes never give NaN."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, precision_score, recall_score

from secateur.measure.accuracy import evaluate, figures
from secateur.measure.statistics import wilson
from secateur.records import Measured

NAMES = ("cat", "dog", "hen")


def _random(n=600, classes=10, right=0.7, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.choice(classes, n, p=rng.dirichlet(np.full(classes, 5)))
    return labels, np.where(rng.random(n) < right, labels, rng.integers(classes, size=n))


def _measured(evaluation):
    whole = [getattr(evaluation, f.name) for f in dataclasses.fields(evaluation)]
    each = [m for row in evaluation.classes for m in (row.precision, row.recall)]
    return [m for m in whole + each if isinstance(m, Measured)]


def test_by_hand():
    e = evaluate([0, 0, 0, 0, 1, 1, 1, 2], [0, 0, 0, 1, 1, 1, 0, 1], NAMES, "abc")
    assert e.confusion == ((3, 1, 0), (1, 2, 0), (0, 1, 0))
    assert (e.n, e.split_digest, e.predictions) == (8, "abc", (0, 0, 0, 1, 1, 1, 0, 1))
    assert e.accuracy.value == 5 / 8
    assert (e.accuracy.low, e.accuracy.high) == wilson(5, 8)
    cat, dog, hen = e.classes
    assert (cat.name, cat.n, cat.precision.value, cat.recall.value) == ("cat", 4, 3 / 4, 3 / 4)
    assert (dog.n, dog.precision.value, dog.recall.value) == (3, 2 / 4, 2 / 3)
    assert (dog.precision.n, dog.precision.low) == (4, wilson(2, 4)[0])
    assert e.balanced_accuracy.value == pytest.approx((3 / 4 + 2 / 3 + 0) / 3)
    assert e.macro_f1.value == pytest.approx((3 / 4 + 4 / 7 + 0) / 3)
    assert (e.worst_class, e.worst_recall.value) == ("hen", 0.0)
    assert "picked after looking" in e.worst_recall.doubts[-1]
    # never predicted: no precision, rather than 0 / 0
    assert (hen.precision.value, hen.precision.low, hen.precision.high, hen.precision.n) == (0, 0, 1, 0)
    assert hen.precision.doubts == ("never predicted: no precision",)


def test_is_scikit_learn():
    labels, said = _random()
    e = evaluate(labels, said, [str(i) for i in range(10)], "d")
    assert e.macro_f1.value == pytest.approx(f1_score(labels, said, average="macro"))
    assert e.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(labels, said))
    assert [r.precision.value for r in e.classes] == pytest.approx(precision_score(labels, said, average=None).tolist())
    assert [r.recall.value for r in e.classes] == pytest.approx(recall_score(labels, said, average=None).tolist())


def test_intervals_are_near_the_textbook_bootstrap_over_groups():
    labels, said = _random(n=300, classes=4)
    groups = np.repeat(np.arange(120), [1] * 60 + [2] * 30 + [6] * 30)
    e = evaluate(labels, said, list("abcd"), "d", groups)
    rng = np.random.default_rng(1)
    members = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    f1, balanced = [], []
    for _ in range(1500):
        drawn = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        f1.append(f1_score(labels[drawn], said[drawn], average="macro"))
        balanced.append(balanced_accuracy_score(labels[drawn], said[drawn]))
    for ours, theirs in ((e.macro_f1, f1), (e.balanced_accuracy, balanced)):
        assert (ours.low, ours.high) == pytest.approx(np.quantile(theirs, [0.025, 0.975]).tolist(), abs=0.01)


def test_near_duplicates_widen_the_means_and_are_a_doubt():
    labels, said = _random()
    names = [str(i) for i in range(10)]
    one = evaluate(labels, said, names, "d")
    four = evaluate(np.tile(labels, 4), np.tile(said, 4), names, "d", np.tile(np.arange(600), 4))
    assert four.macro_f1.high - four.macro_f1.low == pytest.approx(one.macro_f1.high - one.macro_f1.low, rel=0.05)
    assert one.accuracy.doubts == ()
    assert four.accuracy.high - four.accuracy.low == pytest.approx(one.accuracy.high - one.accuracy.low, rel=0.1)
    assert "groups" in four.accuracy.how and "groups" in four.classes[0].recall.how
    ours, alone = four.classes[0].precision, one.classes[0].precision
    assert ours.value == alone.value and "groups" in ours.how
    assert ours.high - ours.low == pytest.approx(alone.high - alone.low, rel=0.2)  # four copies say no more than one
    few = evaluate(labels, said, names, "d", np.r_[np.arange(580), np.arange(20)])
    assert few.accuracy.how == "jackknife over 580 groups of photos"
    assert few.accuracy.low <= one.accuracy.low and few.accuracy.high >= one.accuracy.high


def test_few_groups_are_a_doubt():
    labels, said = _random(n=90, classes=3)
    e = evaluate(labels, said, NAMES, "d", np.repeat(np.arange(9), 10))
    assert "only 9 groups" in e.accuracy.doubts[0] and "only 9 groups" in e.macro_f1.doubts[0]


def test_over_seeds_is_one_interval_of_both():
    """Seeds at 70, 80 and 90 %: wider than any of them alone; seeds that agree: no narrower than the photos."""
    labels = np.zeros(1000, np.int64)
    said = {s: (np.arange(1000) >= 700 + 100 * s).astype(int) for s in range(3)}
    apart = figures(labels, said, NAMES[:2])
    assert apart.accuracy.value == pytest.approx(0.8) and apart.accuracy.how == "3 seeds and 1,000 photos, crossed"
    assert apart.accuracy.high - apart.accuracy.low > 0.3
    agree = figures(labels, dict.fromkeys(range(3), said[1]), NAMES[:2]).accuracy
    assert agree.high - agree.low == pytest.approx(wilson(800, 1000)[1] - wilson(800, 1000)[0], rel=0.01)
    assert figures(labels, {0: said[1]}, NAMES[:2]).accuracy == evaluate(labels, said[1], NAMES[:2], "d").accuracy


def test_the_worst_class_is_wider_than_its_own_interval():
    labels, said = _random()
    e = evaluate(labels, said, [str(i) for i in range(10)], "d")
    own = next(row for row in e.classes if row.name == e.worst_class).recall
    assert e.worst_recall.value == own.value
    assert e.worst_recall.low < own.low and "10 classes at once" in e.worst_recall.how


def test_a_class_without_photos_is_left_out_of_the_means_and_said():
    e = evaluate([0, 0, 1, 1], [0, 0, 1, 0], NAMES, "d")
    assert e.classes[2].recall.doubts == ("no test photo of this class: no recall",)
    assert e.balanced_accuracy.value == pytest.approx(0.75)
    assert e.macro_f1.value == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert "1 of 3 classes have no test photo" in e.macro_f1.doubts
    assert e.worst_class == "dog"


@pytest.mark.parametrize(
    ("labels", "said"),
    [([0], [0]), ([0], [1]), ([0, 1, 2], [0, 1, 2]), ([0, 0, 0], [2, 2, 2]), ([1, 2], [2, 1])],
)
def test_every_figure_is_finite_and_inside_its_interval(labels, said):
    for m in _measured(evaluate(labels, said, NAMES, "d")):
        assert math.isfinite(m.value)
        assert 0 <= m.low <= m.value + 1e-12 and m.value - 1e-12 <= m.high <= 1


def test_no_error_is_no_certainty():
    e = evaluate([0, 1, 2] * 5, [0, 1, 2] * 5, NAMES, "d")
    assert e.accuracy.value == 1 and e.accuracy.low < 0.85
    assert "no error at all" in e.macro_f1.doubts[0]


@pytest.mark.parametrize(("labels", "said"), [([], []), ([0, 1], [0]), ([3], [0]), ([0], [-1]), ([[0]], [[0]])])
def test_impossible_answers_are_errors(labels, said):
    with pytest.raises(ValueError, match="evaluate: labels"):
        evaluate(labels, said, NAMES, "d")
