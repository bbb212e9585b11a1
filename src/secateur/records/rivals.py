"""What a pruned network must beat: dense networks that take as long or are as small, and its own shape without what it
learnt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from secateur.records.numbers import Measured


@dataclass(frozen=True, slots=True)
class Rival:
    """For what validation chose of one method."""

    backbone: str
    method: str  # the id of the method's choice
    config: str  # what was chosen
    why_none: str = ""  # in words, where it is not worth any
    px: int = 0  # side of the photos at which dense takes as long; 0: none
    px_ratio: Measured | None = None  # the cut file's time over dense's at that side: 1 is equal
    narrow: float = 0.0  # part of dense's multiply-adds in a uniformly narrower network that takes as long; 0: none
    narrow_ratio: Measured | None = None
    timed: bool = True  # were networks looked for that take as long? Zeros take as long as dense
    small: float = (
        0.0  # part of dense's parameters in a uniformly narrower network of as many bytes; 0: none of its own
    )
    small_like: Literal["", "scratch", "narrow"] = ""  # the other rival that has as many bytes, where one has
    doubts: tuple[str, ...] = ()
