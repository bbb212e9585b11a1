"""What a folder of photos holds by its names alone: no file is opened, so it is instant."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from secateur.data.levels import PARTS as PARTS
from secateur.data.levels import below, parts_of, recurring, some
from secateur.data.suffixes import NOBODYS, listed, may_be, reasons, sifted
from secateur.errors import UserError
from secateur.names import by_nfc, nfc, nobodys
from secateur.records import Problem, Taken

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
WHERE = 3  # places that a line names
MOST = 20_000  # files that are counted in a place that is passed over: it may hold every night of a year


@dataclass(frozen=True, slots=True)
class Note:
    """What a file of labels says of one photo beside its label."""

    columns: Mapping[str, str]
    time: str = ""  # "2021-05-03 17:20:11"
    clock: str = ""  # as the file writes it


@dataclass(frozen=True, slots=True)
class Listing:
    """Photos by name; none was opened."""

    root: Path  # the folder that paths are relative to
    classes: tuple[str, ...]  # as shown, sorted
    files: tuple[tuple[str, str, str], ...]  # (path with forward slashes, class as shown, part or "")
    problems: tuple[Problem, ...] = ()
    notes: Mapping[str, Note] = field(default_factory=dict)  # path → of the file of labels
    columns: tuple[str, ...] = ()  # that the file of labels has
    taken: Taken | None = None  # which of them were taken for what


def list_folder(folder: Path, least_classes: int = 2, label_level: int = 0) -> Listing:
    """Class folders of photos, Kaggle's `raw-img`, or `train/ val/ test/` trees of class folders.

    label_level: which folder of the path is the label; 1 is the first, −1 the photo's own, 0 the first that is no part.
    Nested folders belong to the class above them; links to folders are followed, each folder at most once; what is
    nobody's photo by its name (`names.nobodys`) and files that are none by their suffix are listed, counted. Two class
    folders whose names look the same are one class.

    Raises UserError: no such folder, not a folder, no photos, too few classes.
    """
    root = _root(folder)
    problems: list[Problem] = []
    paths, others = sifted(walk(root, problems))
    parts = _parts(root, paths) if label_level != 1 else {}
    least = below(paths, parts) if parts else {}
    files: list[tuple[str, str, str]] = []  # with the folder's own class name
    places: list[tuple[str, tuple[str, ...]]] = []  # class, folders below it
    for path in paths:
        folders = PurePosixPath(path).parts[:-1]
        first = folders[0] if folders else ""
        part, at = parts.get(first, ""), _label_at(folders, least.get(first, 0), label_level)
        if parts and not part:
            problems.append(Problem(path, "no part", f"stands beside {', '.join(sorted(parts))}"))
        elif at is None:
            why = "stands beside the class folders, in none of them"
            if label_level:
                why = f"its path has no folder {label_level} that could be its label"
            problems.append(Problem(path, "no class", why))
        else:
            files.append((path, folders[at], part))
            places.append((nfc(folders[at]), folders[at + 1 :]))
    problems += listed(others)
    if not label_level:
        problems += _doubted(places, max(least.values(), default=0) + 1)
    return _named(root, files, problems, least_classes)


def _label_at(folders: tuple[str, ...], least: int, level: int) -> int | None:
    """Position of the label in a photo's folders, at or below `least`; None where it has none."""
    at = least if not level else level - 1 if level > 0 else len(folders) + level
    return at if min(least, 1) <= at < len(folders) else None


def _doubted(places: list[tuple[str, tuple[str, ...]]], level: int) -> list[Problem]:
    """Where the classes may be no classes, said with what to do."""
    found = recurring(places)
    if not found:
        return []
    names = sorted({name for name, _ in places})
    levels = "; ".join(f"{some(shared)}: --label-level {level + depth}" for depth, shared in found)
    why = (
        f"the classes are {some(names)}, and the same folders stand under most of them. If those are what is on the "
        f"photos, name their level ({levels}); if not, --label-level {level} says so"
    )
    return [Problem(names[0], "same subfolders", why, left_out=False)]


def _root(folder: Path) -> Path:
    if not folder.exists():
        raise UserError(f"no such folder: {folder}")
    if not folder.is_dir():
        raise UserError(f"{folder} is a file; a folder of class folders is needed")
    inner = folder / "raw-img"
    return inner if inner.is_dir() else folder


