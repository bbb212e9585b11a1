"""Photos that nobody labelled: found in any depth of folders, read once, with the time that the camera wrote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from secateur.data.exif import taken
from secateur.data.images import BadPhoto, square
from secateur.data.listing import SUFFIXES, walk
from secateur.data.parallel import in_chunks
from secateur.errors import UserError
from secateur.records import Problem


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A photo ready for a model, or why it is not."""

    path: Path
    pixels: NDArray[np.uint8] | None  # (px, px, 3)
    taken: str = ""
    problem: str = ""


def find(places: Iterable[Path]) -> tuple[list[Path], list[Problem]]:
    """Photos by name, folders in any depth, links followed once; and what was passed over for a reason.

    A file that is named itself is taken whatever its suffix is. Raises UserError: one that is not there, no photo
    at all.
    """
    asked = list(places)
    found: dict[Path, None] = {}
    problems: list[Problem] = []
    for place in asked:
        if place.is_dir():
            own: list[Problem] = []
            inside = (place / name for name in walk(place, own))
            found |= dict.fromkeys(p for p in inside if p.suffix.lower() in SUFFIXES)
            problems += [Problem(str(place / p.path), p.what, p.why) for p in own]
        elif place.exists():
            found[place] = None
        else:
            raise UserError(f"no such photo or folder: {place}")
    if not found:
        raise UserError(f"no photos in {', '.join(map(str, asked))}")
    return list(found), problems


def read(paths: Sequence[Path], px: int, chunk: int) -> Iterator[list[Seen]]:
    """`chunk` photos at a time, in order; the next ones are decoded meanwhile, few enough to stay in bounded memory."""
    return in_chunks(lambda some: [one(path, px) for path in some], paths, chunk)


def one(path: Path, px: int) -> Seen:
    """A photo that cannot be read says why."""
    try:
        data = path.read_bytes()
        return Seen(path, square(data, px).pixels, taken(data))
    except BadPhoto as error:
        return Seen(path, None, problem=str(error))
    except OSError as error:
        return Seen(path, None, problem=f"cannot be read: {error.strerror or error}")
