"""Photos: what a folder holds, and how it is dealt."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from secateur import catalogue, prepare
from secateur.api.telling import telling
from secateur.records import Snapshot, Split
from secateur.study_file import make

Place = str | Path
READING = (
    *("labels", "path_column", "label_column", "time_column", "date_order", "label_level", "classes", "empty"),
    *("rare_below", "keep_rare", "group_by", "keep_damaged"),
)


def scan(
    folder: Place,
    *,
    labels: Place = "",
    classes: str | Mapping[str, str] | None = None,
    group_by: str | Sequence[str] = (),
    empty: str = "",
    rare_below: int = 0,
    keep_rare: bool = True,
    keep_damaged: bool = False,
    path_column: str = "",
    label_column: str = "",
    label_level: int = 0,
    time_column: str = "",
    date_order: Literal["", "day", "month"] = "",
    runs: Place = "runs",
    progress: bool | None = None,
) -> Snapshot:
    """What a folder of photos holds: classes, photos, groups, and every problem with its reason. Nothing in the folder
    is touched, and a second scan reads only what changed.

    Args:
        folder: class folders of photos; or photos in any depth, if `labels` says what is on them.
        labels: a CSV with a path and a label a row, or COCO-CameraTraps JSON. Paths are relative to the folder.
        classes: class as found → as wanted; several may get one name, and "" drops a class. Or as words:
            "hare=lagomorph,human=".
        group_by: rules for photos that belong together, such as "folder:1", "regex:cam\\\\d+", "column:sequence" or
            "burst:60s"; see the guide on your own photos.
        empty: the class of photos with a blank label; without it they are listed and left out.
        rare_below: classes with fewer usable photos are listed, and left out unless `keep_rare`.
        path_column, label_column, time_column: of a CSV; two are put together as "genus + species". Found by their
            usual names if not set, the label among ranks of a taxonomy as the finest that nearly all rows know; what
            was taken stands in the snapshot's `taken`.
        date_order: what stands first in 03/05/2021, "day" or "month"; "": as the dates of its column allow, else the
            day.
        label_level: which folder of the path is the label: 1 the first, -1 the photo's own; 0: the first that is no
            train, val or test.
        keep_damaged: use photos of which rows are missing; they are listed all the same.
        runs: folder that keeps what was read.
        progress: a bar; None: on a terminal or in a notebook.

    Returns:
        The photos in the order of (label, sha256), with their classes, groups and problems.

    Raises:
        UserError: no such folder, no photos, fewer than two classes, labels that cannot be read, a rule that says
            nothing of any photo.
        NotKnown: a class, column or rule that is not there.
    """
    asked = {
        "labels": str(labels),
        "path_column": path_column,
        "label_column": label_column,
        "label_level": label_level,
        "time_column": time_column,
        "date_order": date_order,
        "classes": classes if isinstance(classes, str) else dict(classes or {}),
        "empty": empty,
        "rare_below": rare_below,
        "keep_rare": keep_rare,
        "keep_damaged": keep_damaged,
        "group_by": group_by if isinstance(group_by, str) else list(group_by),
    }
    reading = prepare.reading(make(asked, "secateur.scan"))
    with telling(progress) as told:
        told.began("reading the photos", 0, 0)
        found: Snapshot = catalogue.load("secateur.data.scan:scan")(
            Path(folder),
            index=_index(Path(folder), Path(runs)),
            reading=reading,
            progress=lambda done, total: told.progress(done, total, "photos"),
        )
    return found


def split(
    snapshot: Snapshot,
    *,
    rule: str = "",
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15),
    seed: int = 0,
) -> Split:
    """The photos on three sides: training, validation, test. What belongs together stands on one side.

    Args:
        snapshot: what `scan` found.
        rule: "" is "folders" where train, val and test folders, or a column, say so of every photo and no other rule
            ties photos; else "stratified". Others: "folders", "stratified", "random" (tears groups apart: it claims too
            much), or the original study's "study-cnn" and "study-transfer".
        fractions: of training, validation and test; they add up to 1.
        seed: order by chance is a hash of it and the photo: one new photo moves no other.

    Returns:
        Positions into `snapshot.photos`.

    Raises:
        UserError: fractions that do not add up, a class with too few photos or groups for three sides.
        NotKnown: the rule.
    """
    rule = rule or usual_rule(snapshot)
    found: Split = catalogue.load("secateur.data.split:split")(snapshot, rule=rule, fractions=fractions, seed=seed)
    return found


def usual_rule(snapshot: Snapshot) -> str:
    """As the photos' own parts say, unless something else says what belongs together."""
    parts = {p.part for p in snapshot.photos}
    own = "train" in parts and len(parts) > 1 and "" not in parts
    return "folders" if own and len(snapshot.ties) < 2 else "stratified"


def _index(folder: Path, runs: Path) -> Path:
    file = runs / ".store" / "index" / f"{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:24]}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as a study file would hold them: paths as words, tuples as lists."""
    return {k: str(v) if isinstance(v, Path) else list(v) if isinstance(v, tuple) else v for k, v in settings.items()}
