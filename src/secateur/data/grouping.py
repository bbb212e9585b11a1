"""Photos that a rule says belong together: one folder, what a pattern finds, a column of the label file, a burst."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from secateur.data.facts import Facts
from secateur.data.label_rows import says
from secateur.data.listing import Listing, Note
from secateur.errors import NotKnown, UserError
from secateur.grouped import Rule, parse
from secateur.names import nfc
from secateur.records import Photo, Problem, Tie

NEAR = "near-duplicates"
Keys = list[str | None]  # a photo each; None: alone


def tied(
    photos: Sequence[Photo],
    rules: Sequence[str],
    listing: Listing,
    facts: Mapping[str, Facts],
    problems: list[Problem],
) -> tuple[tuple[Photo, ...], tuple[Tie, ...]]:
    """The photos with group numbers in which every rule's ties are joined to those of near-duplicates; and what each
    rule tied together by itself.

    A photo that a rule says nothing of stays alone, and is listed. Raises UserError for a rule that says nothing of any
    photo, NotKnown for a column that is not there.
    """
    near = np.array([p.group for p in photos], np.int64)
    every = [(NEAR, near)]
    for rule in map(parse, rules):
        every.append((str(rule), _numbered(rule, photos, listing, facts, problems)))
    ties = tuple(_tie(name, numbers, photos) for name, numbers in every)
    if len(every) == 1:
        return tuple(photos), ties
    joined = _joined([numbers for _, numbers in every])
    first: dict[int, int] = {}
    groups = [first.setdefault(g, len(first)) for g in joined.tolist()]
    return tuple(dataclasses.replace(p, group=g) for p, g in zip(photos, groups, strict=True)), ties


def _joined(numberings: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    """Two photos share a number if a chain of any numberings' groups leads from one to the other."""
    n = len(numberings[0])
    rows, columns = [], []
    for numbers in numberings:
        order = np.argsort(numbers, kind="stable")
        same = numbers[order[1:]] == numbers[order[:-1]]
        rows.append(order[:-1][same])
        columns.append(order[1:][same])
    a, b = np.concatenate(rows), np.concatenate(columns)
    graph = coo_array((np.ones(len(a), np.int8), (a, b)), shape=(n, n))
    _, label = connected_components(graph, directed=False)
    return np.asarray(label, np.int64)


def _tie(name: str, numbers: npt.NDArray[np.int64], photos: Sequence[Photo]) -> Tie:
    count = Counter(numbers.tolist())
    largest, n = max(count.items(), key=lambda item: (item[1], -item[0]), default=(0, 0))
    several = [m for m in count.values() if m > 1]
    example = next((p.path for p, g in zip(photos, numbers.tolist(), strict=True) if g == largest), "")
    return Tie(name, len(several), sum(several), n if n > 1 else 0, example if n > 1 else "")


def _numbered(
    rule: Rule, photos: Sequence[Photo], listing: Listing, facts: Mapping[str, Facts], problems: list[Problem]
) -> npt.NDArray[np.int64]:
    """A number a photo: the same for those that the rule ties together."""
    if rule.kind == "burst":
        keys = _bursts(rule, photos, listing, facts, problems)
    else:
        keys = _keys(rule, photos, listing, problems)
    number: dict[Any, int] = {}
    return np.array([number.setdefault((i,) if k is None else k, len(number)) for i, k in enumerate(keys)], np.int64)


def _keys(rule: Rule, photos: Sequence[Photo], listing: Listing, problems: list[Problem]) -> Keys:
    """What a rule of one photo's own says of each."""
    paths = [nfc(p.path) for p in photos]
    value = nfc(rule.value)
    if rule.kind == "column":
        if not listing.columns:
            raise UserError(f"rule '{rule}' needs a file of labels (--labels) that has the column")
        if value not in listing.columns:
            raise NotKnown("column in `group_by`", value, listing.columns)
        keys: Keys = [says(listing.notes[p.path].columns.get(value, "")) or None for p in photos]
        why = f"nothing in column '{rule.value}'"
    elif rule.kind == "regex":
        pattern = re.compile(value)
        keys, why = [_found(pattern, path) for path in paths], f"'{rule.value}' matches nothing in its path"
    else:
        keys, why = [_folder(path, rule.level) for path in paths], f"its path has no folder {rule.level}"
    if not any(key is not None for key in keys):
        raise UserError(f"rule '{rule}' says nothing of any photo; the first is {photos[0].path}: {why}")
    problems += [
        Problem(p.path, "no group", f"rule '{rule}': {why}; it stays alone", left_out=False)
        for p, key in zip(photos, keys, strict=True)
        if key is None
    ]
    return keys


def _found(pattern: re.Pattern[str], path: str) -> str | None:
    match = pattern.search(path)
    if not match:
        return None
    return "\0".join(group or "" for group in match.groups()) if pattern.groups else match[0]


def _folder(path: str, level: int) -> str | None:
    """Down to that folder: two folders of one name under different ones are two."""
    folders = PurePosixPath(path).parts[:-1]
    if abs(level) > len(folders):
        return None
    return "/".join(folders[:level] if level > 0 else folders[: len(folders) + level + 1])


def _bursts(
    rule: Rule, photos: Sequence[Photo], listing: Listing, facts: Mapping[str, Facts], problems: list[Problem]
) -> Keys:
    """By one camera, at most so many seconds after each other."""
    own: Keys = [facts[p.path].camera for p in photos]
    cameras = _keys(rule.within, photos, listing, problems) if rule.within else own
    notes = [listing.notes.get(p.path) for p in photos]
    times = [_time((note.time if note else "") or facts[p.path].taken) for p, note in zip(photos, notes, strict=True)]
    if not any(times):
        raise UserError(
            f"rule '{rule}': no photo says when it was taken: not in its EXIF data, and {_no_times(listing)}"
        )
    if listing.taken and listing.taken.doubt:
        why = f"read {listing.taken.dates} {listing.taken.doubt}; date_order (--date-order) says which it is"
        problems.append(Problem(f"{listing.taken.file}, column '{listing.taken.time}'", "day or month", why, False))
    keys: Keys = [None] * len(photos)
    order = sorted((c, t, i) for i, (c, t) in enumerate(zip(cameras, times, strict=True)) if t and c is not None)
    burst, before = 0, None
    for camera, time, i in order:
        if before is None or camera != before[0] or (time - before[1]).total_seconds() > rule.seconds:
            burst += 1
        keys[i] = str(burst)
        before = (camera, time)
    problems += [
        Problem(p.path, "no time", f"rule '{rule}': {_no_time(note)}; it stays alone", left_out=False)
        for p, time, note in zip(photos, times, notes, strict=True)
        if time is None
    ]
    return keys


def _no_time(note: Note | None) -> str:
    clock = says(note.clock) if note else ""
    return f"'{clock}' is no time that is understood" if clock else "it does not say when it was taken"


def _no_times(listing: Listing) -> str:
    """Why a file of labels says of no photo when it was taken."""
    taken = listing.taken
    if not taken:
        return "there is no file of labels (--labels) that could say it"
    if not taken.time:
        return f"{taken.file} has no column of times by its usual names: name one with time_column (--time-column)"
    said = f"'{taken.unread}', which is no time that is understood" if taken.unread else "nothing"
    return f"column '{taken.time}' of {taken.file} says {said}"


def _time(words: str) -> datetime.datetime | None:
    """None for a time that no calendar has: a camera's clock that was never set says year 0."""
    try:
        return datetime.datetime.fromisoformat(words) if words else None
    except ValueError:
        return None
