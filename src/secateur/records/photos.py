"""A folder of photos, and how it is dealt."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Photo:
    """One usable photo of a folder."""

    path: str  # relative to the snapshot's root, with forward slashes
    label: int  # position in Snapshot.classes
    sha256: str  # of the file's bytes, hex
    phash: str  # 64-bit difference hash, 16 hex digits
    width: int  # pixels, after EXIF rotation
    height: int
    bytes: int
    group: int  # photos with the same number are near-duplicates, or tied by a rule: never on two sides of a split
    part: str = ""  # "train", "val" or "test" where the folder itself says so


@dataclass(frozen=True, slots=True)
class Depth:
    """What is white in photos of more than eight bits a channel; 0: nothing is known.

    One for all photos of a folder, kept with the models that were trained on it: a camera of 12 bits fills 4,095 of the
    65,535 of a file, and no single photo says so.
    """

    whole: int = 0  # of whole numbers: 255, 1,023, 4,095, 16,383, 65,535, or the largest where it is above those
    floats: float = 0.0  # of floating point: 1, or the largest where it is above that
    inverted: int = 0  # photos in which 0 is white, as their files say

    def __bool__(self) -> bool:
        return self.whole > 0 or self.floats > 0


NO_DEPTH = Depth()


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that is left out, or a thing the user should know about the folder."""

    path: str
    what: str  # the kind, one word or two: "unreadable", "empty", "exact duplicate", "two labels", …
    why: str  # one line
    left_out: bool = True
    files: int = 1  # that it stands for; `path` is one of them


@dataclass(frozen=True, slots=True)
class Tie:
    """What one rule says belongs together, by itself."""

    rule: str  # "near-duplicates", or as `group_by` says it
    groups: int  # of two photos or more
    photos: int  # in those groups
    largest: int  # photos in the largest one
    example: str = ""  # a photo of that one


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken of a file of labels. A column is called as the file calls it; two that were put together are
    "genus + species"."""

    file: str  # its name
    path: str
    label: str
    time: str = ""  # "": no column holds times
    part: str = ""  # train, val or test
    groups: tuple[str, ...] = ()  # that rules on columns name
    others: tuple[tuple[str, int], ...] = ()  # (column, classes): what else could be the label
    root: str = ""  # what was taken for the folder, where the file's paths are another machine's: "D:/survey"
    dates: str = ""  # how 03/05/2021 was read, where there are such: "day first: 03/05/2021 10:00 is 3 May 2021"
    doubt: str = ""  # why that may be wrong
    unread: str = ""  # the first entry of the time column that is no time

    def said(self) -> str:
        """In a line."""
        others = ", ".join(f"'{name}' {n:,} {'class' if n == 1 else 'classes'}" for name, n in self.others)
        words = [f"paths from '{self.path}'" + (f" ('{self.root}' is taken for the folder)" if self.root else "")]
        words += [f"labels from '{self.label}'" + (f" (--label-column for {others})" if others else "")]
        if self.time:
            how = " ".join(filter(None, (self.dates, self.doubt)))
            words += [f"times from '{self.time}'" + (f" ({how})" if how else "")]
        words += [f"parts from '{self.part}'"] if self.part else []
        words += [f"groups from '{name}'" for name in self.groups]
        return f"{self.file}: {'; '.join(words)}"


@dataclass(frozen=True, slots=True)
class Reading:
    """How the photos of a folder get their labels, and which of them belong together.

    The defaults: the label is the class folder's name, and only near-duplicates belong together.
    """

    labels: str = ""  # CSV or COCO-CameraTraps JSON; "": the folders
    path_column: str = ""  # of a CSV; "": found by its usual names
    label_column: str = ""
    time_column: str = ""
    date_order: Literal["", "day", "month"] = ""  # what stands first in 03/05/2021; "": as its column's dates allow
    classes: tuple[tuple[str, str], ...] = ()  # (as found, as wanted); "" drops a class
    empty: str = ""  # the class of photos with a blank label or no annotation; "": listed and left out
    rare_below: int = 0  # classes with fewer usable photos are listed
    keep_rare: bool = True  # False: left out as well
    group_by: tuple[str, ...] = ()  # rules of `secateur.grouped`
    least_classes: int = 2  # one is enough to evaluate a model on
    label_level: int = 0  # folder of the path that is the label: 1 the first, −1 the photo's own; 0: the first, or the
    # one below train/, val/ and test/ folders
    keep_damaged: bool = False  # photos of which rows are missing are listed, and used


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a folder of photos holds. Photos stand in the order of (label, sha256)."""

    root: str
    classes: tuple[str, ...]
    photos: tuple[Photo, ...]
    problems: tuple[Problem, ...] = ()
    hamming_bound: int = 0  # near-duplicates: at most this many bits of the hashes differ
    synthetic: str = ""  # says what drew the pictures, where they are no photos
    ties: tuple[Tie, ...] = ()  # what each rule tied together
    taken: Taken | None = field(default=None, compare=False)  # the same photos are the same, whatever named them
    depth: Depth = NO_DEPTH

    @property
    def digest(self) -> str:
        """Of the contents: moving or renaming retrains nothing, one new photo does, and so does another depth."""
        h = hashlib.sha256()
        h.update("\0".join(self.classes).encode())
        first: dict[int, int] = {}  # group numbers, renumbered by first appearance
        for p in self.photos:
            group = first.setdefault(p.group, len(first))
            h.update(f"\n{p.label} {p.sha256} {group} {p.part}".encode())
        if self.depth.whole not in (0, 65535) or self.depth.floats > 1 or self.depth.inverted:  # else as ever
            h.update(f"\n{self.depth.whole} {self.depth.floats} {self.depth.inverted}".encode())
        return h.hexdigest()

    def counts(self) -> tuple[int, ...]:
        """Photos a class, in the order of `classes`."""
        n = [0] * len(self.classes)
        for p in self.photos:
            n[p.label] += 1
        return tuple(n)


@dataclass(frozen=True, slots=True)
class Split:
    """Positions into Snapshot.photos. Only `evaluate` is ever handed `test`."""

    train: tuple[int, ...]
    val: tuple[int, ...]
    test: tuple[int, ...]
    rule: str
    seed: int
    fractions: tuple[float, float, float] = (0.70, 0.15, 0.15)
