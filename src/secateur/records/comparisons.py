"""Two configurations on the same test photos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from secateur.records.numbers import Measured

Verdict = Literal["better", "as good as", "worse", "not shown"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A paired difference in test accuracy between two configurations: subject minus against."""

    subject: str  # config
    against: str  # config
    difference: Measured  # points
    margin: float  # points
    verdict: Verdict  # "as good as": the low end lies above −margin; "not shown": undecided at the margin
    p_value: float | None = None  # McNemar, Holm-adjusted over the table
    photos_needed: int | None = None  # test photos that would decide at this margin, where these do not
