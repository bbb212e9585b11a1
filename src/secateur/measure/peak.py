"""Memory of a fresh process that loads a file and predicts once."""

from __future__ import annotations

import statistics
from functools import cache

from secateur.errors import StepFailed
from secateur.measure.entries import Entry
from secateur.measure.helper import Helper
from secateur.records import Measured, Peak

TIMES = 3


def peak(entry: Entry, threads: int = 1, times: int = TIMES) -> Peak:
    """The median of `times` processes, less that of processes which load the run-time and no model.

    Raises StepFailed where the file does not run.
    """
    whole = []
    for _ in range(times):
        helper = Helper(entry.file, entry.runtime, threads)
        try:
            said = helper.hello()
            said = said if "error" in said else helper.ask(batch=1, runs=1)
            if "error" in said:
                raise StepFailed(f"{entry.file.name}: {said['error']}")
            whole.append(said["peak"])
        finally:
            helper.close()
    process, without = round(statistics.median(whole)), _empty(entry.runtime, threads, times)
    how = f"median of {times} fresh processes that load and predict once, less one without a model"
    return Peak(Measured(float(process - without), "bytes", n=times, how=how), process, without)


@cache
def _empty(runtime: str, threads: int, times: int) -> int:
    """The same for every file."""
    found = []
    for _ in range(times):
        bare = Helper("", runtime, threads, "--empty")
        found.append(int(bare.hello()["peak"]))
        bare.close()
    return round(statistics.median(found))
