"""Do a network's probabilities mean what they say?"""

from __future__ import annotations

from dataclasses import dataclass

from secateur.records.numbers import Measured


@dataclass(frozen=True, slots=True)
class Bin:
    """Photos whose first answer was given with about the same probability."""

    low: float  # probabilities from here …
    high: float  # … to here
    n: int
    confidence: float  # their mean probability
    accuracy: Measured  # the share of them that was right


@dataclass(frozen=True, slots=True)
class Reliability:
    """Of one file on the test photos."""

    bins: tuple[Bin, ...]  # those that hold a photo
    ece: Measured  # expected calibration error, fraction
