"""Photos that nobody labelled: found in any depth of folders, read once, with the time that the camera wrote."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from secateur.data.exif import taken
from secateur.data.images import BadPhoto, square
from secateur.data.listing import walk
from secateur.data.parallel import in_chunks
from secateur.data.suffixes import listed, reasons, sifted, why_not
from secateur.errors import UserError
from secateur.records import NO_DEPTH, Depth, Problem


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A photo ready for a model, or why it is not."""

    path: Path
    pixels: NDArray[np.uint8] | None  # (px, px, 3)
    taken: str = ""
    problem: str = ""
    depth_doubt: str = ""  # of more than eight bits a channel
    damage: str = ""  # rows are missing, and it was to be read all the same

    @property
    def doubt(self) -> str:
        """Why its answer deserves less trust."""
        return "; ".join(filter(None, (self.damage, self.depth_doubt)))


def find(places: Iterable[Path]) -> tuple[list[Path], list[Problem]]:
    """Photos by name, folders in any depth, links followed once; and what was passed over for a reason, counted: files
    that are not read by their suffix, nobody's photos, and photos that were named more than once. Each is found once,
    however its folder was written.

    A file that is named itself is taken whatever its suffix is. Raises UserError: one that is not there, no photo
    at all.
    """
    asked = list(places)
    found: dict[tuple[str, str], Path] = {}  # its folder's own path, its name → as it was named
    again: list[Path] = []
    problems: list[Problem] = []
    others: list[str] = []
    for place in asked:
        own: list[Problem] = []
        inside = [place]
        if place.is_dir():
            names, rest = sifted(walk(place, own))
            inside = [place / name for name in names]
            others += [str(place / name) for name in rest]
            problems += [replace(p, path=str(place / p.path)) for p in own]
        elif not place.exists():
            raise UserError(f"no such photo or folder: {place}")
        real: dict[Path, str] = {}
        for path in inside:
            if path.parent not in real:
                real[path.parent] = os.path.realpath(path.parent)
            if found.setdefault((real[path.parent], path.name), path) is not path:
                again.append(path)
    others = list(dict.fromkeys(others))
    problems += listed(others)
    if again:
        n = f"{len(again):,} {'photo lies' if len(again) == 1 else 'photos lie'} in more than one of the places"
        problems.append(Problem(str(again[0]), "named twice", f"{n}; each is looked at once", files=len(again)))
    if not found:
        passed = reasons(problems)
        raise UserError(f"no photos in {', '.join(map(str, asked))}" + (f"; passed over: {passed}" if passed else ""))
    return list(found.values()), problems


def read(
    paths: Sequence[Path], px: int, chunk: int, *, depth: Depth = NO_DEPTH, keep_damaged: bool = False
) -> Iterator[list[Seen]]:
    """`chunk` photos at a time, in order; the next ones are decoded meanwhile, few enough to stay in bounded memory.

    depth: the model's, of photos of more than eight bits a channel. keep_damaged: photos that lack rows are read as far
    as they go, and say so.
    """
    return in_chunks(lambda some: [one(path, px, depth, keep_damaged) for path in some], paths, chunk)


def one(path: Path, px: int, depth: Depth = NO_DEPTH, keep_damaged: bool = False) -> Seen:
    """A photo that cannot be read says why."""
    try:
        data = path.read_bytes()
        made = square(data, px, depth=depth, keep_damaged=keep_damaged)
        return Seen(path, made.pixels, taken(data), depth_doubt=made.doubt, damage=str(made.damage or ""))
    except BadPhoto as error:
        reason = why_not(path.name)  # of a file that was named itself
        return Seen(path, None, problem=f"{error}; {reason}" if reason else str(error))
    except OSError as error:
        return Seen(path, None, problem=f"cannot be read: {error.strerror or error}")
