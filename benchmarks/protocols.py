"""Do honest scripts agree with `secateur bench` on how much faster one file is than another?

Claim: the speed-ups of a script that alternates two files and of one that repeats each, in one process of its own, lie
within the interval that the bench prints. Against: onnxruntime and numpy alone, 200 calls a file after 20 untimed, the
median of paired ratios; four fresh processes a script, of which the mean is taken. A program that does other work
between two photos finds the caches as that left them, one that repeats a file finds its own: the bench times both.

    python benchmarks/protocols.py FP32.onnx INT8.onnx
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from secateur.measure.bench import Effort, bench
from secateur.measure.entries import entry
from secateur.measure.machine import machine
from secateur.records import Way

CALLS, WARM_UPS, PROCESSES = 200, 20, 4


def script(files: tuple[Path, Path], repeats: bool) -> float:
    """The median of the logarithms of paired ratios; shares no code with what it checks."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    sessions = [ort.InferenceSession(f, options, providers=["CPUExecutionProvider"]) for f in files]
    px = sessions[0].get_inputs()[0].shape[1]
    photo = np.random.default_rng(0).integers(0, 256, (1, px, px, 3), np.uint8)

    def call(i: int) -> int:
        start = time.perf_counter_ns()
        sessions[i].run(None, {"photos": photo})
        return time.perf_counter_ns() - start

    for i in (0, 1):
        for _ in range(WARM_UPS):
            call(i)
    if repeats:
        times = np.array([[call(i) for _ in range(CALLS)] for i in (0, 1)])
    else:
        times = np.array([[call(0), call(1)] for _ in range(CALLS)]).T
    return float(np.median(np.log(times[0] / times[1])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs=2, metavar="FILE")
    files = tuple(parser.parse_args().files)
    print(machine().cpu)
    found = bench(
        [entry(files[0], "reference"), entry(files[1], "subject")], "reference", [Way(1, 1)], effort=Effort(seconds=60)
    )
    timing = next(t for t in found.timings if t.model == "subject")
    band, first = timing.speedup, timing.first
    assert band.low is not None and band.high is not None and first is not None
    print(f"bench: {band.value:.2f} [{band.low:.2f}, {band.high:.2f}]; first calls {first.value:.2f}")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for how, repeats in (("alternates", False), ("repeats", True)):
            said = [pool.submit(script, files, repeats).result() for _ in range(PROCESSES)]
            value = float(np.exp(np.mean(said)))
            met = "met" if band.low <= value <= band.high else "MISSED"
            print(f"a script that {how}: {value:.2f} ({np.exp(min(said)):.2f} to {np.exp(max(said)):.2f}): {met}")


if __name__ == "__main__":
    main()
