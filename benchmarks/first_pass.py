"""Claim: a folder's first pass to 100 px is at least 1.3 times as fast as torchvision's usual way.

Ours: `write_pixels`, decoding, checking every sha256 and writing the store, with all cores, and with torch loaded,
as training needs it anyway. Against: torchvision's ImageFolder, Resize((px, px), antialias=True), ToTensor, through
a DataLoader with a worker a core. Both read the same files; n = the photos under 4 megapixels, the giants apart.
Scanning, which a torchvision user does not do, is added in a second line, without a claim.

    python benchmarks/first_pass.py --photos FOLDER [--px 100] [--rounds 9]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from _shim import interleaved, machine, told, torchvision_parts
from secateur.data.parallel import cores
from secateur.data.pixels import write_pixels
from secateur.data.scan import scan
from secateur.records import Photo

GIANT = 4_000_000  # pixels


def link(root: Path, photos: Sequence[Photo], folder: Path) -> Path:
    """The photos alone in class folders, as ImageFolder wants them."""
    for photo in photos:
        place = folder / photo.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to((root / photo.path).resolve())
    return folder


def torchvision_pass(folder: Path, px: int) -> int:
    from torch.utils.data import DataLoader

    transforms, datasets = torchvision_parts()
    steps = transforms.Compose([transforms.Resize((px, px), antialias=True), transforms.ToTensor()])
    loader = DataLoader(datasets.ImageFolder(str(folder), steps), batch_size=64, num_workers=cores())
    return sum(len(y) for _, y in loader)


def compare(name: str, root: Path, photos: Sequence[Photo], px: int, rounds: int, target: float) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        links = link(root, photos, Path(scratch) / "links")
        # a folder of its own each time: a first pass has no older store to delete
        ours = lambda: write_pixels(root, photos, px, Path(tempfile.mkdtemp(dir=scratch)))  # noqa: E731
        theirs = lambda: torchvision_pass(links, px)  # noqa: E731
        print(told(name, interleaved(ours, theirs, rounds), len(photos), target))
        if len({photo.label for photo in photos}) < 2:
            return  # nothing that a scan accepts
        both = lambda: (scan(links), ours())  # noqa: E731
        print(told(f"{name}, the scan before it included", interleaved(both, theirs, rounds), len(photos), None))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--px", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    snapshot = scan(given.photos)
    root = Path(snapshot.root)
    small = [p for p in snapshot.photos if p.width * p.height < GIANT]
    giants = [p for p in snapshot.photos if p.width * p.height >= GIANT]
    print(machine())
    torchvision_parts()
    compare(f"first pass to {given.px} px", root, small, given.px, given.rounds, 1.3)
    if giants:
        compare(f"giants to {given.px} px", root, giants, given.px, given.rounds, 1.3)


if __name__ == "__main__":
    main()
