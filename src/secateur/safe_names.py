"""Names of files and folders that Windows, macOS and Linux all accept. Pure: nothing is looked up on a disk.

What is sorted on Linux is carried to a stick, a share or another computer; there `aux.jpg` is a device, "Fox" and "fox"
are one folder, and a name of 256 bytes is none. Ordinary names stay as they are.

Rules: Microsoft, "Naming Files, Paths, and Namespaces" (characters, reserved names, trailing dots and spaces, 260
characters of a path); Apple, "Apple File System Reference" (255 bytes of UTF-8, names compared without case and in one
normal form of Unicode).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePath, PurePosixPath

MOST_BYTES = 255  # of one name, in UTF-8
MOST_PATH = 259  # characters of a path that every program of Windows opens: 260 with the zero at the end
FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\ud800-\udfff]')  # surrogates stand for bytes that are no UTF-8
_NUMBERED = {f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"}
RESERVED = {"con", "prn", "aux", "nul", "conin$", "conout$"} | _NUMBERED
HEX = 8  # of what was cut off, so that two long names stay two
SUFFIX = 16  # bytes that are taken for a suffix at most


def safe_name(name: str) -> str:
    """One name, of a file or a folder; itself where every system takes it.

    A character that some system forbids becomes "_", a device's name gets one behind it, and a name of more than 255
    bytes loses its end to eight hex digits of its hash; a file's suffix stays.

    >>> safe_name("fox"), safe_name("Füchsin 2.jpg"), safe_name("aux.jpg"), safe_name("red: 1/2?"), safe_name("wood. ")
    ('fox', 'Füchsin 2.jpg', 'aux_.jpg', 'red_ 1_2_', 'wood__')
    """
    made = FORBIDDEN.sub("_", name)
    bare = made.rstrip(". ")
    made = bare + "_" * (len(made) - len(bare)) if made else "_"
    stem, dot, rest = made.partition(".")
    if stem.rstrip(" ").lower() in RESERVED:
        made = f"{stem}_{dot}{rest}"
    return made if len(made.encode()) <= MOST_BYTES else _shorter(made)


def composed(name: str) -> str:
    """In the form in which a letter and its mark are one: macOS writes them as two."""
    return unicodedata.normalize("NFC", name)


def same(name: str) -> str:
    """Names of which this is equal are one name on some system: without case, in one normal form of Unicode.

    >>> same("FÜCHSE") == same("Fu\\u0308chse")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def safe_names(names: Iterable[str]) -> dict[str, str]:
    """Name → a safe one, no two of them the same on any system. The first of those that are keeps it, the others get a
    number; a name that is safe already comes before one that had to be changed.

    >>> safe_names(["fox", "Fox", "a?", "a_"])
    {'fox': 'fox', 'Fox': 'Fox (2)', 'a?': 'a_ (2)', 'a_': 'a_'}
    """
    asked = list(dict.fromkeys(names))
    taken: dict[str, str] = {}
    made: dict[str, str] = {}
    for name in sorted(asked, key=lambda n: safe_name(n) != n):  # stable: in their order otherwise
        made[name] = another(name, taken)
    return {name: made[name] for name in asked}


def another(name: str, taken: dict[str, str]) -> str:
    """A safe name for `name` that no other one in `taken` (same → whose it is) has; `taken` learns it. The same name
    asked for again gets the same answer."""
    return str(another_path(PurePosixPath(safe_name(name)), taken, name))


def another_path(path: PurePath, taken: dict[str, str], whose: str = "") -> PurePosixPath:
    """The same for a relative path below one folder: every part is safe, and where another path is the same on some
    system, the last part gets a number. `whose` tells apart what asks for one and the same path."""
    safe, whose = safe_path(path), whose or str(path)
    for turn in range(1, len(taken) + 2):
        made = safe if turn == 1 else safe.with_name(numbered(safe.name, turn))
        if taken.setdefault(same(str(made)), whose) == whose:
            return made
    raise AssertionError("there are more numbers than names")


def numbered(name: str, number: int) -> str:
    """With a number, before the suffix, and no longer than a name may be.

    >>> numbered("IMG_0001.JPG", 2), numbered("fox", 2)
    ('IMG_0001 (2).JPG', 'fox (2)')
    """
    suffix = _suffix(name)
    mark = f" ({number}){suffix}"
    return _cut(name.removesuffix(suffix), MOST_BYTES - len(mark.encode())) + mark


def safe_path(path: PurePath | str) -> PurePosixPath:
    """Every part of a relative path safe, with no way up or out.

    >>> safe_path("cam 1/../a:b.jpg")
    PurePosixPath('cam 1/__/a_b.jpg')
    """
    parts = PurePath(path).parts if isinstance(path, PurePath) else path.split("/")
    return PurePosixPath(*[safe_name(part) for part in parts if part not in ("", "/", ".")])


def problem(name: str) -> str:
    """Why some system does not take `name` for a file or a folder; "" where all do.

    >>> problem("aux"), problem("photos")
    ("'aux' is a device on Windows", '')
    """
    if not name or name in (".", ".."):
        return f"'{name}' is no name"
    if found := FORBIDDEN.search(name):
        return f"'{name}' holds {found[0]!r}, which not every system takes in a name"
    if name != name.rstrip(". "):
        return f"'{name}' ends with a dot or a space, which Windows drops"
    if name.partition(".")[0].rstrip(" ").lower() in RESERVED:
        return f"'{name}' is a device on Windows"
    if len(name.encode()) > MOST_BYTES:
        return f"'{name[:20]}…' has more than {MOST_BYTES} bytes"
    return ""


def _shorter(name: str) -> str:
    suffix = _suffix(name)
    mark = f"~{hashlib.sha256(name.encode()).hexdigest()[:HEX]}{suffix}"
    return _cut(name.removesuffix(suffix), MOST_BYTES - len(mark.encode())) + mark


def _suffix(name: str) -> str:
    """ ".jpg" of a.jpg; "" of what is no suffix: "fox. a red one" has none."""
    found = PurePosixPath(name).suffix
    return found if len(found.encode()) <= SUFFIX and " " not in found else ""


def _cut(name: str, most: int) -> str:
    """At most so many bytes, and no half a character at the end; a mark without its letter is half a one."""
    cut = name.encode()[:most].decode(errors="ignore")
    while len(cut) < len(name) and cut and unicodedata.combining(name[len(cut)]):
        cut = cut[:-1]
    return cut.rstrip(" .") if len(cut) < len(name) else cut
