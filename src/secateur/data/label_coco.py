"""The rows of COCO-CameraTraps JSON.

Beery, Van Horn, Perona, "Recognition in Terra Incognita" (ECCV 2018); its format as LILA BC describes it
(https://github.com/agentmorris/MegaDetector/blob/main/megadetector/data_management/README.md). Surveys that were joined
by hand count their images or categories from 0 twice: an id that means two things means nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from secateur.data.clocks import times
from secateur.data.label_rows import LabelFile, LabelRow, says
from secateur.errors import NotKnown, UserError
from secateur.names import nfc
from secateur.records import Problem, Reading, Taken

TIMES = ("datetime", "date_captured", "datetime_original", "timestamp", "date_time")
LISTS = ("images", "annotations", "categories")


def read_coco(file: Path, text: str, reading: Reading) -> LabelFile:
    """Images whose id another image has are problems: what is annotated of them cannot be told.

    Raises UserError: no JSON, another format, an id of two categories, a name that stands twice in one object.
    """
    content = _json(file, text)
    images, annotations, categories = (_list(file, content, name) for name in LISTS)
    problems: list[Problem] = []
    names = _names(file, categories, problems)
    shared = _shared(file, images)
    said = _said(file, annotations, names, {_key(file, image, "id", "images") for image in images}, problems)
    time = _time_key(file, images, reading)
    read = times([str(image.get(time) or "") for image in images], reading.date_order)
    rows = []
    for image, when in zip(images, read.times, strict=True):
        id, path = _key(file, image, "id", "images"), nfc(str(_need(file, image, "file_name", "images")))
        columns = {nfc(key): nfc(str(value)) for key, value in image.items() if isinstance(value, str | int | float)}
        clock = str(image.get(time) or "")
        odd = _odd(file, id, path, shared)
        labels = {"": None} if odd else said.get(id, {"": None})
        rows += [LabelRow(path, name, f"image {id}", "", columns, when, clock, odd) for name in labels]
    keys = dict.fromkeys(key for row in rows for key in row.columns)
    taken = Taken(
        file.name, "images.file_name", "categories.name", time, dates=read.order, doubt=read.doubt, unread=read.unread
    )
    return LabelFile(tuple(rows), tuple(keys), taken, tuple(problems))


def _time_key(file: Path, images: Sequence[Mapping[str, Any]], reading: Reading) -> str:
    for name, asked in (("path_column", reading.path_column), ("label_column", reading.label_column)):
        if asked:
            raise UserError(f"{name} is for tables: {file} is JSON, and names photos and classes in one way alone")
    keys = dict.fromkeys(key for image in images for key in image)
    if reading.time_column and reading.time_column not in keys:
        raise NotKnown(f"time column of {file.name}", reading.time_column, keys)
    return reading.time_column or next((name for name in TIMES if name in keys), "")


def _said(
    file: Path,
    annotations: Sequence[Mapping[str, Any]],
    names: Mapping[str, str],
    ids: set[str],
    problems: list[Problem],
) -> dict[str, dict[str, None]]:
    """Image → the names of its categories."""
    said: dict[str, dict[str, None]] = {}
    lost: dict[str, Problem] = {}
    for annotation in annotations:
        of, category = (_key(file, annotation, key, "annotations") for key in ("image_id", "category_id"))
        if category not in names:
            raise UserError(f"{file}: an annotation of image '{of}' has category {category}, which is not listed")
        if of not in ids:
            lost[of] = Problem(f"{file.name}, image {of}", "no image", "annotated, but not in its images")
        said.setdefault(of, {})[names[category]] = None
    problems += lost.values()
    return said


def _names(file: Path, categories: Sequence[Mapping[str, Any]], problems: list[Problem]) -> dict[str, str]:
    """Id → name. One name under several ids is one class, and said; one id with several names is refused."""
    names: dict[str, str] = {}
    ids: dict[str, list[str]] = {}
    for category in categories:
        id = _key(file, category, "id", "categories")
        name = says(nfc(str(_need(file, category, "name", "categories"))))
        if names.get(id, name) != name:
            raise UserError(
                f"{file}: category {id} is both '{names[id]}' and '{name}': which of them an annotation means cannot "
                "be told; give each its own id"
            )
        if id not in names and name:
            ids.setdefault(name, []).append(id)
        names[id] = name
    for name, own in ids.items():
        if len(own) > 1:
            why = f"categories {' and '.join(own)} are called so: one class"
            problems.append(Problem(name, "two ids", why, left_out=False))
    return names


def _shared(file: Path, images: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Ids that several photos have, and theirs."""
    photos: dict[str, dict[str, None]] = {}
    for image in images:
        path = nfc(str(_need(file, image, "file_name", "images"))).replace("\\", "/")
        photos.setdefault(_key(file, image, "id", "images"), {})[path] = None
    return {id: tuple(own) for id, own in photos.items() if len(own) > 1}


def _odd(file: Path, id: str, path: str, shared: Mapping[str, Sequence[str]]) -> str:
    others = ", ".join(other for other in shared.get(id, ()) if other != path.replace("\\", "/"))
    return f"image {id} of {file.name} is {others}, too: which of them is annotated cannot be told" if others else ""


# ------------------------------------------------------------ its words


def _json(file: Path, text: str) -> Any:
    def single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            name = next(name for name in names if names.count(name) > 1)
            raise UserError(f"{file}: '{name}' stands twice in one object; only one of them could be read")
        return found

    try:
        return json.loads(text, object_pairs_hook=single)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file} is no JSON: {error}") from error


def _list(file: Path, content: Any, key: str) -> list[dict[str, Any]]:
    found = content.get(key) if isinstance(content, dict) else None
    if isinstance(content, dict) and "detection_categories" in content:
        raise UserError(
            f"{file} is MegaDetector's output: it says where animals are, not which; a file of labels is a CSV, or "
            "COCO-CameraTraps JSON with 'images', 'annotations' and 'categories'"
        )
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise UserError(f"{file} is not COCO-CameraTraps: it needs a list of objects called '{key}'")
    return found


def _need(file: Path, item: Mapping[str, Any], key: str, where: str) -> Any:
    if item.get(key) in (None, ""):
        raise UserError(f"{file}: an entry of '{where}' has no '{key}'")
    return item[key]


def _key(file: Path, item: Mapping[str, Any], key: str, where: str) -> str:
    """7, 7.0 and "7" are one id: programs that join tables change one into the other."""
    found = _need(file, item, key, where)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    return str(found).strip()
