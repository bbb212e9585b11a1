"""Which photos belong together, as people write it: "folder:1", "regex:cam(\\d+)", "column:sequence", "burst:60s within
folder:1". Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from secateur.errors import NotKnown
from secateur.quantities import seconds

Kind = Literal["folder", "regex", "column", "burst"]
KINDS: tuple[Kind, ...] = ("folder", "regex", "column", "burst")
WITHIN = " within "
HELP = (
    "photos that belong together never stand on two sides of the split: 'folder:1' (the first folder of the path; -1 "
    "the last), 'regex:cam\\d+' (what matches in the path; with parentheses, what they hold), 'column:sequence' (of "
    "the label file), 'burst:60s' (taken at most so long after each other by one camera; 'burst:60s within folder:1' "
    "says what one camera is); several rules are joined"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `seconds` and `within` are of bursts alone."""

    kind: Kind
    value: str  # as written: a number, a pattern, a column's name, a time
    level: int = 0  # of "folder": 1 is the first below the root, −1 the photo's own
    seconds: float = 0.0
    within: Rule | None = None

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}" + (f"{WITHIN}{self.within}" if self.within else "")


def parse(text: str) -> Rule:
    """A rule from its words. Raises NotKnown for the kind, ValueError for the rest."""
    kind, colon, value = text.strip().partition(":")
    if not colon:
        raise ValueError(
            f"rule '{text}' needs a value; such as 'folder:1', 'regex:cam\\d+', 'column:site', 'burst:60s'"
        )
    if kind == "exif":  # another word for it
        kind = "burst"
    if kind not in KINDS:
        raise NotKnown("grouping rule", kind, KINDS)
    if kind == "folder":
        return Rule("folder", value, level=_level(text, value))
    if kind == "regex":
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"rule '{text}': no regular expression: {error}") from error
        return Rule("regex", value)
    if not value.strip():
        raise ValueError(f"rule '{text}' names no column" if kind == "column" else f"rule '{text}' needs a time: '60s'")
    if kind == "column":
        return Rule("column", value.strip())
    gap, inside, camera = value.partition(WITHIN)
    within = parse(camera) if inside else None
    if within and within.kind == "burst":
        raise ValueError(f"rule '{text}': a burst lies within a folder, a pattern or a column, not in another burst")
    return Rule("burst", gap.strip(), seconds=_gap(text, gap.strip()), within=within)


def _level(text: str, value: str) -> int:
    try:
        level = int(value)
    except ValueError:
        level = 0
    if level == 0:
        raise ValueError(f"rule '{text}' needs a folder's number: 1 is the first of the path, -1 the photo's own")
    return level


def _gap(text: str, value: str) -> float:
    gap = seconds(value)
    if not gap:
        raise ValueError(f"rule '{text}' needs a time above 0, such as '60s'")
    return float(gap)


def separated(text: str) -> tuple[str, ...]:
    """Several rules of one line: a comma parts them only where another rule begins, since patterns hold commas."""
    return tuple(part.strip() for part in re.split(rf",(?=\s*(?:{'|'.join((*KINDS, 'exif'))}):)", text) if part.strip())
