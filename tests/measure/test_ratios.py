"""Speed-ups: by hand, their coverage by simulation, and what they show beside a control."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from secateur.measure.ratios import PROCESS, either, quantile, speed_verdict, speedup, within
from secateur.records import Measured

STUDIES = 4000
ROUNDS = 40


def test_twice_as_fast_in_every_round():
    found = speedup([[2.0, 4.0, 6.0]], [[1.0, 2.0, 3.0]])
    half = 1.959964 * PROCESS  # of one process nothing is known but what others differ by
    assert (found.value, found.low, found.high) == pytest.approx((2, 2 * math.exp(-half), 2 * math.exp(half)))
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
    assert one.low == pytest.approx(1 / other.high)


def test_processes_that_agree_by_luck_are_not_believed_beyond_their_rounds():
    """By hand: nine rounds of each, of which the first and the last stand 0.08 apart."""
    rounds = np.array([-0.04, -0.03, -0.02, -0.01, 0, 0.01, 0.02, 0.03, 0.04])
    mean, half = within(0.1 + np.stack([rounds] * 4))
    of_median = 0.08 / (2 * 2.575829)
    assert mean == pytest.approx(0.1)
    assert half == pytest.approx(1.959964 * math.sqrt((of_median**2 + PROCESS**2) / 4))


def logs(studies: int, processes: int, between: float, seed: int, files: int = 1) -> np.ndarray:
    """(files, studies, P, K) of logarithms of times beside one reference's: processes that differ by `between`, rounds
    by 5 % with a long tail to the slow side."""
    rng = np.random.default_rng(seed)
    times = rng.normal(0, between / math.sqrt(2), (files + 1, studies, processes, 1))
    times = times + 0.05 * rng.standard_exponential((files + 1, studies, processes, ROUNDS))
    found: np.ndarray = times[0] - times[1:]
    return found


@pytest.mark.parametrize("processes", [1, 2, 5])
@pytest.mark.parametrize("between", [0.0, 0.01, 0.05])
def test_the_interval_covers_as_often_as_it_says(between: float, processes: int):
    """Of 4,000 studies; seen 94.6 to 99.9 %. One process cannot: it holds what is taken of others, and no more."""
    mean, half = within(logs(STUDIES, processes, between, 1)[0])
    covered = (np.abs(mean) <= half).mean()
    if processes == 1 and between > PROCESS:
        assert covered < 0.8
    else:
        assert covered >= 0.94


def test_the_interval_holds_what_two_protocols_differ_by():
    """A file whose first calls are 11 % slower than repeated ones, as a CNN's in 8 bits were: each protocol's own truth
    lies in the interval of a study, as often as it says; the one from repeated calls alone never holds the other's."""
    repeated, first, both, one = 1.25, 1.25 / 1.11, 0, 0
    rng = np.random.default_rng(2)
    for _ in range(300):
        noise = rng.normal(0, 0.01, (2, 5, 1)) + 0.05 * rng.standard_exponential((2, 5, ROUNDS))
        reference, subject = np.exp(noise)
        of = speedup(reference, subject / repeated)
        found = either(of, speedup(reference, subject / first))
        assert found.low and found.high and of.low
        both += found.low <= first and repeated <= found.high
        one += of.low <= first
    assert both >= 0.93 * 300 and one == 0
    assert found.value == of.value and "first calls and repeated ones" in found.how
    assert "repeated calls 1.2" in found.doubts[-1] and "the first after other work 1.1" in found.doubts[-1]


def test_where_protocols_agree_nothing_is_doubted():
    times = [[1.0] * 40] * 5
    same = speedup(times, times)
    assert either(same, same).doubts == () and either(same, same).high == same.high
    nearly = replace(same, value=same.value * 1.001, high=same.high * 1.001)
    assert either(same, nearly).doubts == () and either(same, nearly).high == nearly.high


@pytest.mark.parametrize("processes", [2, 5])
@pytest.mark.parametrize("between", [0.0, 0.01, 0.05])
def test_a_network_is_seldom_called_faster_or_slower_than_itself(between: float, processes: int):
    """Subject and control are the reference once more, in processes of their own. Seen: at most 0.2 %."""
    (subject, control) = (within(found) for found in logs(STUDIES, processes, between, 3, files=2))
    said = verdicts(subject, control)
    assert (said != "no measurable change").mean() <= 0.01


def test_a_network_that_is_a_tenth_faster_is_called_so():
    (mean, half), control = (within(found) for found in logs(STUDIES, 5, 0.01, 4, files=2))
    said = verdicts((mean + math.log(1.1), half), control)
    assert (said == "faster").mean() >= 0.98 and not (said == "slower").any()


def verdicts(subject: tuple[np.ndarray, np.ndarray], control: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Of (mean, half) of logarithms, (S,) each."""
    bands = (zip(np.exp(mean - half), np.exp(mean + half), strict=True) for mean, half in (subject, control))
    return np.array([speed_verdict(ratio(*own), ratio(*other)) for own, other in zip(*bands, strict=True)])


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
