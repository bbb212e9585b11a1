"""Claim: each later epoch loads at least 10 times as fast plain, and 3 times with the study's augmentation.

Ours: `batches` from the store. Against: the same torchvision loader doing it all again, with torchvision's
RandomHorizontalFlip and RandomAffine(20°, 20 %) on the resized photo for the second claim. Loader only; n =
the photos under 4 megapixels; batch 64, shuffled, a DataLoader worker a core.

    python benchmarks/epoch_loader.py --photos FOLDER [--px 100] [--rounds 7]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from _shim import interleaved, machine, told, torchvision_parts
from first_pass import GIANT, link
from secateur.data.batches import batches
from secateur.data.parallel import cores
from secateur.data.pixels import open_pixels, write_pixels
from secateur.data.scan import scan
from secateur.records import Photo


def torchvision_epoch(folder: Path, px: int, augmented: bool) -> int:
    from torch.utils.data import DataLoader

    transforms, datasets = torchvision_parts()
    bilinear = transforms.InterpolationMode.BILINEAR
    moved = [
        transforms.RandomHorizontalFlip(),
        transforms.RandomAffine(20, translate=(0.2, 0.2), interpolation=bilinear),
    ]
    steps = [transforms.Resize((px, px), antialias=True), *(moved if augmented else []), transforms.ToTensor()]
    folder_set = datasets.ImageFolder(str(folder), transforms.Compose(steps))
    loader = DataLoader(folder_set, batch_size=64, shuffle=True, num_workers=cores())
    return sum(len(y) for _, y in loader)


def compare(root: Path, photos: Sequence[Photo], px: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        links = link(root, photos, Path(scratch) / "links")
        store = Path(scratch) / "store"
        store.mkdir()
        write_pixels(root, photos, px, store)
        pixels, labels = open_pixels(store), [p.label for p in photos]

        def epoch(augment: str) -> int:
            made = batches(pixels, range(len(photos)), labels, batch_size=64, seed=0, epoch=1, augment=augment)
            return sum(len(y) for _, y in made)

        for name, rule, target in (("plain", "none", 10.0), ("study's augmentation", "study", 3.0)):
            pairs = interleaved(
                lambda rule=rule: epoch(rule),
                lambda rule=rule: torchvision_epoch(links, px, rule != "none"),
                rounds,
            )
            print(told(f"later epoch at {px} px, {name}", pairs, len(photos), target))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--px", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    snapshot = scan(given.photos)
    small = [p for p in snapshot.photos if p.width * p.height < GIANT]
    print(machine())
    compare(Path(snapshot.root), small, given.px, given.rounds)


if __name__ == "__main__":
    main()
