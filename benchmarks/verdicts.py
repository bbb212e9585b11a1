"""Are the verdicts of `secateur bench` right, and are its intervals honest?

Claims: (1) "slower", "faster" and "no measurable change" on the networks of PROTOCOL's table agree with an independent
script in at least 9 of 10 repeats; (2) of 40 repeats of the dense network against itself at least 34 intervals contain
1.00, and the median half-width is under 5 %.
Against: `plain`, below: onnxruntime and numpy alone, interleaved, 200 rounds, the median of paired ratios with a
percentile bootstrap, and a band of the reference against itself from a second session. It is asked twice: all rounds in
one process, and 40 rounds in each of five fresh ones, of which the widest interval and the widest band count. A process
gives each file its place in memory once, and one that lies well is 1 % faster there for as long as the process lives;
no number of rounds in it shows that.

    python benchmarks/verdicts.py [--repeats 10] [--same 40] [--folder nets]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from _networks import PX, TABLE, made
from secateur.measure.bench import Effort, bench
from secateur.measure.entries import entries
from secateur.measure.machine import machine
from secateur.records import Way

ONE = (Way(1, 1),)


def plain(files: list[Path], rounds: int, seed: int) -> np.ndarray:
    """Lowest and highest plausible speed-up of the first file's second session, then of every other: (2, files).

    Shares no code with what it checks.
    """
    import time

    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    sessions = [ort.InferenceSession(f, options, providers=["CPUExecutionProvider"]) for f in [files[0], *files]]
    rng, x = np.random.default_rng(seed), np.random.default_rng(0).integers(0, 256, (1, PX, PX, 3), np.uint8)
    times = np.empty((len(sessions), rounds))
    for r in range(-10, rounds):
        for i in rng.permutation(len(sessions)):
            sessions[i].run(None, {"photos": x})
            start = time.perf_counter()
            sessions[i].run(None, {"photos": x})
            times[i, r] = time.perf_counter() - start
    ratios = times[1] / times  # to the reference proper; row 0 is its second session
    drawn = np.median(ratios[:, rng.integers(0, rounds, (1000, rounds))], axis=2)
    return np.quantile(drawn, [0.025, 0.975], axis=1)[:, [0, *range(2, len(sessions))]]


def words(intervals: list[np.ndarray]) -> list[str]:
    """A verdict for every file but the first, from one process or several."""
    low, high = np.min([i[0] for i in intervals], axis=0), np.max([i[1] for i in intervals], axis=0)
    floor, roof = min(1, low[0]), max(1, high[0])
    found = np.where(low > roof, "faster", np.where(high < floor, "slower", "no measurable change"))
    return [str(w) for w in found[1:]]


def theirs(files: list[Path], seed: int) -> dict[str, dict[str, str]]:
    """Script → name → verdict."""
    names = [f.stem for f in files[1:]]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        one = list(pool.map(plain, [files], [200], [seed]))
        five = list(pool.map(plain, [files] * 5, [40] * 5, range(5 * seed, 5 * seed + 5)))
    return {
        "the script in one process": dict(zip(names, words(one), strict=True)),
        "the script in five": dict(zip(names, words(five), strict=True)),
    }


def ours(files: list[Path], seed: int) -> tuple[dict[str, str], list[str]]:
    found = bench(entries(files), files[0].stem, ONE, effort=Effort(rounds=200), seed=seed)
    lines = [
        f"  {t.model}: {t.median.value:.2f} ms, "
        f"{t.speedup.value:.2f} [{t.speedup.low:.2f}, {t.speedup.high:.2f}] {t.verdict}"
        for t in found.timings
        if t.speedup.low is not None and t.speedup.high is not None
    ]
    verdicts = {t.model: t.verdict for t in found.timings if t.verdict not in ("reference", "control")}
    return verdicts, [*lines, *(f"  doubt: {d}" for d in found.doubts)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--same", type=int, default=40)
    parser.add_argument("--folder", type=Path, help="where the networks are kept")
    given = parser.parse_args()
    here = machine()
    print(f"{here.cpu} ({', '.join(here.flags)}), onnxruntime {here.versions['onnxruntime']}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        cut = {name: made(name, folder) for name in TABLE}
        for name, (_, left) in cut.items():
            print(f"{name}: {left:.0%} of the multiply-adds")
        families = [[cut[n][0] for n in TABLE if TABLE[n][0] == b] for b in ("efficientnet_b0", "resnet18")]
        agree: dict[tuple[str, str], list[bool]] = {}
        for repeat in range(given.repeats):
            for files in families:
                mine, lines = ours(files, repeat)
                for script, verdicts in theirs(files, repeat).items():
                    for name, word in mine.items():
                        agree.setdefault((name, script), []).append(word == verdicts[name])
                        if word != verdicts[name]:
                            print(f"repeat {repeat}: {name}: bench says {word}, {script} {verdicts[name]}")
                if not repeat:
                    print("\n".join(lines))
        for (name, script), same in sorted(agree.items()):
            held = "met" if sum(same) >= 0.9 * len(same) else "MISSED"
            print(f"{name}, {script}: agree in {sum(same)} of {len(same)}: {held}", flush=True)
        inside, halves = 0, []
        dense = entries([families[0][0]])
        for repeat in range(given.same):
            found = bench(dense, dense[0].name, ONE, effort=Effort(rounds=200), seed=repeat)
            ratio = next(t.speedup for t in found.timings if t.verdict == "control")
            assert ratio.low is not None and ratio.high is not None
            inside += ratio.low <= 1 <= ratio.high
            halves.append((ratio.high - ratio.low) / 2)
        if halves:
            half = statistics.median(halves)
            held = "met" if inside >= 0.85 * given.same and half < 0.05 else "MISSED"
            print(f"dense against itself: {inside} of {given.same} hold 1.00, median half-width {half:.1%}: {held}")


if __name__ == "__main__":
    main()
