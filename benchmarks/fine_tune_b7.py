"""Fine-tuning EfficientNet-B7 in less memory: the same gradient by several ways, and training within a budget.

Claim: a way whose process peaks under 3 GB and takes at most 1.5 times as long as the plain step, with its gradient.
B7 at 224 px, random weights, pool max, the study's head, batch norms of the body frozen, batch 8, fp32, two threads.
Each way lives in a process of its own, which takes turns with one of the plain step; a turn is a whole step of `Fit`,
AdamW included. Peaks: VmHWM (what the kernel saw, libraries included) and RssAnon, sampled every 5 ms. Gradients: the
first
step's, without dropout, against the plain step's.

Then budgets: a process plans for each, trains two steps of batch 32, validates and recalibrates; its peak RssAnon is
held against the budget.

    python benchmarks/fine_tune_b7.py [--rounds 5] [--batch 8] [--threads 2] [--budgets 4GiB 3GiB]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from secateur.measure.machine import machine
from secateur.models.build import build
from secateur.training.fit import Fit, Photos
from secateur.training.memory import anonymous_bytes, plan_memory
from secateur.training.recalibrate import recalibrate
from secateur.training.recipes import FAST_TUNE

PX, CLASSES = 224, 10
UNITS = {"GiB": 2**30, "GB": 10**9, "MiB": 2**20}
TARGET_BYTES, TARGET_RATIO = 3e9, 1.5
WAYS = {
    "plain": {},
    "recomputation": {"checkpointing": True},
    "micro-batches of 4": {"micro_batch": 4},
    "micro-batches of 2": {"micro_batch": 2},
    "micro-batches of 4, recomputation": {"micro_batch": 4, "checkpointing": True},
    "micro-batches of 2, recomputation": {"micro_batch": 2, "checkpointing": True},
}


def network() -> nn.Module:
    """Random weights with statistics that fit them, and nothing left to chance."""
    model = build("tf_efficientnet_b7", CLASSES, PX, 0, {"pool": "max", "head": "study"})
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if hasattr(module, "drop_prob"):
            module.drop_prob = 0.0
    recalibrate(model, [batch(8)], device="cpu")
    return model


def batch(n: int) -> tuple[Tensor, Tensor]:
    chance = torch.Generator().manual_seed(0)
    x = torch.randn(n, 3, PX, PX, generator=chance).contiguous(memory_format=torch.channels_last)
    return x, torch.arange(n) % CLASSES


@contextmanager
def watched() -> Iterator[list[int]]:
    """The highest RssAnon while inside."""
    highest, done = [0], threading.Event()

    def look() -> None:
        while not done.wait(0.005):
            highest[0] = max(highest[0], anonymous_bytes())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield highest
    finally:
        done.set()
        thread.join()


def process_peak() -> int:
    """VmHWM in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


# ------------------------------------------------------------ what runs in a process of its own


def worker(way: str, n: int, folder: Path) -> None:
    """A step for every line that comes in, its seconds out; at the end the peaks. Writes the first gradient."""
    one = batch(n)
    photos = Photos(lambda epoch, start: iter(lambda: one, None), lambda: [one], 10**6, n)
    with watched() as highest:
        fit = Fit(network(), replace(FAST_TUNE, batch_size=n), photos, epochs=1, seed=0, **WAYS[way])
        steps = fit.run()
        print("ready", flush=True)
        for number, line in enumerate(sys.stdin):
            if line.strip() == "end":
                break
            began, worked = time.perf_counter(), time.process_time()
            next(steps)
            print(time.perf_counter() - began, time.process_time() - worked, flush=True)
            if number == 0:
                with (folder / f"{way}.f32").open("wb") as file:  # one by one: joined, they would be part of the peak
                    for parameter in fit.model.parameters():
                        parameter.grad.contiguous().numpy().tofile(file)
    print(process_peak(), highest[0], flush=True)


