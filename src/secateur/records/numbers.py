"""Numbers that never travel alone, and the machine they were made on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """A number never travels alone."""

    value: float
    unit: str  # "fraction", "points", "bytes", "ms", "macs", …
    low: float | None = None  # 95 % interval, in the same unit
    high: float | None = None
    n: int = 1  # what the interval is over: photos, seeds or rounds
    how: str = ""  # "Wilson over photos", "paired t over seeds", "counted", …
    machine: str = ""
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """Where figures were made."""

    cpu: str
    flags: tuple[str, ...]  # the ones that decide speed: avx2, avx512f, avx512_vnni, …
    cores: int  # physical
    threads: int  # used
    memory_bytes: int
    system: str
    versions: dict[str, str]
    device: str = "cpu"
