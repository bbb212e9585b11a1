"""Steps on photos: who is in which part, and the pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from secateur.data import pixels as storing
from secateur.data import split as splitting
from secateur.files import dump, read
from secateur.records import Snapshot, Split
from secateur.steps.context import Context


def snapshot(ctx: Context) -> Snapshot:
    """The photos of this study."""
    return read(Snapshot, ctx.inputs["snapshot"] / "snapshot.json")


def split(ctx: Context) -> None:
    """split.json"""
    train, val, test = ctx.params["fractions"]
    made = splitting.split(
        snapshot(ctx), rule=ctx.params["rule"], fractions=(train, val, test), seed=ctx.params["seed"]
    )
    dump(made, ctx.out / "split.json")


def pixels(ctx: Context) -> None:
    """pixels.npy: (N, px, px, 3) uint8, in the order of the snapshot."""
    photos = snapshot(ctx)

    def progress(done: int, total: int) -> None:
        ctx.progress(done, total, "photos")

    root, px = Path(photos.root), ctx.params["px"]
    storing.write_pixels(root, photos.photos, px, ctx.out, depth=photos.depth, work=ctx.work, progress=progress)


@dataclass(frozen=True, slots=True)
class Part:
    """One side of the split. Only `evaluate` and `robustness` ask for "test"."""

    pixels: npt.NDArray[np.uint8]  # (N, px, px, 3), all photos, memory-mapped
    positions: npt.NDArray[np.int64]  # (n,) into them
    labels: npt.NDArray[np.int64]  # (N,)
    groups: npt.NDArray[np.int64]  # (N,)
    split_digest: str


def some(side: Part, n: int) -> Part:
    """`n` of a side's photos, always the same ones, in their order."""
    few = np.random.default_rng(0).permutation(len(side.positions))[:n]
    return replace(side, positions=np.sort(side.positions[few]))


def part(ctx: Context, name: str) -> Part:
    """ "train", "val" or "test" of the inputs `split`, `pixels` and `snapshot`."""
    photos = snapshot(ctx).photos
    made = read(Split, ctx.inputs["split"] / "split.json")
    positions: Any = {"train": made.train, "val": made.val, "test": made.test}[name]
    return Part(
        storing.open_pixels(ctx.inputs["pixels"]),
        np.asarray(positions, np.int64),
        np.fromiter((p.label for p in photos), np.int64, len(photos)),
        np.fromiter((p.group for p in photos), np.int64, len(photos)),
        splitting.digest(made),
    )
