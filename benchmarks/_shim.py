"""What both loader benchmarks share: the alternative, the machine, and ratios with their spread."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Callable
from importlib.metadata import version
from time import perf_counter
from typing import Any

from secateur.data.parallel import cores
from secateur.models.torchvision_shim import import_torchvision


def torchvision_parts() -> tuple[Any, Any]:
    """(torchvision.transforms, torchvision.datasets)."""
    vision = import_torchvision()
    return vision.transforms, vision.datasets


def machine() -> str:
    names = ("torch", "torchvision", "pillow", "numpy")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return f"{platform.machine()}, {cores()} cores, Python {platform.python_version()}, {versions}"


def seconds(work: Callable[[], object]) -> float:
    begin = perf_counter()
    work()
    return perf_counter() - begin


def interleaved(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> list[tuple[float, float]]:
    """(ours, theirs) in seconds, a pair a round, the order turned about from round to round; one round
    before them warms the file cache up and is not counted."""
    ours(), theirs()
    pairs = []
    for number in range(rounds):
        if number % 2:
            second, first = seconds(theirs), seconds(ours)
            pairs.append((first, second))
        else:
            first, second = seconds(ours), seconds(theirs)
            pairs.append((first, second))
    return pairs


def told(what: str, pairs: list[tuple[float, float]], photos: int, target: float | None) -> str:
    ratios = sorted(theirs / ours for ours, theirs in pairs)
    mine, other = (1e3 * statistics.median(side) / photos for side in zip(*pairs, strict=True))
    verdict = ""
    if target is not None:
        verdict = f"; target {target}× {'met' if statistics.median(ratios) >= target else 'MISSED'}"
    return (
        f"{what}: {statistics.median(ratios):.2f}× [{ratios[0]:.2f}, {ratios[-1]:.2f}] over {len(pairs)} rounds, "
        f"n = {photos} photos; {mine:.3f} against {other:.3f} ms a photo{verdict}"
    )
