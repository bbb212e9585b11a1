"""What exported files cost where they run: time, memory, energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from secateur.records.numbers import Machine, Measured

Speed = Literal["reference", "control", "faster", "slower", "no measurable change"]


@dataclass(frozen=True, slots=True)
class Way:
    """How a file is run."""

    threads: int
    batch: int  # photos at a time


@dataclass(frozen=True, slots=True)
class Timing:
    """One file, run in one way."""

    model: str  # a Candidate's name
    way: Way
    median: Measured  # ms a call
    p95: Measured  # ms
    speedup: Measured  # of the reference's time; the reference: 1. Its interval holds that of `first`
    verdict: Speed
    photos_per_second: float
    first: Measured | None = None  # the speed-up of calls that came after other files' calls, not after their own


@dataclass(frozen=True, slots=True)
class LayerTime:
    """Where the time of one file goes, on one thread at batch 1, by the run-time's own profiler."""

    layer: str  # "body.blocks.1.0.conv_dw"; "" for what belongs to no layer
    ops: tuple[str, ...]  # what the run-time made of it
    microseconds: float  # median over calls


@dataclass(frozen=True, slots=True)
class Peak:
    """Memory of a fresh process that loads a file and predicts once. Bytes."""

    resident: Measured  # peak resident set, less that of the same process without a model
    process: int  # the whole process's
    empty: int  # the same without a model


@dataclass(frozen=True, slots=True)
class UnderLimit:
    """Does the file run where memory and processors are fewer?"""

    memory_bytes: int
    cpus: int
    how: str  # "cgroup" or "RLIMIT_DATA"
    runs: bool
    why_not: str = ""
    median: Measured | None = None  # ms a call, batch 1


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that was measured."""

    name: str
    sha256: str  # of the file's bytes: what a report knows it by
    bytes: int
    runtime: str  # "onnxruntime", "openvino", "litert", "executorch"
    input_px: int
    load_ms: float
    peak: Peak | None = None
    limited: UnderLimit | None = None
    energy: Measured | None = None  # joules a photo, batch 1
    layers: tuple[LayerTime, ...] = ()


@dataclass(frozen=True, slots=True)
class Bench:
    """Files measured beside each other on one machine."""

    machine: Machine
    date: str  # ISO
    label: str  # what people call this machine: "Raspberry Pi 4, kitchen"
    reference: str  # a Candidate's name
    candidates: tuple[Candidate, ...]
    timings: tuple[Timing, ...]
    rounds: int
    processes: int  # fresh ones a file and number of threads
    seconds: float  # that the whole took
    doubts: tuple[str, ...]
    left_out: tuple[str, ...]  # what was not measured, and why
