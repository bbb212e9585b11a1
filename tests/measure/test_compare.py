"""Two configurations on the same photos: what is said, worked out by hand. How often it is true:
test_error_rates.py."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from secateur.measure.compare import SAME, compare, compare_all, decided, one_seed
from secateur.measure.crossed import PRIOR_DF, PRIOR_POINTS


def _flipped(correct, wins, losses):
    """As `correct`, but right on so many photos that it misses, and wrong on so many that it gets."""
    other = correct.copy()
    other[np.flatnonzero(~correct)[:wins]] = True
    other[np.flatnonzero(correct)[:losses]] = False
    return other


DENSE = np.arange(1000) % 5 > 0  # 80 %


def _half(photos, seeds=0.0, df=PRIOR_DF, groups=1000):
    """By hand: two standard errors, each with its own Student's t."""
    return math.hypot(stats.t.ppf(0.975, groups - 1) * photos, stats.t.ppf(0.975, df) * seeds)


def test_one_seed_by_hand_with_the_stated_prior():
    pruned = _flipped(DENSE, 10, 60)
    c = compare({7: pruned}, {7: DENSE}, margin_points=1.0, subject="p", against="dense")
    assert (c.subject, c.against, c.margin, c.verdict) == ("p", "dense", 1.0, "worse")
    assert c.difference.value == pytest.approx(-5.0)
    # variance of the differences 0.07 − 0.05², jackknife: over n − 1; and two made-up photos, faded by the 70 that
    # differ
    photos = 100 * math.sqrt((0.07 - 0.05**2) / 999 + 0)
    half = _half(photos, PRIOR_POINTS)
    assert (c.difference.low, c.difference.high) == pytest.approx((-5 - half, -5 + half), abs=1e-6)
    assert (c.difference.n, c.difference.unit) == (1000, "points")
    assert c.difference.how == "jackknife over 1,000 photos"
    assert c.difference.doubts == (one_seed(),)
    assert "0.5 points" in one_seed() and "earlier studies" in one_seed()
    assert c.photos_needed is None


def test_int8_and_its_parent_need_no_prior_and_say_so():
    c = compare({0: _flipped(DENSE, 1, 3)}, {0: DENSE}, trained=False)
    photos = 100 * math.sqrt((0.004 - 0.002**2) / 999 + 2 / 1000**2 * (1 - 4 / 10))
    half = _half(photos)
    assert (c.difference.low, c.difference.high) == pytest.approx((-0.2 - half, -0.2 + half), abs=1e-6)
    assert c.difference.doubts == (SAME,)
    assert c.verdict == "as good as"
    assert compare({0: _flipped(DENSE, 1, 3)}, {0: DENSE}).verdict == "not shown"


def test_seeds_and_photos_are_one_interval():
    """Three seeds at −1, −5 and −9 points: the spread between them, beyond what photos explain, is in the interval."""
    against = dict.fromkeys(range(3), DENSE)
    subject = {0: _flipped(DENSE, 0, 10), 1: _flipped(DENSE, 0, 50), 2: _flipped(DENSE, 0, 90)}
    c = compare(subject, against)
    # by hand: ten photos are lost by all seeds, forty by two, forty by one; means −1, −2/3, −1/3
    d = np.array([-1.0] * 10 + [-2 / 3] * 40 + [-1 / 3] * 40 + [0.0] * 910)
    of_photos = d.var(ddof=1) / 1000
    rest = np.array([[0.0] * 10 + [2 / 3] * 40 + [1 / 3] * 40, [0.0] * 10 + [-1 / 3] * 40 + [1 / 3] * 40])
    rest = np.vstack([rest, [[0.0] * 10 + [-1 / 3] * 40 + [-2 / 3] * 40]])
    rest = np.hstack([rest, np.zeros((3, 910))])
    interaction = sum(row.var(ddof=1) for row in rest) / 2 / 1000
    alone = max(of_photos - interaction / 3, 0)
    half = _half(100 * math.sqrt(alone), 4 / math.sqrt(3), df=2)
    assert (c.difference.low, c.difference.high) == pytest.approx((-5 - half, -5 + half), abs=1e-6)
    assert c.difference.how == "3 seeds and 1,000 photos, crossed"
    assert c.verdict == "not shown" and c.photos_needed is None
    assert c.difference.doubts[-1].startswith("how many photos would decide cannot be said")


def test_seeds_that_agree_do_not_hide_the_photos():
    """Three seeds that lose the very same photos: t over seeds alone would have no width at all."""
    subject = {s: _flipped(DENSE, 20, 25) for s in range(3)}
    c = compare(subject, dict.fromkeys(range(3), DENSE))
    half = _half(100 * math.sqrt((0.045 - 0.005**2) / 999 + 0))
    assert (c.difference.low, c.difference.high) == pytest.approx((-0.5 - half, -0.5 + half), abs=1e-6)
    assert c.verdict == "not shown"


def test_p_values_and_intervals_say_the_same():
    """p = 0.05 where the interval just reaches 0; q = 0.025 where it just reaches the margin."""
    for losses in (10, 25, 60):
        subject = {s: _flipped(DENSE, 10 + s, losses) for s in range(4)}
        c = compare(subject, dict.fromkeys(range(4), DENSE))
        half = c.difference.high - c.difference.value
        assert (abs(c.difference.value) > half) == (c.p_value < 0.05)
        assert (c.difference.value - half > -1) == (c.p_as_good < 0.025)


