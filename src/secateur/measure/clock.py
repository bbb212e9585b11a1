"""Seconds a call takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def median_seconds(call: Callable[[], object], *, warm_ups: int = 2, runs: int = 5) -> float:
    """The median over `runs`, after `warm_ups` that are thrown away. For estimates, not for results."""
    for _ in range(warm_ups):
        call()
    passed = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        passed.append(time.perf_counter() - start)
    return statistics.median(passed)
