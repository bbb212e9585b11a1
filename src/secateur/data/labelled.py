"""A folder of photos whose labels stand in a file: rows and files are matched, and what does not match is listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from secateur.data.exif import clock
from secateur.data.label_rows import LabelFile, LabelRow, read_labels
from secateur.data.listing import PARTS, Listing, Note, readable, walk
from secateur.errors import UserError
from secateur.records import Problem, Reading


def list_labelled(folder: Path, reading: Reading) -> Listing:
    """Photos under `folder` with the labels of `reading.labels`; paths of the file are relative to the folder.

    A bare file name is found in any depth if only one photo is called so. Rows without a file, files without a row,
    photos named twice and rows that lead out of the folder are problems of the listing.

    Raises UserError: what `read_labels` raises, no such folder, not one row that names a photo of the folder.
    """
    if not folder.is_dir():
        raise UserError(f"no such folder: {folder}")
    file = Path(reading.labels)
    said = read_labels(file, reading.path_column, reading.label_column)
    problems, suffixes = list(said.problems), readable()
    there = [path for path in walk(folder, problems) if PurePosixPath(path).suffix.lower() in suffixes]
    rows = _matched(folder, file, said, there, problems)
    files, notes = [], {}
    for path, own in rows.items():
        label = _label(path, own, reading.empty, problems)
        notes[path] = Note(own[0].columns, clock(own[0].time))
        if label:
            files.append((path, label, PARTS.get(own[0].part.casefold(), "")))
    problems += [Problem(path, "no row", f"stands in no row of {file.name}") for path in there if path not in rows]
    if not files:
        raise UserError(f"{file} gives no photo under {folder} a label")
    classes = tuple(sorted({label for _, label, _ in files}))
    return Listing(folder, classes, tuple(sorted(files)), tuple(problems), notes, said.columns)


def _matched(
    folder: Path, file: Path, said: LabelFile, there: Sequence[str], problems: list[Problem]
) -> dict[str, list[LabelRow]]:
    """Path of each photo that is named → its rows."""
    known = set(there)
    alone, several = _alone(there)
    lower = {path.casefold(): path for path in there}
    rows: dict[str, list[LabelRow]] = {}
    for row in said.rows:
        asked = _inside(folder, row.path)
        if asked is None:
            problems.append(Problem(row.path, "outside", f"{row.where} of {file.name} leads out of {folder}"))
            continue
        path = asked if asked in known else alone.get(asked, "")
        if path:
            rows.setdefault(path, []).append(row)
            continue
        if asked in several:
            why = f"{row.where} of {file.name}: {several[asked]} photos are called so; name the folder, too"
            problems.append(Problem(asked, "which file", why))
            continue
        near = lower.get(asked.casefold())
        hint = f"; there is {near}" if near else ""
        problems.append(Problem(asked, "no file", f"{row.where} of {file.name} names it, it is not there{hint}"))
    if not rows:
        raise UserError(
            f"none of the {len(said.rows)} rows of {file} names a photo under {folder}; the first is "
            f"'{said.rows[0].path}', and paths are relative to the folder"
        )
    return rows


def _alone(there: Iterable[str]) -> tuple[dict[str, str], dict[str, int]]:
    """Bare file name → path, of names that only one photo has; → how many, of the others."""
    paths: dict[str, list[str]] = {}
    for path in there:
        paths.setdefault(PurePosixPath(path).name, []).append(path)
    alone = {name: own[0] for name, own in paths.items() if len(own) == 1}
    return alone, {name: len(own) for name, own in paths.items() if len(own) > 1}


def _inside(folder: Path, words: str) -> str | None:
    """A path as the listing writes it; None for one that leads out of the folder."""
    if PureWindowsPath(words).drive:
        return None
    place = PurePosixPath(words.replace("\\", "/"))
    if place.is_absolute():
        try:
            place = PurePosixPath(Path(place).relative_to(folder.absolute()).as_posix())
        except ValueError:
            return None
    return None if ".." in place.parts else str(place)


def _label(path: str, rows: Sequence[LabelRow], empty: str, problems: list[Problem]) -> str:
    """The one label of a photo; "" where there is none, or more than one."""
    labels = list(dict.fromkeys(row.label or empty for row in rows))
    where = " and ".join(dict.fromkeys(row.where for row in rows))
    if len(labels) > 1:
        said = " and ".join(f"'{label}'" for label in labels)
        problems.append(Problem(path, "two labels", f"{where}: {said}"))
        return ""
    if not labels[0]:
        why = f"{where} says none; --empty NAME makes a class of such photos"
        problems.append(Problem(path, "no label", why))
        return ""
    if len({row.where for row in rows}) > 1:
        problems.append(Problem(path, "named twice", f"{where} say the same; read once", left_out=False))
    return labels[0]
