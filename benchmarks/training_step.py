"""A training step of the one loop against a bare PyTorch loop on tensors in memory.

Claim: within 5 %. The bare loop has its batches ready as float tensors; ours gathers them from the memory-mapped
uint8 store, seeds the dropout of every step and keeps its sums. Interleaved rounds of whole epochs, in random
order, same network, recipe, precision and batches; the median ratio of paired rounds with its bootstrap interval.

    python benchmarks/training_step.py [--px 64] [--photos 1024] [--rounds 15]
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from secateur.data.batches import batch_count, batches
from secateur.measure.machine import machine
from secateur.models.build import build
from secateur.resolve import settle
from secateur.settings import Study
from secateur.training.fit import Fit, Photos, Tick
from secateur.training.recipes import FAST

SIZE = FAST.batch_size


def ours(pixels: np.ndarray, labels: np.ndarray, px: int, precision: str):
    """Returns a function that trains one epoch and gives its seconds."""
    positions = np.arange(len(labels))

    def train(epoch: int, start: int):
        return batches(pixels, positions, labels, batch_size=SIZE, seed=0, epoch=epoch, start=start)

    one = (torch.zeros(2, 3, px, px), torch.zeros(2, dtype=torch.int64))
    photos = Photos(train, lambda: [one], batch_count(len(labels), SIZE), len(labels))
    events = Fit(build("cnn", 10, px), FAST, photos, epochs=10**6, seed=0, precision=precision).run()

    def epoch() -> float:
        began = time.perf_counter()
        for event in events:
            if not isinstance(event, Tick):
                break
        return time.perf_counter() - began

    return epoch


def bare(pixels: np.ndarray, labels: np.ndarray, px: int, precision: str):
    """The loop of a tutorial, with the same settings."""
    x = torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2).float().div_(255)
    ready = [
        (x[i : i + SIZE].contiguous(memory_format=torch.channels_last), torch.from_numpy(labels[i : i + SIZE]))
        for i in range(0, len(labels), SIZE)
    ]
    model = build("cnn", 10, px).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), FAST.lr, weight_decay=FAST.weight_decay, fused=True)

    def epoch() -> float:
        model.train()
        began = time.perf_counter()
        for photos, wanted in ready:
            optimiser.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                logits = model(photos)
            F.cross_entropy(logits.float(), wanted, label_smoothing=FAST.label_smoothing).backward()
            optimiser.step()
        return time.perf_counter() - began

    return epoch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--px", type=int, default=64)
    parser.add_argument("--photos", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    precision = settle(Study(folder="x", backbone="cnn")).precision
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, given.photos)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pixels.npy"
        np.save(path, rng.integers(0, 256, (given.photos, given.px, given.px, 3), np.uint8))
        pixels = np.load(path, mmap_mode="r")
        loops = {"ours": ours(pixels, labels, given.px, precision), "bare": bare(pixels, labels, given.px, precision)}
        control = bare(pixels, labels, given.px, precision)
        rows = []
        for number in range(given.rounds + 2):
            names = ["ours", "bare", "control"]
            random.Random(number).shuffle(names)
            took = {name: (control if name == "control" else loops[name])() for name in names}
            if number >= 2:  # two rounds of warm-up
                rows.append((took["ours"] / took["bare"], took["control"] / took["bare"]))
    here = machine()
    print(f"{here.cpu}, {here.cores} cores, {precision}, {given.px} px, {given.photos} photos an epoch, n {len(rows)}")
    for name, values in zip(("ours / bare", "bare / bare (control)"), zip(*rows, strict=True), strict=True):
        draws = np.median(rng.choice(values, (5000, len(values))), axis=1)
        low, high = np.quantile(draws, [0.025, 0.975])
        print(f"{name:24s} {np.median(values):.3f} [{low:.3f}, {high:.3f}]")


if __name__ == "__main__":
    main()
