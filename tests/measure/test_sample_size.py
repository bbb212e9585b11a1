"""The number of photos a class that would show a loss: by hand, and simulated with groups and with seeds.

The rule that the number is for: a class loses where its mean difference lies below 0 by more than z errors, the error
from sums over groups, z from Holm's first step over all classes.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from secateur.measure.crossed import Noise
from secateur.measure.harm import recall_changes
from secateur.measure.sample_size import photos_to_exceed, variances
from secateur.report.classes import certainly_lost

CLASSES, LOSS, CHANGED = 10, 0.03, 0.06  # of the photos change sides
ALIKE = 0.6  # of the photos of a group share what happens to them


def needed(loss: float, variance: float, family: int = 1) -> int:
    """Photos that show a loss of `loss`, from what a thousand photos of variance `variance` say."""
    zero, n = np.zeros(()), 1000
    known = Noise(np.asarray(max(variance, loss * (1 - loss)) * 100**2 / n), zero, zero, 1, n)
    return photos_to_exceed(100 * loss, known, n, 1 - 0.05 / family) or 0


def test_by_hand():
    """n ≥ v · ((z + z₀.₉) / δ)²: Connor 1987, Biometrics 43, 207–211; Student's t of so many photos is the normal's."""
    factor = 1.959964 + 1.281552
    assert needed(0.01, 0.06) == pytest.approx(0.06 * (factor / 0.01) ** 2, rel=2e-3)
    assert needed(0.01, 0.0) == needed(0.01, 0.0099)  # a loss of a point changes a point of the photos
    assert needed(0.01, 0.06, 10) == pytest.approx(0.06 * ((2.807034 + 1.281552) / 0.01) ** 2, rel=2e-3)
    zero = np.zeros(())
    apart = Noise(np.asarray(0.6), zero, np.asarray(1.0), 3, 1000)
    assert photos_to_exceed(1.0, apart, 1000) is None  # three seeds a point apart: more photos alone would never do


def test_the_variance_counts_groups_and_borrows_from_other_classes():
    d = np.random.default_rng(0).choice([-1.0, 0.0, 1.0], 4000, p=[0.04, 0.94, 0.02])
    (alone,) = variances([d], [np.arange(4000)])
    (copied,) = variances([np.repeat(d, 4)], [np.arange(16000) // 4])
    assert alone == pytest.approx(0.06 - 0.02**2, rel=0.1)
    assert copied == pytest.approx(4 * alone, rel=0.01)  # four copies of a photo are one
    six, many = variances([np.zeros(6), d], [np.arange(6), np.arange(4000)])
    assert 0.8 * alone < six < alone and many == pytest.approx(alone, rel=0.01)
    assert variances([np.zeros(1)], [np.zeros(1, int)]) == (0.0,)


def changes(chance: np.random.Generator, tests: int, n: int, size: int, loss: float) -> np.ndarray:
    """(tests, n) differences of photos in groups of `size`."""
    shared = chance.random((tests, n // size, size)) < ALIKE
    drawn = np.where(shared, chance.random((tests, n // size, 1)), chance.random(shared.shape)).reshape(tests, n)
    return np.where(drawn < (CHANGED + loss) / 2, -1.0, np.where(drawn > 1 - (CHANGED - loss) / 2, 1.0, 0.0))


def seen(d: np.ndarray, size: int) -> float:
    """The share of test sets in which the rule sees the loss."""
    tests, n = d.shape
    sums = (d - d.mean(1, keepdims=True)).reshape(tests, n // size, size).sum(2)
    error = np.sqrt((sums**2).sum(1) * (n / size) / (n / size - 1)) / n
    return float((-d.mean(1) / error > stats.norm.ppf(1 - 0.05 / (2 * CLASSES))).mean())


@pytest.mark.parametrize("size", [1, 4, 8])
def test_the_number_has_the_power_that_it_is_given_for(size: int):
    """4,000 test sets: 90 % of them show the loss at this number, 55 % at half of it."""
    chance = np.random.default_rng(size)
    pilot = changes(chance, 1, 400_000, size, LOSS)[0]
    (v,) = variances([pilot], [np.arange(400_000) // size])
    many = needed(LOSS, v, CLASSES) // size * size
    found = np.mean([seen(changes(chance, 400, many, size, LOSS), size) for _ in range(10)])
    half = np.mean([seen(changes(chance, 400, many // (2 * size) * size, size, LOSS), size) for _ in range(10)])
    assert 0.87 <= found <= 0.94 and half < 0.65


@pytest.mark.parametrize("size", [1, 4])
def test_a_small_study_names_the_number_nearly(size: int):
    """Of 120 photos a class: right on average, within a factor of two in nine of ten studies."""
    chance = np.random.default_rng(10 + size)
    (v,) = variances([changes(chance, 1, 400_000, size, LOSS)[0]], [np.arange(400_000) // size])
    true = needed(LOSS, v, CLASSES)
    numbers = np.arange(120) // size
    named = []
    for _ in range(300):
        some = [changes(chance, 1, 120, size, LOSS if c == 0 else 0.0)[0] for c in range(CLASSES)]
        named.append(needed(LOSS, variances(some, [numbers] * CLASSES)[0], CLASSES))
    low, middle, high = np.quantile(named, [0.05, 0.5, 0.95])
    assert 0.85 * true < middle < 1.15 * true and low > true / 2.2 and high < true * 2.2


def answers(chance: np.random.Generator, n: int, size: int, seeds: int, spread: float):
    """Labels, groups, and (n,) answers by seed of dense and of a network whose first class of three loses LOSS; each
    seed gains or loses `spread` (a standard deviation) of its own."""
    labels, count = np.repeat(np.arange(3), n), 3 * n
    dense, pruned = {}, {}
    for seed in range(seeds):
        one, other = (
            np.where(chance.random((count // size, size)) < ALIKE, chance.random((count // size, 1)),
                     chance.random((count // size, size))).ravel()
            for _ in range(2)
        )  # fmt: skip
        lost = np.clip(np.where(labels == 0, LOSS, 0) + spread * chance.normal(), -CHANGED, CHANGED)
        right = one < 0.8
        after = np.where(right, other >= (CHANGED + lost) / 1.6, other < (CHANGED - lost) / 0.4)
        dense[seed], pruned[seed] = (np.where(x, labels, (labels + 1) % 3) for x in (right, after))
    return labels, np.arange(count) // size, dense, pruned


@pytest.mark.parametrize(
    ("size", "seeds", "spread", "n"), [(1, 1, 0.0, 900), (4, 1, 0.0, 1400), (1, 3, 0.006, 900)], ids=str
)
def test_a_class_that_lost_the_margin_is_seldom_called_unharmed(size: int, seeds: int, spread: float, n: int):
    """The words "no class was seen to lose" are said of it in at most 10 % of studies; about as many photos as are
    needed is where they err most."""
    chance = np.random.default_rng(100 + size + seeds)
    unharmed = 0
    studies = 40
    for _ in range(studies):
        labels, groups, dense, pruned = answers(chance, n, size, seeds, spread)
        row = recall_changes(labels, dense, pruned, ("a", "b", "c"), groups, 100 * LOSS)[0]
        lost = certainly_lost(row.change.difference.high, row.change.p_value)
        unharmed += not lost and row.needed is not None and row.needed <= row.n
    assert unharmed / studies <= 0.10
