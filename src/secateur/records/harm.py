"""Who pays for a smaller network: classes, photos, and photos worse than those it was tested on."""

from __future__ import annotations

from dataclasses import dataclass

from secateur.records.comparisons import Comparison
from secateur.records.numbers import Measured


@dataclass(frozen=True, slots=True)
class RobustnessRow:
    """One kind of corruption at one strength."""

    kind: str  # "" for the photos as they are
    strength: int  # 1 to 5; 0: the photos as they are
    accuracy: Measured


@dataclass(frozen=True, slots=True)
class Robustness:
    """One exported file on test photos made worse."""

    config: str
    rows: tuple[RobustnessRow, ...]  # the photos as they are first
    mean: Measured  # accuracy over all kinds and strengths, the photos as they are apart
    against: str = ""  # the dense configuration that it is compared with; "" for dense itself
    difference: Measured | None = None  # of the means on the same photos, points


@dataclass(frozen=True, slots=True)
class Victim:
    """A photo that the dense network gets right and most pruned ones get wrong."""

    position: int  # in Snapshot.photos
    label: int
    wrong: float  # the share of pruned networks that get it wrong
    said: int  # what most of those say instead
    path: str = ""  # of the photo, under the folder
    thumbnail: str = ""  # a small JPEG in base64; empty for those that are not shown


@dataclass(frozen=True, slots=True)
class ClassChange:
    """Recall of one class, pruned minus dense."""

    name: str
    n: int  # test photos
    before: float  # the dense network's recall, mean over seeds
    change: Comparison
    # Test photos of the class that would show a loss of the margin in 90 % of all test sets; None: no number would,
    # since seeds differ by more; 0: not counted.
    needed: int | None = 0


@dataclass(frozen=True, slots=True)
class Paid:
    """What one configuration costs each class."""

    config: str
    against: str  # the dense configuration it is compared with
    classes: tuple[ClassChange, ...]


@dataclass(frozen=True, slots=True)
class Churn:
    """Test photos that one network gets right and another gets wrong, a pair of networks at a time: what two trainings
    of the dense network differ by, beside what pruning does."""

    pairs: int  # of dense networks that differ in the seed, each both ways; 0: one seed
    dense: float  # photos, mean over these pairs
    least: int
    most: int
    of_pruned: float  # photos that dense gets right and a pruned network of its seed gets wrong, mean over these


@dataclass(frozen=True, slots=True)
class Harm:
    """What the smaller versions of one network cost, and whom."""

    backbone: str
    paid: tuple[Paid, ...]  # of what validation chose, and of INT8
    victims: tuple[Victim, ...]  # the worst first, as many as are worth looking at
    victims_in_all: int
    dense: int  # networks, over seeds, that got each of them right
    pruned: int  # networks, over seeds, most of which got them wrong
    robustness: tuple[Robustness, ...]  # of the first seed's files
    churn: Churn | None = None  # None: not counted
