"""Speed-ups: by hand, their coverage by simulation, and what they show beside a control."""

from __future__ import annotations

import math

import numpy as np
import pytest

from secateur.measure.ratios import quantile, speed_verdict, speedup
from secateur.records import Measured


def test_twice_as_fast_in_every_round():
    found = speedup([[2.0, 4.0, 6.0]], [[1.0, 2.0, 3.0]])
    assert (found.value, found.low, found.high) == pytest.approx((2, 2, 2))
    assert found.n == 3
    assert any("one process" in d for d in found.doubts)
    assert any("3 timed calls, not 200" in d for d in found.doubts)


def test_one_slow_round_moves_nothing():
    reference = [[1.0] * 9, [1.0] * 9]
    slow = [[1.0] * 8 + [50.0], [1.0] * 9]
    assert speedup(reference, slow).value == pytest.approx(1)


def test_processes_that_differ_widen_the_interval_as_students_t_says():
    logs = [0.10, 0.12, 0.17]
    subject = [[math.exp(-value)] * 5 for value in logs]
    found = speedup([[1.0] * 5] * 3, subject)
    half = 4.302652729911275 * np.std(logs, ddof=1) / math.sqrt(3)  # t of 0.975 at two degrees of freedom
    assert math.log(found.value) == pytest.approx(0.13)
    assert math.log(found.low) == pytest.approx(0.13 - half)
    assert math.log(found.high) == pytest.approx(0.13 + half)
    assert found.how == "t over 3 processes"


def test_it_does_not_matter_which_of_two_is_called_the_reference():
    a, b = np.random.default_rng(0).lognormal(0, 0.1, (2, 5, 21))
    one, other = speedup(a, b), speedup(b, a)
    assert one.value == pytest.approx(1 / other.value)
    assert one.low == pytest.approx(1 / other.high, rel=0.02)


@pytest.mark.parametrize("between", [0.0, 0.01, 0.05])
def test_the_interval_covers_as_often_as_it_says(between: float):
    """Processes that differ by `between`, rounds by 5 % with a long tail to the slow side: 1.25 is the truth."""
    rng, inside = np.random.default_rng(1), 0
    for i in range(300):
        processes = rng.normal(0, between, (2, 5, 1))
        rounds = 0.05 * rng.standard_exponential((2, 5, 40))
        a, b = np.exp(processes + rounds)
        found = speedup(1.25 * a, b, seed=i)
        inside += found.low <= 1.25 <= found.high
    assert inside >= 0.93 * 300  # the wider of two intervals: more than 95 % where only one noise is at work


def test_times_of_unequal_shapes_are_refused():
    with pytest.raises(ValueError, match="shapes"):
        speedup([[1.0, 2.0]], [[1.0]])


def ratio(low: float, high: float) -> Measured:
    return Measured((low + high) / 2, "ratio", low, high)


@pytest.mark.parametrize(
    ("subject", "control", "said"),
    [
        ((1.5, 1.7), (0.97, 1.03), "faster"),
        ((0.7, 0.8), (0.97, 1.03), "slower"),
        ((0.99, 1.02), (0.97, 1.03), "no measurable change"),
        ((1.01, 1.02), (0.97, 1.03), "no measurable change"),  # not 1, but within what the same file shows
        ((1.05, 1.2), (0.9, 1.1), "no measurable change"),
        ((1.01, 1.2), (0.97, 0.99), "faster"),  # a control that is off does not move the bar below 1
    ],
)
def test_what_a_speed_up_shows(subject: tuple[float, float], control: tuple[float, float], said: str):
    assert speed_verdict(ratio(*subject), ratio(*control)) == said


def test_a_median_with_its_interval():
    times = np.random.default_rng(0).lognormal(math.log(5), 0.2, 401)
    found = quantile(times, 0.5)
    assert found.value == np.median(times)
    assert found.low < 5 < found.high
    assert found.unit == "ms"
    assert found.n == 401
