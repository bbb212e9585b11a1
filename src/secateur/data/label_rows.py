"""What a file of labels says, row by row: a CSV, or the JSON of COCO-CameraTraps. No photo is opened.

COCO-CameraTraps: Beery, Van Horn, Perona, "Recognition in Terra Incognita" (ECCV 2018); its format as LILA BC describes
it (https://github.com/agentmorris/MegaDetector/blob/main/megadetector/data_management/README.md).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from secateur.errors import NotKnown, UserError
from secateur.records import Problem

PATHS = ("path", "filepath", "filename", "file", "relativepath", "imagepath", "image", "img", "photo", "name")
LABELS = ("label", "class", "category", "species", "categoryname", "classname", "commonname", "animal")
PARTS = ("split", "part", "subset", "set")
TIMES = ("datetime", "taken", "timestamp", "date", "time")
FOLDER = "relativepath"  # Timelapse writes the folder and the file's name in two columns
MARKS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One photo as the file names it."""

    path: str
    label: str  # "" where it says none
    where: str  # in the file: "line 7"
    part: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)  # all that the row says, for rules on columns
    time: str = ""


@dataclass(frozen=True, slots=True)
class LabelFile:
    """All rows of one file."""

    rows: tuple[LabelRow, ...]
    columns: tuple[str, ...]  # that a rule may name
    problems: tuple[Problem, ...] = ()


def read_labels(file: Path, path_column: str = "", label_column: str = "") -> LabelFile:
    """The rows of a CSV (comma, semicolon or tab) or of COCO-CameraTraps JSON.

    Raises UserError: a file that cannot be read or is neither, a column that is not there, no rows.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not UTF-8 (byte {error.start}); save it as 'CSV UTF-8'") from error
    found = _coco(file, text) if file.suffix.lower() == ".json" else _csv(file, text, path_column, label_column)
    if not found.rows:
        raise UserError(f"{file} names no photos")
    return found


# ------------------------------------------------------------ CSV


def _csv(file: Path, text: str, path_column: str, label_column: str) -> LabelFile:
    first = text.partition("\n")[0]
    mark = max(MARKS, key=first.count)
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True))
    except csv.Error as error:
        raise UserError(f"{file} is no CSV: {error}") from error
    header = [name.strip() for name in table[0]] if table else []
    at = _column(file, header, path_column, PATHS, "path")
    label = _column(file, header, label_column, LABELS, "label")
    plain = [_plain(name) for name in header]
    folder = plain.index(FOLDER) if FOLDER in plain and plain[at] != FOLDER and not path_column else -1
    if FOLDER in plain and plain[at] == FOLDER and "file" in plain:
        at, folder = plain.index("file"), at
    part = next((plain.index(name) for name in PARTS if name in plain), -1)
    time = next((plain.index(name) for name in TIMES if name in plain), -1)
    rows, problems = [], []
    for number, cells in enumerate(table[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            why = f"{len(cells)} cells instead of {len(header)}"
            problems.append(Problem(f"{file.name}, line {number}", "odd row", why))
            continue
        if not cells[at].strip():
            problems.append(Problem(f"{file.name}, line {number}", "odd row", "names no photo"))
            continue
        above = cells[folder].strip().replace("\\", "/").strip("/") if folder >= 0 else ""
        path = f"{above}/{cells[at].strip()}" if above else cells[at].strip()
        columns = dict(zip(header, (cell.strip() for cell in cells), strict=True))
        said = cells[part].strip() if part >= 0 else ""
        when = cells[time].strip() if time >= 0 else ""
        rows.append(LabelRow(path, cells[label].strip(), f"line {number}", said, columns, when))
    return LabelFile(tuple(rows), tuple(header), tuple(problems))


def _plain(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


def _column(file: Path, header: Sequence[str], asked: str, usual: Sequence[str], what: str) -> int:
    if asked:
        if asked not in header:
            raise NotKnown(f"{what} column of {file.name}", asked, header)
        return header.index(asked)
    plain = [_plain(name) for name in header]
    found = next((plain.index(name) for name in usual if name in plain), -1)
    if found < 0:
        raise UserError(
            f"{file} has no column that looks like a {what}: it has {', '.join(header) or 'none'}; name it with "
            f"{what}_column (--{what}-column)"
        )
    return found


# ------------------------------------------------------------ COCO-CameraTraps


def _coco(file: Path, text: str) -> LabelFile:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file} is no JSON: {error}") from error
    images, annotations, categories = (_list(file, content, key) for key in ("images", "annotations", "categories"))
    names = {_key(file, c, "id", "categories"): str(_need(file, c, "name", "categories")).strip() for c in categories}
    said: dict[str, dict[str, None]] = {}
    problems: dict[str, Problem] = {}
    ids = {_key(file, image, "id", "images") for image in images}
    for annotation in annotations:
        of, category = (_key(file, annotation, key, "annotations") for key in ("image_id", "category_id"))
        if category not in names:
            raise UserError(f"{file}: an annotation of image '{of}' has category {category}, which is not listed")
        if of not in ids:
            problems[of] = Problem(f"{file.name}, image {of}", "no image", "annotated, but not in its images")
        said.setdefault(of, {})[names[category]] = None
    rows = []
    for image in images:
        id = _key(file, image, "id", "images")
        path = str(_need(file, image, "file_name", "images"))
        columns = {key: str(value) for key, value in image.items() if isinstance(value, str | int | float)}
        labels = list(said.get(id, {"": None}))
        rows += [LabelRow(path, name, f"image {id}", "", columns, columns.get("datetime", "")) for name in labels]
    keys = dict.fromkeys(key for row in rows for key in row.columns)
    return LabelFile(tuple(rows), tuple(keys), tuple(problems.values()))


def _list(file: Path, content: Any, key: str) -> list[dict[str, Any]]:
    found = content.get(key) if isinstance(content, dict) else None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise UserError(f"{file} is not COCO-CameraTraps: it needs a list of objects called '{key}'")
    return found


def _need(file: Path, item: Mapping[str, Any], key: str, where: str) -> Any:
    if item.get(key) in (None, ""):
        raise UserError(f"{file}: an entry of '{where}' has no '{key}'")
    return item[key]


def _key(file: Path, item: Mapping[str, Any], key: str, where: str) -> str:
    return str(_need(file, item, key, where))
