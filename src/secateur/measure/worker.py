"""One model file in a process of its own, run when it is told to: `python -m secateur.measure.worker FILE …`.

It answers every line on its standard input with a line of JSON, and ends with its input. Nothing of the package but the
run-times is loaded, so that its memory is what a small program needs that predicts.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from secateur.errors import UserError, first_line
from secateur.measure.runtimes import PACKAGES, Array, Opened, open_model


def main(arguments: list[str] | None = None) -> None:
    """Load, say {"ready": …} or {"error": …}, then serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--runtime", choices=PACKAGES, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--profile-to", default="")
    parser.add_argument("--empty", action="store_true", help="load the run-time, and no model")
    given = parser.parse_args(arguments)
    if given.empty:
        __import__(PACKAGES[given.runtime])
        _say({"ready": True, "peak": peak_bytes()})
        return
    began = time.perf_counter()
    try:
        opened = open_model(given.file, given.runtime, given.threads, given.profile_to)
    except (UserError, MemoryError) as error:
        _say({"error": str(error) or "out of memory"})
        return
    _say(
        {
            "ready": True,
            "load_ms": 1000 * (time.perf_counter() - began),
            "input_px": opened.input_px,
            "fixed_batch": opened.fixed_batch,
            "made_for": opened.made_for,
        }
    )
    _serve(opened)


def _serve(opened: Opened) -> None:
    inputs: dict[int, Array] = {}
    for line in sys.stdin:
        asked: dict[str, Any] = json.loads(line)
        if asked.get("end"):
            _say({"profile": opened.end() if opened.end else ""})
            continue
        batch = asked.get("batch", 1)
        if batch not in inputs:
            inputs[batch] = opened.photos(batch)
        try:
            answer = {"ns": timed(opened, inputs[batch], asked.get("runs", 1), asked.get("before", 0))}
        except Exception as error:  # run-times' exceptions share no base class
            _say({"error": first_line(error)})
            continue
        _say(answer | {"peak": peak_bytes(), "cpu_ns": time.process_time_ns()})


def timed(opened: Opened, x: Array, runs: int, before: int) -> list[int]:
    """Nanoseconds of each of `runs` calls, after `before` that are not timed: they fill the caches again."""
    for _ in range(before):
        opened.call(x)
    found = []
    for _ in range(runs):
        start = time.perf_counter_ns()
        opened.call(x)
        found.append(time.perf_counter_ns() - start)
    return found


def peak_bytes() -> int:
    """Peak resident set of this process since it began; what its parent held before that does not count, as it does in
    getrusage."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    try:
        import resource
    except ImportError:
        import psutil

        now = psutil.Process().memory_info()
        return int(getattr(now, "peak_wset", now.rss))  # Windows counts a peak; elsewhere what it is at the end
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
