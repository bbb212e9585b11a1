"""Calibration, classes and photos that pay: by hand, and where nothing should be seen."""

from __future__ import annotations

import numpy as np
import pytest

from secateur.measure.calibration import reliability
from secateur.measure.harm import churn, recall_changes, victims


def answers(confidence: list[float], right: list[bool]) -> tuple[np.ndarray, np.ndarray]:
    """Two classes: the first answer is class 0, with this probability."""
    p = np.array([[c, 1 - c] for c in confidence])
    return p, np.array([0 if r else 1 for r in right])


def test_expected_calibration_error_by_hand():
    # 0.9 twice, one right: |0.5 − 0.9|; 0.6 twice, both right: |1 − 0.6|; half of the photos each
    found = reliability(*answers([0.9, 0.9, 0.6, 0.6], [True, False, True, True]), bins=10)
    assert found.ece.value == pytest.approx(0.4)
    low, high = found.bins
    assert (low.low, low.high, low.n, low.confidence, low.accuracy.value) == pytest.approx((0.6, 0.7, 2, 0.6, 1.0))
    assert (high.n, high.confidence, high.accuracy.value) == pytest.approx((2, 0.9, 0.5))
    assert high.accuracy.low < 0.5 < high.accuracy.high
    assert "covers too seldom" in found.ece.doubts[0]


def test_who_is_sure_and_right_is_calibrated():
    found = reliability(*answers([1.0] * 50, [True] * 50))
    assert (found.ece.value, found.ece.low, found.ece.high) == (0, 0, 0)
    assert len(found.bins) == 1


def test_too_sure_is_seen_and_honest_is_not():
    rng = np.random.default_rng(0)
    said = rng.uniform(0.5, 1, 20_000)
    honest = reliability(*answers(list(said), list(rng.random(20_000) < said)))
    proud = reliability(*answers(list(said), list(rng.random(20_000) < said - 0.15)))
    assert honest.ece.value < 0.02
    assert proud.ece.value == pytest.approx(0.15, abs=0.02)
    assert proud.ece.low > honest.ece.high


def test_copies_of_photos_do_not_narrow_the_interval():
    rng = np.random.default_rng(1)
    said = rng.uniform(0.5, 1, 300)
    p, y = answers(list(said), list(rng.random(300) < said - 0.2))
    once = reliability(p, y).ece
    copied = reliability(np.repeat(p, 4, 0), np.repeat(y, 4), np.repeat(np.arange(300), 4)).ece
    assert copied.value == pytest.approx(once.value)
    assert copied.high - copied.low == pytest.approx(once.high - once.low, rel=0.1)


def test_photos_and_labels_must_be_as_many():
    with pytest.raises(ValueError, match="reliability"):
        reliability(np.zeros((3, 2)), [0, 1])


def test_one_class_pays_and_the_other_does_not():
    labels = np.repeat([0, 1], 400)
    dense = labels.copy()
    pruned = labels.copy()
    pruned[:100] = 1  # a quarter of the first class
    hares, foxes = recall_changes(labels, {0: dense}, {0: pruned}, ("hare", "fox", "owl"))
    assert (hares.name, hares.n, hares.before) == ("hare", 400, 1.0)
    assert hares.change.difference.value == pytest.approx(-25)
    assert hares.change.verdict == "worse"
    # one seed: how far seeds lie apart in a class is a guess of four degrees of freedom
    assert hares.change.p_value < 2e-3
    assert foxes.change.difference.value == 0
    assert foxes.change.verdict == "not shown"
    three = (dict.fromkeys(range(3), answers) for answers in (dense, pruned))
    again = recall_changes(labels, *three, ("hare", "fox", "owl"), margin_points=2.0)
    assert [r.change.verdict for r in again] == ["worse", "as good as"]


