"""How much faster: intervals of paired times, and what they show beside a control.

Letters: P fresh processes a file, K rounds in each, R = P · K.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import stats

from secateur.measure.statistics import LEVEL
from secateur.records import Measured, Speed

Times = npt.NDArray[np.float64]  # (P, K): of one file, a row a process, a column a round
ROUNDS = 2000
FEW = 200  # timed calls that PROTOCOL asks for


def speedup(reference: npt.ArrayLike, subject: npt.ArrayLike, *, seed: int = 0) -> Measured:
    """Times of the reference / times of the subject, paired by round; above 1 the subject is faster.

    Both (P, K). A process's figure is the median of its K paired ratios; the value is their geometric mean. Two noises
    stand behind it: rounds differ, and so do processes, by where their memory happens to lie (Mytkowicz et al. 2009,
    "Producing wrong data without doing anything obviously wrong"). The interval is the wider of a bootstrap over the
    rounds of these processes and Student's t over the processes, both of logarithms. One process has the first alone,
    and says so. Raises ValueError for unequal shapes or no times.
    """
    a, b = np.atleast_2d(np.asarray(reference, float)), np.atleast_2d(np.asarray(subject, float))
    if a.shape != b.shape or a.size == 0:
        raise ValueError(f"speedup: times of shapes {a.shape} and {b.shape}")
    logs = np.log(a / b)  # (P, K)
    each = np.median(logs, axis=1)  # (P,)
    mean, (processes, rounds) = float(each.mean()), logs.shape
    chance = np.random.default_rng(seed)
    drawn = chance.integers(0, rounds, (ROUNDS, processes, rounds))
    of_rounds = np.median(logs[np.arange(processes)[None, :, None], drawn], axis=2).mean(axis=1)
    low, high = np.quantile(of_rounds, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    low, high = min(float(low), mean), max(float(high), mean)
    how, doubts = "bootstrap over rounds", []
    if processes == 1:
        doubts.append("one process: where its memory lies is in the figure, and not in the interval")
    else:
        half = float(stats.t.ppf(0.5 + LEVEL / 2, processes - 1) * each.std(ddof=1) / math.sqrt(processes))
        if 2 * half > high - low:
            low, high, how = mean - half, mean + half, f"t over {processes} processes"
    if processes * rounds < FEW:
        doubts.append(f"{processes * rounds} timed calls, not {FEW}")
    return Measured(math.exp(mean), "ratio", math.exp(low), math.exp(high), processes * rounds, how, "", tuple(doubts))


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