def test_few_photos_that_never_differ_show_nothing():
    same = np.ones(20, bool)
    c = compare({0: same}, {0: same}, trained=False)
    assert c.verdict == "not shown" and c.difference.low < -5 and c.difference.high > 5
    assert c.p_value == 1.0
    many = np.ones(5000, bool)
    assert compare({0: many}, {0: many}, trained=False).verdict == "as good as"


def test_copies_count_once():
    """Each photo four times, in one group: the interval is that of the photos once, but for the made-up pair."""
    pruned = _flipped(DENSE, 10, 60)
    copies = np.tile(np.arange(1000), 4)
    c = compare({0: np.tile(pruned, 4)}, {0: np.tile(DENSE, 4)}, copies)
    plain = compare({0: pruned}, {0: DENSE})
    assert c.difference.high - c.difference.low == pytest.approx(plain.difference.high - plain.difference.low, rel=0.01)


def test_few_groups_decide_nothing_even_if_all_agree():
    """Five bursts that all lose: by chance alone they agree in one of sixteen."""
    groups = np.repeat(np.arange(5), 40)
    c = compare({0: np.zeros(200, bool)}, {0: np.ones(200, bool)}, groups)
    assert c.verdict == "not shown" and c.p_value == 1.0
    assert "5 groups: too few to decide" in c.difference.doubts
    nine = compare({0: np.zeros(180, bool)}, {0: np.ones(180, bool)}, np.repeat(np.arange(9), 20))
    assert nine.verdict == "worse"
    assert any("only 9 groups" in d for d in nine.difference.doubts)


def test_only_common_seeds_are_paired():
    c = compare({0: DENSE, 1: ~DENSE}, {0: DENSE, 2: DENSE})
    assert c.difference.value == 0
    assert "seeds that only one has: 1, 2" in c.difference.doubts
    with pytest.raises(ValueError, match="no common seed"):
        compare({0: DENSE}, {1: DENSE})


def test_other_photos_are_an_error():
    with pytest.raises(ValueError, match="shapes"):
        compare({0: DENSE}, {0: DENSE[:-1]})
    with pytest.raises(ValueError, match="groups"):
        compare({0: DENSE}, {0: DENSE}, groups=[1, 2, 3])


def test_verdicts_follow_from_what_holm_left():
    """One of six that looks worse by itself is not shown, and says why; with a family of its own it is."""
    correct = {"dense": {0: DENSE}, "far": {0: _flipped(DENSE, 0, 90)}, "near": {0: _flipped(DENSE, 10, 34)}}
    correct |= {f"same{i}": {0: _flipped(DENSE, 10, 10)} for i in range(4)}
    pairs = [(name, "dense") for name in correct if name != "dense"]
    table = {c.subject: c for c in compare_all(pairs, correct)}
    alone = compare(correct["near"], correct["dense"])
    assert alone.verdict == "worse" and alone.p_value < 0.05 < table["near"].p_value
    assert table["near"].verdict == "not shown" and table["far"].verdict == "worse"
    assert table["near"].family == 6
    assert any("after Holm over 6 comparisons" in d for d in table["near"].difference.doubts)
    apart = compare_all(pairs, correct, families=[name == "near" for name, _ in pairs])
    assert next(c for c in apart if c.subject == "near").verdict == "worse"
    assert compare_all([], correct) == ()


def test_a_study_of_many_comparisons_has_power():
    """Of 96 differences of three seeds each, five points are shown (Student's t with two degrees of freedom and Holm
    found them in one study of ten)."""
    rng = np.random.default_rng(0)
    dense = {s: rng.random(3600) < 0.67 for s in range(3)}
    correct = {"dense": dense}
    for i in range(96):
        loss = 500 if i == 0 else 320
        correct[str(i)] = {
            s: np.where(rng.random(3600) < loss / 3600, False, np.where(rng.random(3600) < 320 / 3600, True, dense[s]))
            for s in range(3)
        }
    gap = np.mean([correct["0"][s].mean() - dense[s].mean() for s in range(3)])
    assert gap < -0.04
    table = compare_all([(str(i), "dense") for i in range(96)], correct)
    assert table[0].verdict == "worse" and table[0].p_value < 0.05


@pytest.mark.parametrize(
    ("value", "p", "q", "word"),
    [
        (1.0, 0.01, 0.001, "better"),
        (-0.3, 0.01, 0.001, "as good as"),
        (-3.0, 0.01, 0.9, "worse"),
        (-3.0, 0.06, 0.9, "not shown"),
        (1.0, 0.06, 0.03, "not shown"),
        (1.0, 0.04, 0.03, "better"),
    ],
)
def test_words(value, p, q, word):
    assert decided(value, p, q) == word


def test_a_test_set_of_30_photos_decides_nothing():
    rng = np.random.default_rng(0)
    dense = rng.random(30) < 0.85
    pruned = dense.copy()
    pruned[np.flatnonzero(dense)[:1]] = False  # one photo lost in thirty
    found = compare({0: pruned}, {0: dense}, margin_points=1.0)
    assert found.verdict == "not shown"
    assert found.photos_needed is None  # from minus five to plus five: no number can be named yet