def test_victims_are_what_dense_gets_right_and_most_pruned_get_wrong():
    labels = [0, 1, 2, 3]
    dense = [[0, 1, 2, 0], [0, 1, 2, 3]]  # one of two dense networks fails on the last photo
    pruned = [[1, 1, 0, 1], [1, 0, 0, 1], [0, 1, 0, 1]]
    first, second = victims(labels, dense, pruned, positions=[10, 11, 12, 13])
    assert (first.position, first.label, first.wrong, first.said) == (12, 2, 1.0, 0)
    assert (second.position, second.label, second.said) == (10, 0, 1)
    assert second.wrong == pytest.approx(2 / 3)
    assert victims(labels, dense, [], positions=[10, 11, 12, 13]) == ()


def test_a_network_at_chance_is_not_called_harmless_for_want_of_photos():
    """83 points lost and six photos a class: nothing certain, and the number that would do stands beside it."""
    labels = np.repeat(np.arange(10), 6)
    dense = labels.copy()
    dense[::12] = (labels[::12] + 1) % 10  # 91.7 % right
    pruned = np.zeros_like(labels)  # says one class, whatever it sees
    rows = recall_changes(labels, {0: dense}, {0: pruned}, [str(i) for i in range(10)])
    assert sum(r.change.difference.value for r in rows) / 10 == pytest.approx(100 * (0.1 - 55 / 60))
    assert all(r.n == 6 and (r.needed is None or r.needed > 1000) for r in rows)


def test_classes_with_photos_enough_can_be_told():
    labels = np.repeat([0, 1], 4000)
    dense = labels.copy()
    pruned = labels.copy()
    pruned[:20] = 1  # half a point of the first class
    alone = recall_changes(labels, {0: dense}, {0: pruned}, ("hare", "fox"), margin_points=2.0)
    assert all(row.needed is None for row in alone)  # of one seed no number of photos would do
    int8 = recall_changes(labels, {0: dense}, {0: pruned}, ("hare", "fox"), margin_points=2.0, trained=False)
    assert all(500 < row.needed < 1500 for row in int8)  # but where no training lies between
    both = (dict.fromkeys(range(3), answers) for answers in (dense, pruned))
    for row in recall_changes(labels, *both, ("hare", "fox"), margin_points=2.0):
        assert row.needed is not None and 500 < row.needed < 1500 < row.n


def test_churn_by_hand():
    """Right in one training and wrong in another, each pair both ways; and in dense but not in what was cut from it."""
    labels = [0, 1, 2, 3]
    dense = {0: [0, 1, 2, 0], 1: [0, 1, 0, 3], 2: [0, 1, 2, 3]}
    pruned = {0: [1, 1, 2, 0], 1: [1, 0, 0, 1], 5: [0, 0, 0, 0]}  # seed 5 has no dense network
    found = churn(labels, [dense], [pruned])
    assert found is not None
    # pairs: 0→1: the third; 0→2: none; 1→0: the fourth; 1→2: none; 2→0: the fourth; 2→1: the third
    assert (found.pairs, found.dense, found.least, found.most) == (6, pytest.approx(4 / 6), 0, 1)
    assert found.of_pruned == (1 + 3) / 2
    one = churn(labels, [{0: dense[0]}], [pruned])
    assert one is not None and (one.pairs, one.dense, one.of_pruned) == (0, 0.0, 1.0)
    assert churn(labels, [], [pruned]) is None and churn(labels, [dense], []) is None


def test_a_network_that_is_only_another_training_loses_what_another_training_loses():
    rng = np.random.default_rng(0)
    labels = np.zeros(20_000, int)
    dense = {s: (rng.random(20_000) > 0.1).astype(int) - 1 for s in range(3)}  # −1 is no class: wrong
    pruned = {s: (rng.random(20_000) > 0.1).astype(int) - 1 for s in range(3)}
    found = churn(labels, [dense], [pruned])
    assert found is not None and found.of_pruned == pytest.approx(found.dense, rel=0.05)
