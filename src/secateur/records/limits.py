"""What a device allows, and what fits it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Fits = Literal["meets", "misses", "not measured", "too close to tell"]


@dataclass(frozen=True, slots=True)
class Limits:
    """0: no limit."""

    size_bytes: int = 0  # of the file that is deployed
    latency_ms: float = 0.0  # of one photo on one thread, the median
    memory_bytes: int = 0  # of a whole process that loads the file and predicts once

    def __bool__(self) -> bool:
        return bool(self.size_bytes or self.latency_ms or self.memory_bytes)


@dataclass(frozen=True, slots=True)
class Cost:
    """One figure of one file beside its limit."""

    what: Literal["size", "latency", "memory"]
    value: float | None  # in the limit's unit; None: not measured
    limit: float
    fits: Fits


@dataclass(frozen=True, slots=True)
class Fit:
    """One configuration beside all limits, on one machine."""

    config: str
    costs: tuple[Cost, ...]
    fits: Fits  # the worst of them


@dataclass(frozen=True, slots=True)
class Pick:
    """What to use within the limits on one machine."""

    machine: str  # its label; "" where nothing was timed
    config: str  # "" where nothing is known to fit
    nearest: str  # the configuration that misses by least, where nothing fits
    over: float  # by how much the nearest is over its worst limit: 1.2 is a fifth
    rows: tuple[Fit, ...]  # in the order of the summaries; random pruning is left out
