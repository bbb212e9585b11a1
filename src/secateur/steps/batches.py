"""What a training draws from: batches of photos, or of the features of a frozen backbone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

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
    if "features" in ctx.inputs:
        found = features.cached(ctx)
        n = len(found.train_labels)
        draw = features.batches(found, size, p["seed"], device)
        return Photos(draw, lambda: features.val_batches(found, device), loading.batch_count(n, size), n)
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
        )

    n = len(train.positions)
    return Photos(batches, lambda: plain(val, device, normal), loading.batch_count(n, size), n)


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
