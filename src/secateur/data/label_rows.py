"""What a file of labels says, row by row, and the words in it. No photo is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from secateur.records import Problem, Taken

NOTHING = frozenset(
    {"", "na", "n/a", "#n/a", "nan", "null", "no cv result"}
)  # R, Excel, pandas, SQL, Wildlife Insights


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One photo as the file names it; every word in NFC."""

    path: str
    label: str  # "" where it says none
    where: str  # in the file: "line 7"
    part: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)  # all that the row says, for rules on columns
    time: str = ""  # "2021-05-03 17:20:11"; "" where it says none that can be read
    clock: str = ""  # as the file writes it
    odd: str = ""  # why nothing that the file says of it can be used


@dataclass(frozen=True, slots=True)
class LabelFile:
    """All rows of one file."""

    rows: tuple[LabelRow, ...]
    columns: tuple[str, ...]  # that a rule may name
    taken: Taken
    problems: tuple[Problem, ...] = ()
    doubtful: tuple[str, ...] = ()  # columns of one name that say different things


def says(cell: str) -> str:
    """The cell, or "" where what it says is that nothing is known."""
    word = cell.strip()
    return "" if word.casefold() in NOTHING else word
