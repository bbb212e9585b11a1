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
    difference: Measured  # points; its 95 % interval is of this comparison alone
    margin: float  # points
    verdict: Verdict  # of the adjusted p-values: with so many comparisons, none of them is wrong in 95 of 100 studies
    p_value: float | None = None  # of no difference, two-sided, Holm-adjusted over the family
    photos_needed: int | None = None  # test photos that would decide with 90 % power, where these do not
    p_as_good: float | None = None  # of a loss of the margin or more, one-sided, Holm-adjusted over the family
    family: int = 1  # comparisons that it was adjusted for
    by_seed: tuple[float, ...] = ()  # the difference of each seed, points, in the order of the seeds
