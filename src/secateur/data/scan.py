"""A folder of photos → a Snapshot: every file read at most once, every problem listed with its reason."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from secateur.data.duplicates import HAMMING_BOUND, near_duplicates, same_bytes
from secateur.data.facts import Facts, read_facts
from secateur.data.grouping import tied
from secateur.data.index import read_index, write_index
from secateur.data.labelled import list_labelled
from secateur.data.listing import Listing, list_folder
from secateur.data.parallel import in_chunks
from secateur.data.reasons import commonest
from secateur.data.relabel import relabel
from secateur.errors import UserError
from secateur.outputs import opened, put
from secateur.records import Depth, Photo, Problem, Reading, Snapshot

if TYPE_CHECKING:
    import pandas

CHUNK = 32  # files a piece of work
FEW = 0.2  # of a folder's photos of more than eight bits: if so few make it deeper, they are named
KEEP_EVERY = 20_000  # photos between two writings of the index: a minute or less of reading
Entry = tuple[str, str, str]  # path, class, part
FOLDERS = Reading()  # labels are class folders; near-duplicates alone belong together
COLUMNS = ("path", "class", "part", "sha256", "phash", "width", "height", "bytes", "group")


def scan(
    folder: Path,
    *,
    index: Path | None = None,
    hamming_bound: int = HAMMING_BOUND,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    synthetic: str = "",
    reading: Reading = FOLDERS,
    learnt: dict[str, Facts] | None = None,
) -> Snapshot:
    """What a folder holds. Broken files are listed and left out; the run goes on without them.

    reading: where labels come from, which classes are merged, dropped or too rare, and which photos belong together.

    index: a file that remembers what was read, by path, size and times; a second scan reads only what
    changed. hamming_bound: near-duplicates differ in at most so many of 64 bits, and look alike (see
    `duplicates`); they are kept and share a group. Exact duplicates are kept once, the same photo under two
    labels is left out altogether. progress: called with (files done, files in all). learnt: is filled with the facts
    of each photo, by path.

    Raises UserError: what `list_folder`, `list_labelled`, `relabel` and `tied` raise, a bound outside [0, 64], no
    usable photos, only one class with usable photos.
    """
    if not 0 <= hamming_bound <= 64:
        raise UserError(f"hamming bound {hamming_bound} is out of range; allowed: 0 to 64 bits")
    listing = listed(folder, reading)
    facts = _facts(listing, index, workers, progress)
    problems = list(listing.problems)
    kept = _usable(listing.files, facts, problems, reading.keep_damaged)
    kept = _once(kept, facts, problems)
    kept = _common(kept, reading, problems)
    classes = _classes(listing, kept, problems, reading.least_classes)
    photos = _photos(classes, kept, facts)
    photos = _grouped(photos, facts, hamming_bound, classes, problems)
    photos, ties = tied(photos, reading.group_by, listing, facts, problems)
    if learnt is not None:
        learnt.update({p.path: facts[p.path] for p in photos})
    taken, depth = listing.taken, _depth(photos, facts, problems)
    return Snapshot(str(listing.root), classes, photos, tuple(problems), hamming_bound, synthetic, ties, taken, depth)


def listed(folder: Path, reading: Reading) -> Listing:
    """The photos of a folder with their labels, by names alone: no photo is opened. Raises UserError."""
    if reading.labels and reading.label_level:
        raise UserError(
            "label_level says which folder is the label; with labels in a file there is none: set one of both"
        )
    if reading.labels:
        found = list_labelled(folder, reading)
    else:
        found = list_folder(folder, reading.least_classes, reading.label_level)
    return relabel(found, reading.classes, reading.least_classes)


def to_csv(snapshot: Snapshot, path: Path) -> None:
    """One line a photo, with the columns of COLUMNS; whole or not at all. Raises UserError."""
    with opened(path, "to_csv") as out:
        if lost := put(out, as_rows(snapshot), end="\n"):
            raise lost


def as_rows(snapshot: Snapshot) -> Iterator[Sequence[Any]]:
    """COLUMNS, then a row a photo."""
    yield COLUMNS
    for photo in snapshot.photos:
        yield _row(snapshot, photo)


def to_frame(snapshot: Snapshot) -> pandas.DataFrame:
    """The same as a data frame. Raises UserError where pandas is not installed."""
    try:
        frames = importlib.import_module("pandas")
    except ImportError as error:
        raise UserError("a data frame needs pandas; install it with: pip install 'secateur[pandas]'") from error
    rows = [_row(snapshot, photo) for photo in snapshot.photos]
    frame: pandas.DataFrame = frames.DataFrame(rows, columns=list(COLUMNS))
    return frame


def _row(snapshot: Snapshot, p: Photo) -> tuple[Any, ...]:
    name = snapshot.classes[p.label]
    return (p.path, name, p.part, p.sha256, p.phash, p.width, p.height, p.bytes, p.group)


def _facts(
    listing: Listing,
    index: Path | None,
    workers: int | None,
    progress: Callable[[int, int], None] | None,
) -> dict[str, Facts]:
    known = read_index(index) if index else {}
    paths = [path for path, _, _ in listing.files]
    facts = {path: known[path] for path in paths if path in known and _unchanged(listing.root / path, known[path])}
    changed = [path for path in paths if path not in facts]
    tell = progress or (lambda done, total: None)
    tell(len(facts), len(paths))

    def read(some: Sequence[str]) -> list[tuple[str, Facts]]:
        return [(path, read_facts(listing.root / path)) for path in some]

    def keep() -> None:
        if index and (changed or len(known) != len(facts)):
            with contextlib.suppress(OSError):  # a full disk, or one that is read only, costs the next scan its time
                write_index(index, {path: f for path, f in facts.items() if f.sha256})

    kept = len(facts)
    try:
        for found in in_chunks(read, changed, CHUNK, workers):
            facts.update(found)
            tell(len(facts), len(paths))
            if len(facts) - kept >= KEEP_EVERY:  # what was read before a kill is not read again
                keep()
                kept = len(facts)
    finally:
        keep()
    return facts


def _unchanged(path: Path, known: Facts) -> bool:
    try:
        now = path.stat()
    except OSError:
        return False
    return (now.st_size, now.st_mtime_ns, now.st_ctime_ns) == (known.file_bytes, known.mtime_ns, known.ctime_ns)


def _usable(
    files: Sequence[Entry], facts: Mapping[str, Facts], problems: list[Problem], keep_damaged: bool
) -> list[Entry]:
    used = {path for path, _, _ in files if not facts[path].what or (keep_damaged and facts[path].read)}
    broken = [(path, facts[path]) for path, _, _ in files if facts[path].what]
    problems += [Problem(path, fact.what, fact.why, left_out=path not in used) for path, fact in broken]
    return [entry for entry in files if entry[0] in used]


def _once(entries: list[Entry], facts: Mapping[str, Facts], problems: list[Problem]) -> list[Entry]:
    """Each photo once. Of copies in several parts the test one stays: that test set is what others report on."""
    rank = {"test": 0, "val": 1}
    ordered = sorted(entries, key=lambda entry: (rank.get(entry[2], 2), entry[0]))
    label = {path: name for path, name, _ in entries}
    kept = set()
    for paths in same_bytes((facts[path].sha256, path) for path, _, _ in ordered).values():
        labels = sorted({label[path] for path in paths})
        if len(labels) > 1:
            why = f"the same photo is labelled {' and '.join(labels)}: {', '.join(paths)}"
            problems += [Problem(path, "two labels", why) for path in paths]
            continue
        kept.add(paths[0])
        problems += [Problem(path, "exact duplicate", f"same bytes as {paths[0]}") for path in paths[1:]]
    return [entry for entry in entries if entry[0] in kept]


def _common(entries: list[Entry], reading: Reading, problems: list[Problem]) -> list[Entry]:
    """Without the photos of classes that are too rare, if they are to be left out; listed they are in any case."""
    count = Counter(name for _, name, _ in entries)
    rare = {name: n for name, n in sorted(count.items()) if n < reading.rare_below}
    why, left_out = f"usable photos; fewer than {reading.rare_below}", not reading.keep_rare
    problems += [Problem(name, "rare class", f"{n} {why}", left_out) for name, n in rare.items()]
    return entries if reading.keep_rare else [entry for entry in entries if entry[1] not in rare]


def _classes(listing: Listing, kept: Sequence[Entry], problems: list[Problem], least: int) -> tuple[str, ...]:
    count = dict.fromkeys(listing.classes, 0)
    for _, name, _ in kept:
        count[name] += 1
    rare = {p.path for p in problems if p.what == "rare class" and p.left_out}
    problems += [
        Problem(name, "empty class", "no usable photo in this class; left out")
        if n == 0
        else Problem(name, "single photo", "a class needs at least 3 photos to be split", left_out=False)
        for name, n in count.items()
        if n < min(2, least) and name not in rare
    ]
    classes = tuple(name for name, n in count.items() if n)
    if len(classes) < least:
        left = f"only class '{classes[0]}' has usable photos" if classes else "no usable photos"
        need = "; at least two classes are needed" if least > 1 else ""
        raise UserError(f"{left} under {listing.root}{need}{commonest(problems)}")
    return classes


def _photos(classes: Sequence[str], kept: Sequence[Entry], facts: Mapping[str, Facts]) -> tuple[Photo, ...]:
    label = {name: i for i, name in enumerate(classes)}
    photos = [
        Photo(path, label[name], f.sha256, f"{f.phash:016x}", f.width, f.height, f.file_bytes, 0, part)
        for path, name, part in kept
        for f in (facts[path],)
    ]
    return tuple(sorted(photos, key=lambda p: (p.label, p.sha256)))


def _depth(photos: Sequence[Photo], facts: Mapping[str, Facts], problems: list[Problem]) -> Depth:
    """Of the folder: all of its photos fit. The few that alone make it deeper are named, since the rest turn dark."""
    needs = [facts[p.path].needs for p in photos]
    whole = max((d.whole for d in needs), default=0)
    found = Depth(whole, max((d.floats for d in needs), default=0.0), sum(d.inverted for d in needs))
    own = {p.path: facts[p.path].whole for p in photos if facts[p.path].whole}
    most = [path for path, white in own.items() if white == found.whole]
    rest = max((white for white in own.values() if white < found.whole), default=0)
    if rest and len(most) <= FEW * len(own):
        why = f"{len(own) - len(most):,} photos stay under {rest + 1:,}, and are dark at {found.whole:,} as white"
        problems += [Problem(path, "deeper than the others", why, left_out=False) for path in most]
    return found


def _grouped(
    photos: tuple[Photo, ...],
    facts: Mapping[str, Facts],
    bound: int,
    classes: Sequence[str],
    problems: list[Problem],
) -> tuple[Photo, ...]:
    hashes = np.array([facts[p.path].phash for p in photos], np.uint64)
    thumbs = np.frombuffer(b"".join(facts[p.path].thumb for p in photos), np.uint8).reshape(len(photos), -1)
    leader = near_duplicates(hashes, thumbs, bound)
    number: dict[int, int] = {}  # in the order of first appearance
    for i, first in enumerate(leader.tolist()):
        number.setdefault(first, len(number))
        if first != i:
            other = photos[first]
            bits = int(np.bitwise_count(hashes[i] ^ hashes[first]))
            under = "" if other.label == photos[i].label else f", which is labelled {classes[other.label]}"
            why = f"{bits} of 64 bits from {other.path}{under}; kept on the same side of a split"
            problems.append(Problem(photos[i].path, "near-duplicate", why, left_out=False))
    groups = [number[first] for first in leader.tolist()]
    return tuple(dataclasses.replace(p, group=g) for p, g in zip(photos, groups, strict=True))
