"""How often test photos were opened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """One plan, or one file, that test photos were shown to for the first time."""

    plan: str  # its key: the same plan again is no further look
    who: str  # "run animals10", "evaluate dense.onnx"
    date: str  # ISO


@dataclass(frozen=True, slots=True)
class Opened:
    """The ledger of one set of test photos."""

    photos: tuple[str, ...]  # the first digits of their contents' sha256s, sorted
    looks: tuple[Look, ...]
    damaged: bool = False  # a ledger before this one could not be read: there were at least so many


@dataclass(frozen=True, slots=True)
class Looks:
    """What the ledgers say of the test photos of one split."""

    digest: str  # of these photos
    photos: int
    plan: str  # that asks
    plans: int  # different ones that opened all of these photos
    place: int = 0  # of this plan among them, by time; 0: it is not among them
    partly: tuple[float, ...] = ()  # of each further plan, the share of these photos that it opened; the most first
    damaged: bool = False  # a ledger could not be read: at least so many
