"""How much faster: intervals of paired times, and what they show beside a control.

Letters: P fresh processes a file, K rounds in each, R = P · K; S studies at once.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import stats

from secateur.measure.statistics import LEVEL
from secateur.records import Measured, Speed

Times = npt.NDArray[np.float64]  # (P, K): of one file, a row a process, a column a round
Logs = npt.NDArray[np.float64]  # (..., P, K): logarithms of paired ratios
ROUNDS = 2000
FEW = 200  # timed calls that PROTOCOL asks for
PROCESS = 0.01  # the least standard deviation of a process's speed-up that is believed, as a part of it


def speedup(reference: npt.ArrayLike, subject: npt.ArrayLike) -> Measured:
    """Times of the reference / times of the subject, paired by round; above 1 the subject is faster.

    Both (P, K). A process's figure is the median of its K paired ratios; the value is their geometric mean, with the
    interval of `within`. One process shows no spread of processes, and says so. Raises ValueError for unequal shapes or
    no times.
    """
    a, b = np.atleast_2d(np.asarray(reference, float)), np.atleast_2d(np.asarray(subject, float))
    if a.shape != b.shape or a.size == 0:
        raise ValueError(f"speedup: times of shapes {a.shape} and {b.shape}")
    logs = np.log(a / b)  # (P, K)
    mean, half = (float(v) for v in within(logs))
    processes, rounds = logs.shape
    how = f"t over {processes} processes" if processes > 1 else "one process"
    doubts = []
    if processes == 1:
        doubts.append(
            f"one process: where its memory lies is in the figure; others are taken to differ by {PROCESS:.0%}"
        )
    if processes * rounds < FEW:
        doubts.append(f"{processes * rounds} timed calls, not {FEW}")
    low, high = math.exp(mean - half), math.exp(mean + half)
    return Measured(math.exp(mean), "ratio", low, high, processes * rounds, how, "", tuple(doubts))


def within(logs: Logs) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(..., P, K) → mean over processes of each one's median, and half of its 95 % interval: (...), (...).

    Rounds are nested in processes, which are random: they differ by where their memory happens to lie. A process's
    median m holds both noises, Var(m) = Var(process) + Var(median of K rounds), so Student's t over the P medians is
    one interval from both. Few processes may agree by luck: it is never narrower than what the rounds of these medians
    and a spread of PROCESS between processes give.
    Sources: Searle, Casella & McCulloch (1992), Variance Components, ch. 3 (one-way nested, balanced); Mytkowicz et al.
    (2009), "Producing wrong data without doing anything obviously wrong"; McKean & Schrader (1984), Communications in
    Statistics B 13, 751–773 (the standard error of a median).
    """
    medians = np.median(logs, axis=-1)  # (..., P)
    processes = medians.shape[-1]
    of_rounds = np.square(_error_of_median(logs)).mean(-1) + PROCESS**2  # (...)
    half = float(stats.norm.ppf(0.5 + LEVEL / 2)) * np.sqrt(of_rounds / processes)
    if processes > 1:
        factor = float(stats.t.ppf(0.5 + LEVEL / 2, processes - 1))
        half = np.maximum(half, factor * medians.std(axis=-1, ddof=1) / math.sqrt(processes))
    return medians.mean(-1), half


def _error_of_median(logs: Logs) -> npt.NDArray[np.float64]:
    """(..., P, K) → (..., P): from two order statistics, so that a tail of slow rounds says nothing."""
    rounds = logs.shape[-1]
    z = float(stats.norm.ppf(0.995))
    place = max(round((rounds + 1) / 2 - z * math.sqrt(rounds / 4)), 1)
    ordered = np.sort(logs, axis=-1)
    error: npt.NDArray[np.float64] = (ordered[..., rounds - place] - ordered[..., place - 1]) / (2 * z)
    return error


def either(repeated: Measured, first: Measured) -> Measured:
    """A speed-up of calls that follow one of the same file, with an interval that holds that of first calls, too.

    What a call finds in the processor's caches is a matter of protocol: a script that runs one file over and over
    measures the one, a program that does other work between two photos the other. Neither is the truth of a machine.
    """
    assert repeated.low is not None and repeated.high is not None and first.low is not None and first.high is not None
    low, high = min(repeated.low, first.low), max(repeated.high, first.high)
    doubts = repeated.doubts
    if not repeated.low <= first.value <= repeated.high:
        doubts = (*doubts, f"repeated calls {_band(repeated)}, the first after other work {_band(first)}")
    return replace(repeated, low=low, high=high, how=f"{repeated.how}; first calls and repeated ones", doubts=doubts)


def _band(found: Measured) -> str:
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


def quantile(times: npt.ArrayLike, share: float, *, seed: int = 0) -> Measured:
    """A quantile of all calls (any shape), in the unit of `times`, which is taken to be ms; bootstrap over calls."""
    flat = np.asarray(times, float).ravel()
    drawn = np.random.default_rng(seed).choice(flat, (ROUNDS, len(flat)))
    low, high = np.quantile(np.quantile(drawn, share, axis=1), [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    return Measured(float(np.quantile(flat, share)), "ms", float(low), float(high), len(flat), "bootstrap over calls")


def speed_verdict(subject: Measured, control: Measured) -> Speed:
    """What a speed-up shows beside that of the reference against itself: nothing while it reaches into its band."""
    assert subject.low is not None and subject.high is not None
    assert control.low is not None and control.high is not None
    if subject.low > max(1.0, control.high):
        return "faster"
    if subject.high < min(1.0, control.low):
        return "slower"
    return "no measurable change"
