"""Which photo a file of labels means: paths with either slash, of this machine or of another, names in either form of
Unicode."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from secateur.names import nfc

_ABSOLUTE = re.compile(r"[A-Za-z]:(?=/|$)|//|/|[A-Za-z][A-Za-z0-9+.-]+://")  # D:/…, //server/share/…, /…, gs://…


@dataclass(frozen=True, slots=True)
class Photos:
    """The photos of a folder by what a file may call them; keys are in NFC, values as the disk has them."""

    paths: dict[str, list[str]]  # relative path
    names: dict[str, list[str]]  # bare file name
    lower: dict[str, str]  # relative path or bare name without case, for hints

    def means(self, place: str) -> list[str]:
        """The photos that a relative path may mean: of the path, else, of a bare name, in any folder."""
        return self.paths.get(place) or self.names.get(place, [])


def photos_by_name(there: Iterable[str]) -> Photos:
    """Of the relative paths of a folder's photos."""
    found = Photos({}, {}, {})
    for path in there:
        place = nfc(path)
        found.paths.setdefault(place, []).append(path)
        found.names.setdefault(PurePosixPath(place).name, []).append(path)
        found.lower.setdefault(PurePosixPath(place).name.casefold(), path)
    found.lower.update((place.casefold(), own[0]) for place, own in found.paths.items())
    return found


def slashed(words: str) -> str:
    """A path with forward slashes, in NFC, without "." and empty parts."""
    path = nfc(words.strip()).replace("\\", "/")
    head = _ABSOLUTE.match(path)
    begin = head[0] if head else ""
    rest = "/".join(part for part in path[len(begin) :].split("/") if part not in ("", "."))
    return f"{begin}/{rest}" if begin[-1:] == ":" else f"{begin}{rest}"


def is_absolute(place: str) -> bool:
    """Of a slashed path, on whatever machine."""
    return bool(_ABSOLUTE.match(place))


def inside(folder: Path, place: str) -> str | None:
    """An absolute, slashed path as one relative to the folder; None for one that leads out of it."""
    for own in (folder.absolute(), folder.resolve()):
        above = slashed(own.as_posix()).rstrip("/") + "/"
        same = place.startswith(above) if above[:1] == "/" else place.casefold().startswith(above.casefold())
        if same:
            return place[len(above) :]
    return None


def other_root(places: Sequence[str], photos: Photos, name: str) -> tuple[str, tuple[str, ...]]:
    """What stands for the folder in another machine's absolute paths, as "D:/survey"; and all that would do as well,
    where there are several that do.

    After it the path of a photo follows, whole, and all rows have it in common: the one that finds most photos is
    taken, of several that lie within each other the highest. Cards name their photos alike: where another one finds
    half as many, only the folder's own `name` says which it is.
    """
    votes: dict[str, set[str]] = {}
    spelt: dict[str, str] = {}
    for place in places:
        parts = place.split("/")
        for k in range(1, len(parts)):
            tail = "/".join(parts[k:])
            if tail in photos.paths and any(parts[:k]):
                above = "/".join(parts[:k])
                spelt.setdefault(above.casefold(), above)
                votes.setdefault(above.casefold(), set()).add(tail)
    if not votes:
        return "", ()
    named = {above: tails for above, tails in votes.items() if above.rpartition("/")[2] == nfc(name).casefold()}
    able = named or votes
    best = min(able, key=lambda above: (-len(able[above]), len(above), above))
    rivals = [a for a in able if 2 * len(able[a]) >= len(able[best]) and not _nested(a, best)]
    return ("", tuple(sorted(spelt[above] for above in (best, *rivals)))) if rivals else (spelt[best], ())


def _nested(one: str, other: str) -> bool:
    return (one + "/").startswith(other + "/") or (other + "/").startswith(one + "/")


def below(root: str, place: str) -> str | None:
    """The rest of a path behind another machine's root; None for a path that does not begin so."""
    begins = place.casefold().startswith(root.casefold() + "/") if root else False
    return place[len(root) + 1 :] if begins else None
