"""Classes merged, renamed or dropped by a table; classes whose names are probably the same, named."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence

from secateur.data.listing import Listing
from secateur.data.reasons import commonest
from secateur.errors import NotKnown, UserError
from secateur.names import nfc
from secateur.names import plain as plain
from secateur.records import Problem


def relabel(listing: Listing, table: Sequence[tuple[str, str]], least: int = 2) -> Listing:
    """A listing whose classes have the names that the table gives them; several may get the same one, and "" drops.

    Names are not looked up again: with {a: b, b: c} what was called a is called b. Raises NotKnown for a class that the
    listing does not have, UserError where fewer than `least` are left.
    """
    wanted = {nfc(name): nfc(new) for name, new in table}
    known = {nfc(name) for name in listing.classes}
    for name in wanted:
        if name not in known:
            raise NotKnown("class in `classes`", name, known)
    gone: Counter[str] = Counter()
    files = []
    for path, name, part in listing.files:
        new = wanted.get(nfc(name), name)
        if new:
            files.append((path, new, part))
        else:
            gone[name] += 1
    problems = [
        Problem(name, "dropped", f"{n:,} {'photo' if n == 1 else 'photos'}, as the table of classes says")
        for name, n in sorted(gone.items())
    ]
    classes = tuple(sorted({name for _, name, _ in files}))
    if len(classes) < least:
        left = f"only class '{classes[0]}' is" if classes else "no class is"
        why = commonest((*listing.problems, *problems))
        raise UserError(f"{left} left under {listing.root}; at least two are needed{why}")
    problems += alike(classes)
    return dataclasses.replace(listing, classes=classes, files=tuple(files), problems=(*listing.problems, *problems))


def alike(classes: Iterable[str]) -> list[Problem]:
    """Names that differ in case, spaces, hyphens or underscores alone."""
    groups: dict[str, list[str]] = {}
    for name in classes:
        groups.setdefault(plain(name), []).append(name)
    found = []
    for first, *others in (sorted(g) for g in groups.values()):
        for name in others:
            why = f'probably the same class as \'{first}\'; to merge them: classes = {{ "{name}" = "{first}" }}'
            found.append(Problem(name, "two names", why, left_out=False))
    return found
