"""A folder of photos whose labels stand in a file: rows and files are matched, and what does not match is listed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from secateur.data.label_coco import read_coco
from secateur.data.label_csv import read_csv
from secateur.data.label_paths import Photos, below, inside, is_absolute, other_root, photos_by_name, slashed
from secateur.data.label_rows import LabelFile, LabelRow
from secateur.data.listing import PARTS, Listing, Note, walk
from secateur.data.reasons import commonest
from secateur.data.suffixes import NOT_READ, listed, sifted, why_not
from secateur.errors import UserError
from secateur.grouped import parse
from secateur.names import nfc
from secateur.records import Problem, Reading
from secateur.texts import read_text

Rows = dict[str, list[LabelRow]]  # path of each photo that is named → its rows


def list_labelled(folder: Path, reading: Reading) -> Listing:
    """Photos under `folder` with the labels of `reading.labels`; paths of the file are relative to the folder, or
    another machine's (`label_paths`).

    A bare file name is found in any depth if only one photo is called so. Rows without a file, files without a row,
    photos named twice and rows that lead out of the folder are problems of the listing.

    Raises UserError: what `read_labels` raises, no such folder, not one row that names a photo of the folder.
    """
    if not folder.is_dir():
        raise UserError(f"no such folder: {folder}")
    file = Path(reading.labels)
    said = read_labels(file, reading)
    walked: list[Problem] = []
    there, others = sifted(walk(folder, walked))
    said, rows, problems = _rows(folder, reading, said, photos_by_name(there), photos_by_name(others))
    groups = _groups(file, said, reading)
    problems = [*said.problems, *walked, *problems]
    files, notes = [], {}
    for path, own in rows.items():
        label, part = _label(path, own, nfc(reading.empty), problems), _part(path, own, problems)
        _quarrels(path, own, groups, problems)
        notes[path] = Note(own[0].columns, own[0].time, own[0].clock)
        if label and part is not None:
            files.append((path, label, part))
    problems += [Problem(path, "no row", f"stands in no row of {file.name}") for path in there if path not in rows]
    named = {problem.path for problem in problems if problem.what == NOT_READ}
    problems += listed(path for path in others if nfc(path) not in named and folder / path != file)
    if not files:
        raise UserError(f"{file} gives no photo under {folder} a label{commonest(problems)}")
    classes = tuple(sorted({label for _, label, _ in files}))
    taken = dataclasses.replace(said.taken, groups=groups)
    return Listing(folder, classes, tuple(sorted(files)), tuple(problems), notes, said.columns, taken)


def read_labels(file: Path, reading: Reading, folders: bool = True) -> LabelFile:
    """The rows of a CSV (comma, semicolon or tab) or of COCO-CameraTraps JSON.

    Raises UserError: a file that cannot be read or is neither, a column that is not there, no rows.
    """
    text = read_text(file, "save it as 'CSV UTF-8'", wide=True)
    as_json = file.suffix.lower() == ".json"
    found = read_coco(file, text, reading) if as_json else read_csv(file, text, reading, folders)
    if not found.rows:
        raise UserError(f"{file} names no photos{commonest(found.problems)}")
    return found


# ------------------------------------------------------------ rows and photos


def _rows(
    folder: Path, reading: Reading, said: LabelFile, photos: Photos, others: Photos
) -> tuple[LabelFile, Rows, list[Problem]]:
    """What the file says, and of which photos. A column of folders that leads nowhere is taken for none."""
    file = Path(reading.labels)
    root = _root(folder, said, photos)
    root = root if any(root) else _root(folder, said, others)
    rows, problems = _matched(folder, file, said.rows, photos, others, root)
    if not rows and not reading.path_column:
        bare = read_labels(file, reading, folders=False)
        if bare.taken.path != said.taken.path:
            said, root = bare, ("", ())
            rows, problems = _matched(folder, file, said.rows, photos, others, root)
    if not rows:
        raise UserError(
            f"none of the {len(said.rows)} rows of {file} names a photo under {folder}: the first is "
            f"'{said.rows[0].path}', and paths are relative to the folder{commonest(problems)}"
        )
    return dataclasses.replace(said, taken=dataclasses.replace(said.taken, root=root[0])), rows, problems


def _root(folder: Path, said: LabelFile, photos: Photos) -> tuple[str, tuple[str, ...]]:
    """What stands for the folder in the file's paths; relative ones are asked only if none of them is a photo's."""
    places = [slashed(row.path) for row in said.rows]
    foreign = [place for place in places if is_absolute(place) and inside(folder, place) is None]
    if not foreign and not any(photos.means(place) for place in places):
        foreign = [place for place in places if not is_absolute(place)]
    return other_root(foreign, photos, folder.absolute().name)


def _matched(
    folder: Path,
    file: Path,
    rows: Iterable[LabelRow],
    photos: Photos,
    others: Photos,
    root: tuple[str, tuple[str, ...]],
) -> tuple[Rows, list[Problem]]:
    found: Rows = {}
    problems = []
    for row in rows:
        place = _place(folder, row.path, root[0], photos)
        means = photos.means(place) if place is not None else []
        if len(means) == 1:
            found.setdefault(means[0], []).append(row)
            continue
        where = f"{row.where} of {file.name}"
        if place is None:
            either = f"; {' and '.join(root[1])} would each do for it" if root[1] else ""
            problems.append(Problem(row.path, "outside", f"{where} leads out of {folder}{either}"))
        elif means:
            why = "; name the folder, too" if place not in photos.paths else ": in two forms of Unicode; rename one"
            problems.append(Problem(place, "which file", f"{where}: {len(means)} photos are called so{why}"))
        elif unread := (others.means(place) or [others.lower.get(place.casefold(), "")])[0]:
            why = f"{where} names it: it is there, but {why_not(unread) or 'its suffix is none of a photo'}"
            problems.append(Problem(nfc(unread), NOT_READ, why))
        else:
            near = photos.lower.get(place.casefold())
            hint = f"; there is {near}" if near else ""
            problems.append(Problem(place, "no file", f"{where} names it, it is not there{hint}"))
    return found, problems


def _place(folder: Path, words: str, root: str, photos: Photos) -> str | None:
    """A path of the file as one of the folder, in NFC; None for one that leads out of it."""
    if words in photos.paths:  # elsewhere than on Windows a name may hold a backslash
        return words
    place = slashed(words)
    if ".." in place.split("/"):
        return None
    if is_absolute(place):
        own = inside(folder, place)
        return own if own is not None else below(root, place)
    behind = below(root, place)
    return behind if behind is not None and not photos.means(place) else place


# ------------------------------------------------------------ what the rows of one photo say


def _label(path: str, rows: Sequence[LabelRow], empty: str, problems: list[Problem]) -> str:
    """The one label of a photo; "" where there is none, or more than one."""
    odd = next((row.odd for row in rows if row.odd), "")
    if odd:
        problems.append(Problem(path, "one id", odd))
        return ""
    labels = list(dict.fromkeys(row.label or empty for row in rows))
    where = " and ".join(dict.fromkeys(row.where for row in rows))
    if len(labels) > 1:
        said = " and ".join(f"'{label}'" if label else "none" for label in labels)
        problems.append(Problem(path, "two labels", f"{where}: {said}"))
        return ""
    if not labels[0]:
        why = f"{where} says none; --empty NAME makes a class of such photos"
        problems.append(Problem(path, "no label", why))
        return ""
    if len({row.where for row in rows}) > 1:
        problems.append(Problem(path, "named twice", f"{where} say the same; read once", left_out=False))
    return labels[0]


def _part(path: str, rows: Sequence[LabelRow], problems: list[Problem]) -> str | None:
    """Of the split; None where the rows name two, which would test on a photo that was trained on."""
    parts = list(dict.fromkeys(PARTS.get(row.part.casefold(), "") for row in rows))
    if len(parts) == 1:
        return parts[0]
    said = " and ".join(f"'{part}'" if part else "none" for part in parts)
    problems.append(Problem(path, "two parts", f"{' and '.join(row.where for row in rows)}: {said}"))
    return None


def _quarrels(path: str, rows: Sequence[LabelRow], groups: Sequence[str], problems: list[Problem]) -> None:
    """What a photo's rows say differently beside its label: the first is taken, and that is said."""
    said: Mapping[str, list[str]] = {"its time": [row.time for row in rows]}
    said = dict(said) | {f"column '{name}'": [row.columns.get(name, "") for row in rows] for name in groups}
    for what, words in said.items():
        if len(set(words)) > 1:
            why = f"{' and '.join(row.where for row in rows)} differ in {what}: '{words[0]}' is taken"
            problems.append(Problem(path, "rows differ", why, left_out=False))


def _groups(file: Path, said: LabelFile, reading: Reading) -> tuple[str, ...]:
    """The columns that rules name. Raises UserError for one whose name another column has that says otherwise."""
    rules = [parse(rule) for rule in reading.group_by]
    rules += [rule.within for rule in rules if rule.within]
    names = tuple(dict.fromkeys(nfc(rule.value) for rule in rules if rule.kind == "column"))
    for name in names:
        if name in said.doubtful:
            raise UserError(f"rule 'column:{name}': two columns of {file.name} are called so, and say different things")
    return names