def within(words: str) -> None:
    """Plan for a budget, train for two steps, validate, recalibrate; print the peak and the plan."""
    budget = in_bytes(words)
    recipe = FAST_TUNE
    one = batch(recipe.batch_size)
    photos = Photos(lambda epoch, start: iter([one, one][start:]), lambda: [one], 2, 2 * recipe.batch_size)
    with watched() as highest:
        model = network()
        plan = plan_memory(model, recipe, PX, budget)
        ways = {"micro_batch": plan.micro_batch, "checkpointing": plan.checkpointing, "eval_batch": plan.eval_batch}
        for _ in Fit(model, recipe, photos, epochs=1, seed=0, **ways).run():
            pass
    verdict = "met" if highest[0] <= budget else "MISSED"
    print(f"budget {words}: peak RssAnon {highest[0] / 2**30:.2f} GiB: {verdict}. {plan.words}", flush=True)


def in_bytes(words: str) -> int:
    unit = next(u for u in UNITS if words.endswith(u))
    return int(float(words.removesuffix(unit)) * UNITS[unit])


# ------------------------------------------------------------ what asks them


def start(threads: int, *words: str) -> subprocess.Popen:
    command = [sys.executable, __file__, "--threads", str(threads), *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def answer(child: subprocess.Popen, said: str = "") -> list[str]:
    if said:
        child.stdin.write(said + "\n")
        child.stdin.flush()
    line = child.stdout.readline()
    if not line:
        raise SystemExit(f"a process ended: {child.wait()}")
    return line.split()


def compare(way: str, rounds: int, n: int, threads: int, folder: Path) -> None:
    """`way` and the plain step by turns; two processes at a time, since all of them would fill a small machine."""
    names = ["plain", way]
    children = {}
    for name in names:
        children[name] = start(threads, "--way", name, "--batch", str(n), "--folder", str(folder))
        answer(children[name])
    rows: list[dict[str, list[float]]] = []
    for number in range(rounds + 1):
        turns = names if number % 2 else names[::-1]
        rows.append({name: [float(v) for v in answer(children[name], "step")] for name in turns})
    peaks = {name: [int(v) for v in answer(child, "end")] for name, child in children.items()}
    plain, ours = (np.fromfile(folder / f"{name}.f32", np.float32) for name in names)
    difference = np.linalg.norm(ours - plain) / np.linalg.norm(plain)
    wall, cpu = ([row[way][i] / row["plain"][i] for row in rows[1:]] for i in (0, 1))  # the first warms up
    seconds = [statistics.median(row[name][0] for row in rows[1:]) for name in names]
    ok = peaks[way][0] < TARGET_BYTES and statistics.median(wall) <= TARGET_RATIO
    print(
        f"{way}: peak {peaks[way][0] / 1e9:.2f} GB (RssAnon {peaks[way][1] / 1e9:.2f}), plain "
        f"{peaks['plain'][0] / 1e9:.2f} GB; {statistics.median(wall):.2f}× [{min(wall):.2f}, {max(wall):.2f}] "
        f"its time, {statistics.median(cpu):.2f}× its processor time; "
        f"{seconds[1]:.1f} and {seconds[0]:.1f} s a step, n {rounds}; "
        f"gradient differs by {difference:.0e}; target 3 GB at 1.5×: {'met' if ok else 'MISSED'}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--ways", nargs="*", default=list(WAYS)[1:], choices=list(WAYS))
    parser.add_argument("--budgets", nargs="*", default=["4GiB", "3GiB"])
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--within", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.way:
        worker(given.way, given.batch, given.folder)
    elif given.within:
        within(given.within)
    else:
        here = machine()
        print(f"{here.cpu}, {given.threads} threads, torch {torch.__version__}, B7 at {PX} px, batch {given.batch}")
        if given.rounds:
            with tempfile.TemporaryDirectory() as folder:
                for way in given.ways:
                    compare(way, given.rounds, given.batch, given.threads, Path(folder))
        for words in given.budgets:
            print(" ".join(answer(start(given.threads, "--within", words))), flush=True)


if __name__ == "__main__":
    main()
