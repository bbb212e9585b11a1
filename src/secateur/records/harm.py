"""Who pays for a smaller network: classes, photos, calibration, and photos worse than those it was tested on."""

from __future__ import annotations

from dataclasses import dataclass

from secateur.records.numbers import Measured
from secateur.records.results import Comparison


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
    """Do probabilities mean what they say?"""

    bins: tuple[Bin, ...]  # those that hold a photo
    ece: Measured  # expected calibration error, fraction


@dataclass(frozen=True, slots=True)
class RobustnessRow:
    """One kind of corruption at one strength."""

    kind: str
    strength: int  # 1 to 5; 0: the photos as they are
    accuracy: Measured


@dataclass(frozen=True, slots=True)
class Victim:
    """A photo that the dense network gets right and most pruned ones get wrong."""

    position: int  # in Snapshot.photos
    label: int
    wrong: float  # the share of pruned networks that get it wrong
    said: int  # what most of those say instead


@dataclass(frozen=True, slots=True)
class ClassChange:
    """Recall of one class, pruned minus dense."""

    name: str
    n: int  # test photos
    before: float  # the dense network's recall, mean over seeds
    change: Comparison