def _parts(root: Path, photos: list[str]) -> dict[str, str]:
    """Folder name → part, where the folders under `root` are parts and not classes."""
    try:
        names = [entry.name for entry in os.scandir(root) if entry.is_dir() and not nobodys(entry.name)]
    except OSError as error:
        raise UserError(f"{root} cannot be read: {error.strerror}") from error
    return parts_of(names, {path.partition("/")[0] for path in photos if "/" in path})


def walk(root: Path, problems: list[Problem]) -> Iterator[str]:
    """Relative paths of all files, sorted within a folder. Links to folders come last.

    So a folder is met under its own name before it is met through a link, and then not again. What is nobody's photo by
    its name is passed over, and its pictures are counted in `problems` at the end, by reason.
    """
    nobodys_here: dict[str, list[tuple[str, int]]] = {}  # reason → places, and pictures there
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
        for name, kind in _entries(root, place, problems, nobodys_here):
            if kind == "file":
                yield name
            else:
                (folders if kind == "folder" else links).append(name)
        todo += reversed(folders)
    problems += [_passed(why, places) for why, places in sorted(nobodys_here.items())]


def _passed(why: str, places: list[tuple[str, int]]) -> Problem:
    n = sum(count for _, count in places)
    where = ", ".join(place for place, _ in places[:WHERE])
    where += f" and {len(places) - WHERE:,} more places" if len(places) > WHERE else ""
    many = "at least " if any(count >= MOST // 2 for _, count in places) else ""
    return Problem(places[0][0], NOBODYS, f"{many}{n:,} {'picture' if n == 1 else 'pictures'}, {why}: {where}", files=n)


def _pictures(root: Path, place: str) -> int:
    """How many of the first MOST files in a folder, in any depth, may be pictures; links are not followed."""
    files = (name for _, _, names in os.walk(root / place) for name in names)
    return sum(may_be(name) for name in itertools.islice(files, MOST))


def _entries(
    root: Path, place: str, problems: list[Problem], passed: dict[str, list[tuple[str, int]]]
) -> list[tuple[str, str]]:
    """(relative path, "file", "folder" or "link to a folder") of what stands in one folder."""
    found: list[tuple[str, str]] = []
    try:
        entries = sorted(os.scandir(root / place), key=lambda entry: entry.name)
    except OSError as error:
        problems.append(Problem(place, "unreadable", f"folder: {error.strerror}"))
        return found
    for entry in entries:
        path = f"{place}/{entry.name}" if place else entry.name
        if why := nobodys(entry.name):
            folder = entry.is_dir(follow_symlinks=False)
            if n := _pictures(root, path) if folder else int(may_be(entry.name)):
                shown = os.fsencode(path).decode(errors="backslashreplace")
                passed.setdefault(why, []).append((shown, n))
            continue
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
    forms = by_nfc({name: None for _, name, _ in files})
    names = set(forms)
    shown = {name: name for name in names}
    english = {ENGLISH.get(name, name) for name in names}
    if (root.name.lower() == "raw-img" or names == set(ENGLISH)) and len(english) == len(names):
        shown = {name: ENGLISH.get(name, name) for name in names}
    if not files:
        raise UserError(_nothing(root, problems))
    if len(names) < least:
        raise UserError(
            f"only one class under {root}: '{shown[nfc(files[0][1])]}'; at least two are needed" + _deeper(files)
        )
    problems += [
        Problem(name, "two spellings", f"{len(own)} folders of one name, in other bytes; one class", left_out=False)
        for name, own in sorted(forms.items())
        if len(own) > 1
    ]
    return Listing(
        root=root,
        classes=tuple(sorted(shown.values())),
        files=tuple(sorted((path, shown[nfc(name)], part) for path, name, part in files)),
        problems=tuple(problems),
    )


def _nothing(root: Path, problems: list[Problem]) -> str:
    loose = sum(problem.what == "no class" for problem in problems)
    hint = f"; {loose} stand in no class folder: name the folder above them, or give --labels FILE" if loose else ""
    passed = reasons(problems)
    hint += f"; passed over: {passed}" if passed else ""
    return f"no photos in class folders under {root}{hint}; allowed: {root.name}/<class>/<photo>"


def _deeper(files: list[tuple[str, str, str]]) -> str:
    """What to do where all photos lie in one folder, and in several below it."""
    folders = [PurePosixPath(path).parts[:-1] for path, _, _ in files]
    level = next((n for n in range(max(map(len, folders))) if len({nfc(f[n]) for f in folders if n < len(f)}) > 1), 0)
    if not level:
        return ""
    names = sorted({nfc(f[level]) for f in folders if level < len(f)})
    return f"; if {some(names)} are the classes: --label-level {level + 1}"
