"""Where photos of several places go below one folder: two cards that are both called DCIM are told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from secateur.names import nfc


@dataclass(frozen=True, slots=True)
class Below:
    """A photo's path below the folder of its class."""

    folders: tuple[tuple[Path, Path], ...]  # a folder that was named, and what its photos go under
    alone: Mapping[Path, Path]  # a photo that was named itself, and where it goes

    def __call__(self, source: Path) -> Path:
        if source in self.alone:
            return self.alone[source]
        for root, under in self.folders:
            if source.is_relative_to(root):
                return under / source.relative_to(root)
        return Path(source.name)


def below(places: Sequence[Path]) -> Below:
    """Of one folder, the paths in it; of several, with as much of the folders' own paths in front as tells them apart.
    Photos that were named themselves go by their names, or with their folders in front where two have one name."""
    real = {place: place.resolve() for place in dict.fromkeys(places)}
    folders = [place for place in real if place.is_dir()]
    alone = [place for place in real if not place.is_dir()]
    under = told_apart([real[place] for place in folders])
    one = len(under) == 1 and not alone
    names = Counter(_same(place.name) for place in alone)
    parents = told_apart([real[place].parent for place in alone])
    several = len(names) < len({real[place] for place in alone})
    return Below(
        tuple((place, Path() if one else under[real[place]]) for place in folders),
        {place: (parents[real[place].parent] if several else Path()) / place.name for place in alone},
    )


def told_apart(folders: Sequence[Path]) -> dict[Path, Path]:
    """Folder → the end of its path that no other one has, whatever the case: its name, or "card1/DCIM"."""
    parts = {folder: folder.parts[1:] or ("root",) for folder in folders}
    found = {}
    for folder, own in parts.items():
        length = 1
        while length < len(own) and any(
            _end(own, length) == _end(other, length) for f, other in parts.items() if f != folder
        ):
            length += 1
        found[folder] = Path(*own[-length:])
    return found


def _end(parts: tuple[str, ...], length: int) -> list[str]:
    return [_same(part) for part in parts[-length:]]


def _same(name: str) -> str:
    """Names for which this is equal are one name where letters' case does not count."""
    return nfc(nfc(name).casefold())
