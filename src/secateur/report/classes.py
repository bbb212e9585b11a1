"""What a smaller network costs its classes, in sentences; pure. No class of which too little is known is said to be
unharmed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from secateur.records import ClassChange, Comparison, Paid
from secateur.report.formats import NARROW, difference, plural

NAMED = 3  # classes
SURE = f"90{NARROW}%"  # the power that `ClassChange.needed` is counted for


def certainly_lost(high: float | None, p: float | None) -> bool:
    """Both say so: the class's own interval, and its p-value after Holm over the classes."""
    return high is not None and high < 0 and p is not None and p < 0.05


def lost(paid: Paid) -> list[ClassChange]:
    """The classes that certainly lose, the most first."""
    changes = sorted(paid.classes, key=lambda c: c.change.difference.value)
    return [c for c in changes if certainly_lost(c.change.difference.high, c.change.p_value)]


def sentences(paid: Paid, overall: Comparison | None) -> tuple[str, ...]:
    """A loss over all photos first, then classes that lose, then those that cannot be told, then the others.

    `overall`: the network against what its classes are held against.
    """
    lines = []
    if overall and overall.verdict == "worse":
        lines.append(f"Worse than dense over all classes: {difference(overall.difference)}.")
    losing = lost(paid)
    if losing:
        rest = f" and {len(losing) - NAMED} more" if len(losing) > NAMED else ""
        lines.append(f"Recall falls for {', '.join(_one(c) for c in losing[:NAMED])}{rest}.")
    others = [c for c in paid.classes if c not in losing]
    return tuple(lines + _unseen(others, len(paid.classes), bool(losing))) or ("No class was looked at.",)


def _unseen(others: Sequence[ClassChange], family: int, some: bool) -> list[str]:
    """Of the classes that are not seen to lose."""
    few = [c for c in others if c.needed and c.needed > c.n]
    noisy = [c for c in others if c.needed is None]
    unknown = [c for c in others if c.needed == 0]
    enough = [c for c in others if c.needed and c.needed <= c.n]
    lines = []
    if few:
        lines.append(f"{_of(few, family, some)}too few photos a class to tell: {_would_do(few)}.")
    if noisy:
        lines.append(f"{_of(noisy, family, some)}too few seeds to tell: more photos alone would not do.")
    if enough:
        which = ("other class" if some else "class") if len(enough) == len(others) else "class with photos enough"
        most = min(enough, key=lambda c: c.change.difference.value)
        lines.append(f"No {which} was seen to lose (Holm over {family} classes); the most, {_one(most)}.")
    if unknown:
        other = "other " if some else ""
        lines.append(f"No {other}loss is shown; how many photos a class would show one was not counted.")
    return [line[:1].upper() + line[1:] for line in lines]


def _of(which: Sequence[ClassChange], family: int, some: bool) -> str:
    """'' for all, 'Of the others, ' beside those that lose, else their names."""
    if len(which) == family:
        return ""
    if some and len(which) > NAMED:
        return f"Of {plural(len(which), 'other')}, "
    more = f" and {len(which) - NAMED} more" if len(which) > NAMED else ""
    return f"Of {', '.join(c.name for c in which[:NAMED])}{more}, "


def _would_do(few: Sequence[ClassChange]) -> str:
    margin = few[0].change.margin
    have, need = [c.n for c in few], [c.needed or 0 for c in few]
    loss = f"{margin:g} point" + ("" if margin == 1 else "s")
    least, most = about(min(need)), about(max(need))
    would = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    there = f"{min(have):,}" if min(have) == max(have) else f"{min(have):,} to {max(have):,}"
    return f"{there} in the test, and about {would} would show a loss of {loss} in {SURE} of all test sets"


def about(photos: int) -> int:
    """Two digits, rounded up: more would be a claim.

    >>> about(10030), about(61), about(7)
    (11000, 61, 7)
    """
    digit = int(10 ** max(0, len(str(photos)) - 2))
    return math.ceil(photos / digit) * digit


def _one(change: ClassChange) -> str:
    return f"{change.name} {difference(change.change.difference)}"
