"""A target in time, and the cut that was found to meet it."""

from __future__ import annotations

from dataclasses import dataclass

from secateur.records.numbers import Measured


@dataclass(frozen=True, slots=True)
class Tried:
    """A cut that was exported and timed."""

    multiple: int  # of which widths are multiples; 1: as they fall
    asked: float  # part of the multiply-adds that was to stay, at most
    macs: float  # part that stayed
    speedup: Measured  # of the dense file's time


@dataclass(frozen=True, slots=True)
class Search:
    """What was tried for one method and target, and what was taken."""

    config: str
    measure: str  # "latency": part of dense's time; "macs": part of its multiply-adds, the fastest of several widths
    target: float  # that part, to be met from below
    found: Tried  # timed again beside dense, longer
    unrounded: Tried | None  # the same multiply-adds, widths as they fall; timed in the same rounds
    tried: tuple[Tried, ...]
    machine: str
    doubts: tuple[str, ...]
