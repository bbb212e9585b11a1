"""What a training draws from: batches of photos, or of the features of a frozen backbone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from secateur.data import batches as loading
from secateur.steps import features
from secateur.steps.context import Context
from secateur.steps.photos import Part, part
from secateur.training.fit import Photos

VAL_BATCH = 256
Normal = tuple[list[float], list[float]] | None


def drawn(ctx: Context, normal: Normal = None) -> Photos:
    """What the loop draws from: photos, or the features of a frozen backbone."""
    p = ctx.params
    size, device = int(p["recipe"]["batch_size"]), p["device"]
    balanced = p["recipe"].get("balance") == "sampling"
    if "features" in ctx.inputs:
        found = features.cached(ctx)
        n = len(found.train_labels)
        draw = features.batches(found, size, p["seed"], device, balanced)
        counts = np.bincount(found.train_labels)
        batched = loading.batch_count(n, size)
        return Photos(draw, lambda: features.val_batches(found, device), batched, n, tuple(counts.tolist()))
    train, val = part(ctx, "train"), part(ctx, "val")

    def batches(epoch: int, start: int) -> Any:
        return loading.batches(
            train.pixels,
            train.positions,
            train.labels,
            batch_size=size,
            seed=p["seed"],
            epoch=epoch,
            start=start,
            augment=p["augment"],
            device=device,
            normal=normal,
            balanced=balanced,
        )

    n = len(train.positions)
    counts = np.bincount(train.labels[train.positions])
    return Photos(batches, lambda: plain(val, device, normal), loading.batch_count(n, size), n, tuple(counts.tolist()))


def plain(side: Part, device: str = "cpu", normal: Normal = None, size: int = VAL_BATCH) -> Iterator[Any]:
    """Batches of a part in its own order, as they are."""
    return loading.batches(
        side.pixels,
        side.positions,
        side.labels,
        batch_size=size,
        seed=0,
        epoch=0,
        shuffle=False,
        device=device,
        normal=normal,
    )
