"""What a folder of photos holds by its names alone: no file is opened, so it is instant."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from secateur.data import heif
from secateur.errors import UserError
from secateur.records import Problem

# Kaggle's alessiocorrado99/animals10 names its classes in Italian.
ENGLISH = {
    "cane": "dog",
    "cavallo": "horse",
    "elefante": "elephant",
    "farfalla": "butterfly",
    "gallina": "chicken",
    "gatto": "cat",
    "mucca": "cow",
    "pecora": "sheep",
    "ragno": "spider",
    "scoiattolo": "squirrel",
}
PARTS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff"}
    | {".ppm", ".pgm", ".pbm", ".pnm"}
)

JUNK = frozenset({"thumbs.db", "desktop.ini", "__macosx"})  # what file managers leave behind


def readable() -> frozenset[str]:
    """Suffixes of photos that can be read now: some need a package that is not always installed."""
    return SUFFIXES | heif.SUFFIXES if heif.at_hand() else SUFFIXES


@dataclass(frozen=True, slots=True)
class Note:
    """What a file of labels says of one photo beside its label."""

    columns: Mapping[str, str]
    time: str = ""  # "2021-05-03 17:20:11"


@dataclass(frozen=True, slots=True)
class Listing:
    """Photos by name; none was opened."""

    root: Path  # the folder that paths are relative to
    classes: tuple[str, ...]  # as shown, sorted
    files: tuple[tuple[str, str, str], ...]  # (path with forward slashes, class as shown, part or "")
    problems: tuple[Problem, ...] = ()
    notes: Mapping[str, Note] = field(default_factory=dict)  # path → of the file of labels
    columns: tuple[str, ...] = ()  # that the file of labels has


def list_folder(folder: Path, least_classes: int = 2) -> Listing:
    """Class folders of photos, Kaggle's `raw-img`, or `train/ val/ test/` trees of class folders.

    Nested folders belong to the class above them; links to folders are followed, each folder at most once;
    hidden files are ignored, files that are no photos by their suffix are listed.

    Raises UserError: no such folder, not a folder, no photos, too few classes.
    """
    root = _root(folder)
    problems: list[Problem] = []
    parts, photos = _parts(root), readable()
    files: list[tuple[str, str, str]] = []  # with the folder's own class name
    other: Counter[str] = Counter()
    example: dict[str, str] = {}
    for path in walk(root, problems):
        place = PurePosixPath(path).parts
        part = parts.get(place[0], "")
        inside = place[1:] if part else place
        suffix = PurePosixPath(path).suffix.lower()
        if suffix not in photos:
            other[suffix] += 1
            example.setdefault(suffix, path)
        elif parts and not part:
            problems.append(Problem(path, "no part", f"stands beside {', '.join(sorted(parts))}"))
        elif len(inside) < 2:
            problems.append(Problem(path, "no class", "stands beside the class folders, in none of them"))
        else:
            files.append((path, inside[0], part))
    problems += [
        Problem(example[s], "not a photo", f"{n} {'file' if n == 1 else 'files'} with the suffix '{s}'")
        for s, n in sorted(other.items())
    ]
    return _named(root, files, problems, least_classes)


def _root(folder: Path) -> Path:
    if not folder.exists():
        raise UserError(f"no such folder: {folder}")
    if not folder.is_dir():
        raise UserError(f"{folder} is a file; a folder of class folders is needed")
    inner = folder / "raw-img"
    return inner if inner.is_dir() else folder


def _parts(root: Path) -> dict[str, str]:
    """Folder name → part, where the folders under `root` are parts and not classes.

    A class may be called "train" (the railway kind): parts are only believed where a training part stands
    beside another one.
    """
    try:
        names = [entry.name for entry in os.scandir(root) if entry.is_dir()]
    except OSError as error:
        raise UserError(f"{root} cannot be read: {error.strerror}") from error
    found = {name: PARTS[name.lower()] for name in names if name.lower() in PARTS}
    return found if "train" in found.values() and len(set(found.values())) > 1 else {}


def walk(root: Path, problems: list[Problem]) -> Iterator[str]:
    """Relative paths of all files, sorted within a folder. Links to folders come last.

    So a folder is met under its own name before it is met through a link, and then not again.
    """
    seen: set[str] = set()
    above = os.path.realpath(root)
    todo: list[str] = [""]
    links: list[str] = []
    while todo or links:
        follows_link = not todo
        place = todo.pop() if todo else links.pop(0)
        real = os.path.realpath(root / place)
        if real in seen or (follows_link and (above + os.sep).startswith(real.rstrip(os.sep) + os.sep)):
            problems.append(Problem(place, "link", f"leads to {real}, which is read already; not followed"))
            continue
        seen.add(real)
        folders: list[str] = []
        for name, kind in _entries(root, place, problems):
            if kind == "file":
                yield name
            else:
                (folders if kind == "folder" else links).append(name)
        todo += reversed(folders)


def _entries(root: Path, place: str, problems: list[Problem]) -> list[tuple[str, str]]:
    """(relative path, "file", "folder" or "link to a folder") of what stands in one folder."""
    found: list[tuple[str, str]] = []
    try:
        entries = sorted(os.scandir(root / place), key=lambda entry: entry.name)
    except OSError as error:
        problems.append(Problem(place, "unreadable", f"folder: {error.strerror}"))
        return found
    for entry in entries:
        if entry.name.startswith(".") or entry.name.lower() in JUNK:
            continue
        path = f"{place}/{entry.name}" if place else entry.name
        try:
            path.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(path).decode(errors="backslashreplace")
            problems.append(Problem(shown, "unreadable name", "the name is not valid UTF-8; rename it"))
            continue
        if entry.is_dir():
            found.append((path, "link to a folder" if entry.is_symlink() else "folder"))
        elif entry.is_file():
            found.append((path, "file"))
        elif entry.is_symlink():
            problems.append(Problem(path, "broken link", f"leads to {Path(root / path).readlink()}"))
    return found


def _named(root: Path, files: list[tuple[str, str, str]], problems: list[Problem], least: int) -> Listing:
    names = {name for _, name, _ in files}
    shown = {name: name for name in names}
    english = {ENGLISH.get(name, name) for name in names}
    if (root.name.lower() == "raw-img" or names == set(ENGLISH)) and len(english) == len(names):
        shown = {name: ENGLISH.get(name, name) for name in names}
    if not files:
        loose = sum(problem.what == "no class" for problem in problems)
        hint = f"; {loose} stand in no class folder" if loose else ""
        raise UserError(f"no photos in class folders under {root}{hint}; allowed: {root.name}/<class>/<photo>")
    if len(names) < least:
        raise UserError(f"only one class under {root}: '{shown[files[0][1]]}'; at least two are needed")
    return Listing(
        root=root,
        classes=tuple(sorted(shown.values())),
        files=tuple(sorted((path, shown[name], part) for path, name, part in files)),
        problems=tuple(problems),
    )
