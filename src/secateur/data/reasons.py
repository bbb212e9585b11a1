"""Of many problems the one that explains most, for errors that would otherwise say only that nothing is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from secateur.records import Problem

FOLLOWS = frozenset({"no row", "empty class"})  # from other problems, for the most part


def commonest(problems: Sequence[Problem]) -> str:
    """The commonest kind of problem that left something out, with its number and its first case, to stand behind what
    went wrong: "; which file: 60 times, first IMG_1.JPG: line 2 …". "" where there is none."""
    every = [p for p in problems if p.left_out]
    out = [p for p in every if p.what not in FOLLOWS] or every
    if not out:
        return ""
    (kind, n), *_ = Counter(p.what for p in out).most_common(1)
    example = next(p for p in out if p.what == kind)
    return f"; {kind}: {'' if n == 1 else f'{n:,} times, first '}{example.path}: {example.why}"
