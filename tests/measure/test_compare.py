"""Two configurations on the same photos: what is said, and how often it is true."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from secateur.measure.compare import accuracy_over_seeds, compare, compare_all
from secateur.measure.statistics import mcnemar, wilson


def _flipped(correct, wins, losses):
    """As `correct`, but right on so many photos that it misses, and wrong on so many that it gets."""
    other = correct.copy()
    other[np.flatnonzero(~correct)[:wins]] = True
    other[np.flatnonzero(correct)[:losses]] = False
    return other


DENSE = np.arange(1000) % 5 > 0  # 80 %


def test_one_seed_bootstrap_mcnemar_and_its_doubt():
    pruned = _flipped(DENSE, 10, 60)
    c = compare({7: pruned}, {7: DENSE}, margin_points=1.0, subject="p", against="dense")
    assert (c.subject, c.against, c.margin, c.verdict) == ("p", "dense", 1.0, "worse")
    assert c.difference.value == pytest.approx(-5.0)
    # By hand: variance of the differences 0.07 − 0.05², ± 1.96 · √(0.0675 / 1000) = ± 1.61 points
    assert (c.difference.low, c.difference.high) == pytest.approx((-6.61, -3.39), abs=0.15)
    assert (c.difference.n, c.difference.unit) == (1000, "points")
    assert c.difference.doubts == ("one seed: the interval is over photos and says nothing about training noise",)
    assert c.p_value == mcnemar(pruned, DENSE)
    assert c.photos_needed is None


def test_seeds_that_differ_more_than_photos_do_decide_by_t():
    against = dict.fromkeys(range(3), DENSE)
    subject = {0: _flipped(DENSE, 0, 10), 1: _flipped(DENSE, 0, 50), 2: _flipped(DENSE, 0, 90)}
    c = compare(subject, against)
    half = stats.t.ppf(0.975, 2) * 4 / np.sqrt(3)  # −1, −5, −9 points
    assert (c.difference.low, c.difference.high) == pytest.approx((-5 - half, -5 + half))
    assert (c.difference.n, c.difference.how) == (3, "paired t over seeds")
    assert c.difference.doubts[0] == "Student's t over 3 seeds: ± 2.48 standard deviations"
    assert "bootstrap over groups of photos: [" in c.difference.doubts[1]
    assert c.verdict == "not shown"
    assert c.p_value == pytest.approx(stats.ttest_1samp([-1, -5, -9], 0).pvalue)
    assert c.photos_needed is None
    assert c.difference.doubts[-1] == "more photos alone would not decide: more seeds would"


def test_seeds_that_agree_do_not_hide_the_photos():
    """Three seeds that lose the very same photos: t alone would have no width at all."""
    subject = {s: _flipped(DENSE, 20, 25) for s in range(3)}
    c = compare(subject, dict.fromkeys(range(3), DENSE))
    assert (c.difference.n, c.difference.how) == (1000, "bootstrap over groups of photos")
    assert c.difference.low < -1 < 0 < c.difference.high
    assert c.verdict == "not shown"
    assert c.photos_needed is not None and c.photos_needed > 1000
    assert "paired t over seeds: [-0.50, -0.50]" in c.difference.doubts[1]
    assert 0.05 < c.p_value < 1


def test_more_photos_of_the_same_kind_decide_as_said():
    subject = _flipped(DENSE, 20, 25)
    few = compare({0: subject}, {0: DENSE})
    times = -(-few.photos_needed // 1000)
    many = compare({0: np.tile(subject, 2 * times)}, {0: np.tile(DENSE, 2 * times)})
    assert (few.verdict, many.verdict) == ("not shown", "as good as")


def test_few_photos_that_never_differ_show_nothing():
    same = np.ones(20, bool)
    c = compare({0: same}, {0: same})
    assert c.verdict == "not shown" and c.difference.low < -5 and c.difference.high > 5
    assert c.p_value == 1.0
    assert compare({0: np.ones(5000, bool)}, {0: np.ones(5000, bool)}).verdict == "as good as"


def test_near_duplicates_count_once():
    pruned = _flipped(DENSE, 10, 60)
    copies = np.tile(np.arange(1000), 4)
    c = compare({0: np.tile(pruned, 4)}, {0: np.tile(DENSE, 4)}, copies)
    plain = compare({0: pruned}, {0: DENSE})
    width = plain.difference.high - plain.difference.low
    assert c.difference.high - c.difference.low == pytest.approx(width, rel=0.05)


def test_only_common_seeds_are_paired():
    c = compare({0: DENSE, 1: ~DENSE}, {0: DENSE, 2: DENSE})
    assert c.difference.value == 0
    assert c.difference.doubts[-1] == "seeds that only one has: 1, 2"
    with pytest.raises(ValueError, match="no common seed"):
        compare({0: DENSE}, {1: DENSE})


def test_other_photos_are_an_error():
    with pytest.raises(ValueError, match="shapes"):
        compare({0: DENSE}, {0: DENSE[:-1]})
    with pytest.raises(ValueError, match="groups"):
        compare({0: DENSE}, {0: DENSE}, groups=[1, 2, 3])


def test_table_is_adjusted_and_says_what_it_no_longer_supports():
    correct = {"dense": {0: DENSE}, "far": {0: _flipped(DENSE, 0, 90)}, "near": {0: _flipped(DENSE, 7, 20)}}
    correct |= {f"same{i}": {0: DENSE} for i in range(4)}
    pairs = [(name, "dense") for name in correct if name != "dense"]
    table = {c.subject: c for c in compare_all(pairs, correct)}
    raw = mcnemar(correct["near"][0], DENSE)
    assert raw < 0.05
    assert table["near"].p_value == pytest.approx(5 * raw)
    assert table["near"].verdict == table["far"].verdict == "worse"
    assert "after Holm over 6 comparisons" in table["near"].difference.doubts[-1]
    assert table["far"].p_value < 1e-20
    assert not any("Holm" in d for d in table["far"].difference.doubts)
    assert compare_all([], correct) == ()


def test_accuracy_over_seeds():
    one = accuracy_over_seeds({0: DENSE})
    assert (one.value, one.low, one.high) == (0.8, *wilson(800, 1000))
    assert one.n == 1000 and "training noise" in one.doubts[0]
    agreeing = accuracy_over_seeds({0: DENSE, 1: DENSE})
    assert (agreeing.low, agreeing.high) == wilson(800, 1000)
    apart = accuracy_over_seeds({0: DENSE, 1: _flipped(DENSE, 0, 100), 2: _flipped(DENSE, 0, 300)})
    assert (apart.how, apart.n) == ("t over seeds", 3)
    assert apart.high > 0.8


def _simulated(rng, seeds, training, taste):
    """Scores of one method, (seeds, photos): its own taste in photos, training noise, and the rest."""
    return rng.normal(0, taste, 400) + rng.normal(0, training, (seeds, 1)) + rng.normal(0, 0.5, (seeds, 400))


@pytest.mark.parametrize(
    ("seeds", "training", "taste", "least", "most_alone"), [(3, 0.03, 0.8, 0.95, 0.90), (10, 0.06, 0.4, 0.89, 0.88)]
)
def test_the_wider_interval_covers_where_t_over_seeds_does_not(seeds, training, taste, least, most_alone):
    """No true difference; methods differ in which photos they find hard, and all seeds see the same photos."""
    rng = np.random.default_rng(seeds)
    rounds, wider, alone = 400, 0, 0
    for _ in range(rounds):
        hard = rng.normal(0.8, 1.0, 400)
        a, b = (hard + _simulated(rng, seeds, training, taste) > 0 for _ in range(2))
        c = compare(dict(enumerate(a)), dict(enumerate(b)), rounds=400)
        wider += c.difference.low <= 0 <= c.difference.high
        t = stats.ttest_1samp(a.mean(axis=1) - b.mean(axis=1), 0).confidence_interval()
        alone += t.low <= 0 <= t.high
    assert wider / rounds >= least
    assert alone / rounds <= most_alone


def test_a_test_set_of_30_photos_decides_nothing_and_says_how_many_it_would_need():
    rng = np.random.default_rng(0)
    dense = rng.random(30) < 0.85
    pruned = dense.copy()
    pruned[np.flatnonzero(dense)[:1]] = False  # one photo lost in thirty
    found = compare({0: pruned}, {0: dense}, margin_points=1.0)
    assert found.verdict == "not shown"
    assert found.photos_needed is None or found.photos_needed > 30
    same = compare({0: dense}, {0: dense}, margin_points=1.0)
    assert same.verdict == "not shown"  # thirty photos on which nothing differs show no equality within a point
    assert same.photos_needed is not None
    assert same.photos_needed > 200


def test_bootstrap_over_500_photos_covers_as_it_says():
    """2,000 simulated pairs of networks at n = 500: the truth lies in 93 to 97 % of the intervals."""
    rng = np.random.default_rng(0)
    gains, losses, n, hits = 0.06, 0.09, 500, 0
    for turn in range(2000):
        draw = rng.random(n)
        a, b = draw < gains, (draw >= gains) & (draw < gains + losses)
        difference = compare({0: a}, {0: b}, rounds=400, bootstrap_seed=turn).difference
        hits += difference.low <= 100 * (gains - losses) <= difference.high
    assert 0.93 <= hits / 2000 <= 0.97
