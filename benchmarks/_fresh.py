"""What the B7 benchmarks share: one measurement in a process of its own, with the peak of its memory."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import torch

from secateur.data.parallel import cores
from secateur.measure.machine import machine

B7, CLASSES, PX = "tf_efficientnet_b7", 10, 224
OPTIONS = {"pool": "avg", "head": "linear"}
MIB = 1 << 20


def status(field: str) -> float:
    """Of this process, in MiB: VmRSS is what it holds, VmHWM the most that it held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def begin_peak() -> float:
    """MiB held now, freed memory given back first; the peak starts anew from here (Linux)."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return status("VmRSS")


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """(wall, processor) seconds; the second is what a machine with other work on it says less wrongly."""
    wall, own = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - own


def alone(file: str, *words: str) -> dict[str, float]:
    """What `python file words` prints as its last line, as JSON."""
    done = subprocess.run([sys.executable, "-W", "ignore", file, *words], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def told(values: list[float], unit: str = "", digits: int = 2) -> str:
    """Median [least, most]."""
    ordered = sorted(values)
    middle = ordered[len(ordered) // 2]
    return f"{middle:.{digits}f} [{ordered[0]:.{digits}f}, {ordered[-1]:.{digits}f}]{unit}"


def verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def where() -> str:
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    here = machine()
    memory = psutil.virtual_memory().total / 2**30
    return f"{here.cpu}, {cores()} cores, {memory:.0f} GiB, torch {torch.__version__}; load of the last minutes {load}"
