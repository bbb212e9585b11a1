"""Files in other forms than the one that a study measures."""

from __future__ import annotations

from dataclasses import dataclass

from secateur.records.models import Parity


@dataclass(frozen=True, slots=True)
class Converted:
    """One that was written."""

    format: str  # as the catalogue names it
    bytes: int  # of all files that it is made of
    error: float = 0.0  # the largest difference of a weight, over the largest weight of its tensor


@dataclass(frozen=True, slots=True)
class Exported:
    """One that a study asked for; it may have failed."""

    config: str
    seed: int
    format: str
    bytes: int = 0
    parity: Parity | None = None
    why: str = ""  # it was not made, or does not answer as it should
