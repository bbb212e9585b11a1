"""Claim: looking for missing rows takes a scan under 10 % more time.

Ours: `read_facts`, with all that it looks for. Against: the same with nothing looked for, and grey JPEGs decoded by
Pillow, as before; both on one thread, interleaved, of the same photos as they are, and as JPEG (baseline and
progressive) of the same sizes. Processor time, since others may use the machine.

    python benchmarks/damage.py --photos FOLDER [--number 150] [--rounds 9]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

from PIL import Image

from _shim import machine
from secateur.data import images
from secateur.data.facts import read_facts


def plain(paths: Sequence[Path]) -> None:
    with ExitStack() as stack:
        for name in ("of_jpeg", "unsaid", "of_webp", "zeros_in_picture"):
            stack.enter_context(patch.object(images, name, lambda *_: ""))
        stack.enter_context(patch.object(images, "_jpeg", lambda *_: None))
        ours(paths)


def ours(paths: Sequence[Path]) -> None:
    for path in paths:
        read_facts(path)


def seconds(way, paths: Sequence[Path]) -> float:
    began = time.process_time()
    way(paths)
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--number", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    every = sorted(p for p in given.photos.rglob("*") if p.suffix.lower() in (".webp", ".jpg", ".jpeg", ".png"))
    photos = every[:: max(1, len(every) // given.number)][: given.number]
    print(machine())
    with tempfile.TemporaryDirectory() as scratch:
        kinds = {"as they are": photos}
        for name, options in (("JPEG", {}), ("progressive JPEG", {"progressive": True})):
            kinds[name] = [Path(scratch) / f"{name} {i}.jpg" for i in range(len(photos))]
            for path, out in zip(photos, kinds[name], strict=True):
                with Image.open(path) as image:
                    image.convert("RGB").save(out, quality=85, **options)
        for name, paths in kinds.items():
            seconds(ours, paths), seconds(plain, paths)
            ratios = []
            for turn in range(given.rounds):
                ways = (ours, plain) if turn % 2 else (plain, ours)
                took = {way: seconds(way, paths) for way in ways}
                ratios.append(took[ours] / took[plain])
            low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
            print(f"{name}: {middle:.3f} [{low:.3f}, {high:.3f}] of its time, {len(paths)} photos, n {given.rounds}")


if __name__ == "__main__":
    main()
