"""Claim: on a CPU that multiplies bf16 it is faster for the CNN, and slower for a network of depthwise convolutions.

Training steps (forward, backward, AdamW) of both networks in fp32 and under bf16 autocast, interleaved, on tensors in
memory. `resolve.settle` chooses a study's precision by this. A ratio above 1: bf16 is faster.

    python benchmarks/precision.py [--threads 1] [--rounds 7]
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch
from torch.nn import functional as F

from _shim import machine
from secateur.models.build import build

CASES = (("cnn", 32, 32), ("cnn", 64, 32), ("tf_efficientnet_lite0", 128, 32), ("resnet18", 128, 32))


def step_of(backbone: str, px: int, n: int) -> Callable[[bool], None]:
    model: Any = build(backbone, 10, px).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    x = torch.rand(n, 3, px, px).contiguous(memory_format=torch.channels_last)
    y = torch.arange(n) % 10

    def step(low: bool) -> None:
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16) if low else contextlib.nullcontext():
            logits = model(x)
        F.cross_entropy(logits.float(), y).backward()
        optimiser.step()

    return step


def seconds(step: Callable[[bool], None], low: bool) -> float:
    begin = perf_counter()
    step(low)
    return perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(machine())
    for backbone, px, n in CASES:
        step = step_of(backbone, px, n)
        step(False), step(True)
        pairs = [(seconds(step, False), seconds(step, True)) for _ in range(given.rounds)]
        ratios = sorted(plain / low for plain, low in pairs)
        print(
            f"{backbone} at {px} px, batch {n}, {given.threads} thread(s): bf16 {statistics.median(ratios):.2f}× "
            f"[{ratios[0]:.2f}, {ratios[-1]:.2f}] as fast as fp32 over {given.rounds} rounds"
        )


if __name__ == "__main__":
    main()
