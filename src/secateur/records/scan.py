"""Each layer pruned alone: which can give, and how much."""

from __future__ import annotations

from dataclasses import dataclass, field

from secateur.records.numbers import Measured


@dataclass(frozen=True, slots=True)
class ScanPoint:
    """A layer or group at one sparsity, all else as it was."""

    sparsity: float
    loss: Measured  # rise of the mean cross-entropy
    accuracy: Measured  # change, in points


@dataclass(frozen=True, slots=True)
class ScanLayer:
    """A curve."""

    name: str
    size: int  # weights, or channels
    points: tuple[ScanPoint, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """Of one network and method, on validation photos."""

    config: str  # what was scanned: "cnn/dense"
    method: str
    photos: int
    loss: float  # of the network as it is
    accuracy: float
    layers: tuple[ScanLayer, ...]
    whole: dict[str, str] = field(default_factory=dict)  # what was not scanned, and why
    seconds: float = 0.0
    stages: int = 1  # of the chain whose beginnings were shared
