"""Photos that the study of a model had as well: byte for byte, nearly, or tied to them by the study's own rules.

What may not stand on two sides of a split is no new test of a network either, so it is told by the same rules: likeness
by `data.duplicates`, bursts and places by the study's `group_by`.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from secateur.data.duplicates import like_theirs
from secateur.data.facts import Facts
from secateur.data.index import read_index
from secateur.errors import UserError
from secateur.files import read
from secateur.grouped import Rule, parse
from secateur.names import nfc
from secateur.prepare import FACTS, learnt
from secateur.records import Snapshot
from secateur.store import Store

SAME, NEAR, BURST = "the same file", "nearly the same picture", "the same burst"
NEAR_RULE = "near-duplicates"


@dataclass(frozen=True, slots=True)
class Overlap:
    """Of the photos of a folder with those of a study."""

    known: bool = False  # whether the study's list of photos is at hand
    how: Mapping[str, str] = field(default_factory=dict)  # path here → SAME, NEAR or BURST
    theirs: tuple[str, ...] = ()  # sha256 of the study's photos that were met
    places: tuple[tuple[str, int], ...] = ()  # (rule, other photos that it ties to the study's)
    unknown: tuple[str, ...] = ()  # what could not be looked at, and why


def overlap(here: Snapshot, facts: Mapping[str, Facts], digest: str, homes: Iterable[Path]) -> Overlap:
    """`facts`: of the photos here, by path. `digest`: of the study's snapshot, which is looked for in the stores under
    `homes`."""
    found = _kept(digest, homes) if digest else None
    if found is None:
        return Overlap()
    folder, kept = found
    known = read_index(folder / FACTS) or learnt(kept, Store(folder.parents[2]))
    whose = {p.sha256: p.sha256 for p in kept.photos}
    how = {p.path: SAME for p in here.photos if p.sha256 in whose}
    theirs = {p.sha256 for p in here.photos if p.sha256 in whose}
    rest = [p for p in here.photos if p.path not in how and p.path in facts]
    seen = [p for p in kept.photos if p.path in known]
    if rest and seen:
        at = like_theirs(
            _hashes(facts, [p.path for p in rest]),
            _thumbs(facts, [p.path for p in rest]),
            _hashes(known, [p.path for p in seen]),
            _thumbs(known, [p.path for p in seen]),
            kept.hamming_bound,
        )
        how |= {p.path: NEAR for p, i in zip(rest, at.tolist(), strict=True) if i >= 0}
        theirs |= {seen[i].sha256 for i in at.tolist() if i >= 0}
    unknown: tuple[str, ...] = (
        () if len(seen) == len(kept.photos) else ("what its photos look like was not kept: only equal files are found",)
    )
    rules = [parse(tie.rule) for tie in kept.ties if tie.rule != NEAR_RULE]
    ours = {p.path: facts[p.path] for p in here.photos if p.path in facts}
    places = []
    for rule in rules:
        if rule.kind == "burst" and not any(fact.taken for fact in known.values()):
            unknown += (f"rule '{rule}' of its study: when its photos were taken was not kept",)
        elif rule.kind == "burst":
            how |= {path: BURST for path in _bursts(rule, ours, known) if path not in how}
        elif rule.kind == "column":
            unknown += (f"rule '{rule}' of its study, which ties photos by a column of its labels",)
        else:
            those = {_place(rule, p.path) for p in kept.photos} - {""}
            places.append((str(rule), sum(_place(rule, p.path) in those for p in here.photos if p.path not in how)))
    return Overlap(True, how, tuple(sorted(theirs)), tuple(row for row in places if row[1]), unknown)


def _kept(digest: str, homes: Iterable[Path]) -> tuple[Path, Snapshot] | None:
    for home in homes:
        for file in sorted(home.glob(".store/snapshot/*/snapshot.json")):
            try:
                kept = read(Snapshot, file)
            except UserError:
                continue
            if kept.digest == digest:
                return file.parent, kept
    return None


def _hashes(facts: Mapping[str, Facts], paths: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.array([facts[path].phash for path in paths], np.uint64)


def _thumbs(facts: Mapping[str, Facts], paths: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.frombuffer(b"".join(facts[path].thumb for path in paths), np.uint8).reshape(len(paths), -1)


def _bursts(rule: Rule, ours: Mapping[str, Facts], theirs: Mapping[str, Facts]) -> set[str]:
    """Photos here in a burst with one of the study's. Times that were not written tie nothing."""
    rows = [(*key, path, mine) for mine, facts in ((True, ours), (False, theirs)) for path, key in _taken(rule, facts)]
    found: set[str] = set()
    burst: list[tuple[str, datetime.datetime, str, bool]] = []
    for row in sorted(rows):
        if burst and (row[0] != burst[-1][0] or (row[1] - burst[-1][1]).total_seconds() > rule.seconds):
            found |= _ours(burst)
            burst = []
        burst.append(row)
    return found | _ours(burst)


def _ours(burst: Sequence[tuple[str, datetime.datetime, str, bool]]) -> set[str]:
    mixed = len({mine for _, _, _, mine in burst}) == 2
    return {path for _, _, path, mine in burst if mine} if mixed else set()


def _taken(rule: Rule, facts: Mapping[str, Facts]) -> Iterable[tuple[str, tuple[str, datetime.datetime]]]:
    """path, (camera, time)."""
    for path, fact in facts.items():
        within = rule.within if rule.within and rule.within.kind != "column" else None
        camera = _place(within, path) if within else fact.camera
        try:
            time = datetime.datetime.fromisoformat(fact.taken) if fact.taken else None
        except ValueError:  # a clock that was never set says year 0
            time = None
        if time and (camera or not within):
            yield path, (camera, time)


def _place(rule: Rule, path: str) -> str:
    """What a rule on paths says of one; "" where nothing."""
    path = nfc(path)
    if rule.kind == "regex":
        match = re.search(nfc(rule.value), path)
        return "\0".join(group or "" for group in match.groups()) or match[0] if match else ""
    folders = PurePosixPath(path).parts[:-1]
    if abs(rule.level) > len(folders):
        return ""
    return "/".join(folders[: rule.level] if rule.level > 0 else folders[: len(folders) + rule.level + 1])
