"""Balanced accuracy of two ways compared: by hand, by scikit-learn, and a control that shows nothing."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from secateur.measure.balance import balanced_difference


def test_by_scikit_learn():
    rng = np.random.default_rng(0)
    labels = rng.choice(3, 400, p=[0.8, 0.15, 0.05])
    said = [np.where(rng.random(400) < share, labels, (labels + 1) % 3) for share in (0.9, 0.7)]
    a, b = (np.array([s == labels]) for s in said)
    made = balanced_difference(labels, a, b)
    scores = [balanced_accuracy_score(labels, s) for s in said]
    assert made.value == pytest.approx(100 * (scores[0] - scores[1]))
    assert made.low < made.value < made.high and made.low > 0 and "one seed" in made.doubts[0]


def test_seeds_are_averaged():
    labels = np.repeat([0, 1], [8, 2])
    a = np.array([[1] * 8 + [1, 0], [1] * 8 + [1, 1]], bool)  # recalls 1 and ¾ on average
    b = np.array([[1] * 8 + [0, 0], [1] * 4 + [0] * 4 + [0, 0]], bool)  # ¾ and 0
    made = balanced_difference(labels, a, b)
    assert made.value == pytest.approx(100 * ((1 + 0.75) / 2 - (0.75 + 0) / 2)) and "2 seeds" in made.how


def test_seeds_that_quarrel_are_told():
    """+10, −10 and +9 points: a bootstrap of photos alone would be sure."""
    labels = np.zeros(1000, np.int64)
    labels[500:] = 1
    b = np.zeros((3, 1000), bool)
    b[:, :400] = b[:, 500:900] = True
    a = b.copy()
    a[0, 400:450] = a[0, 900:950] = True  # +10
    a[1, :50] = a[1, 500:550] = False  # −10
    a[2, 400:445] = a[2, 900:945] = True  # +9
    made = balanced_difference(labels, a, b)
    assert made.value == pytest.approx(3.0) and made.low < -20 and made.high > 20


def test_the_same_answers_show_nothing():
    right = np.random.default_rng(0).random((2, 50)) < 0.5
    made = balanced_difference(np.arange(50) % 4, right, right, np.arange(50) // 2)
    assert made.value == 0 and made.low == -made.high and made.high < 1  # what two seeds are taken to differ by


def test_a_class_that_one_burst_holds_is_hardly_known():
    """Eight photos of one burst, all won: a third of the difference rests on one burst, and the interval says so."""
    labels = np.array([0] * 60 + [1] * 60 + [2] * 8)
    groups = np.array([*range(120), *[120] * 8])
    b = np.ones((1, 128), bool)
    b[0, 120:] = False
    made = balanced_difference(labels, np.ones((1, 128), bool), b, groups)
    assert made.value == pytest.approx(100 / 3) and made.low < 0
