"""The step that sends every photo through the frozen backbone, once; and batches of what came out.

Letters: n photos of a part, K views, d features.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from secateur.data import batches as loading
from secateur.models import timm_zoo, weights
from secateur.steps.context import Context
from secateur.steps.photos import part
from secateur.steps.rows import Rows, stack

BATCH = 64
VIEWS_SEED = 0  # one set of views for all training seeds


def features(ctx: Context) -> None:
    """train.npy: (K, n, d) float32, K views of every training photo; val.npy: (n, d), as they are.

    Test photos are not touched. What was computed before a kill is not computed again.
    """
    p = ctx.params
    torch.set_num_threads(p["threads"])
    body = timm_zoo.create(p["backbone"], p["input_px"], 0, p["pool"])
    about = weights.load(body, ctx.inputs["weights"])
    body = body.to(p["device"], memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    train, val = part(ctx, "train"), part(ctx, "val")
    sides = [(f"view{k}", train, p["augment"]) for k in range(p["views"])] + [("val", val, "none")]
    total = sum(len(side.positions) for _, side, _ in sides)
    done = 0
    for number, (name, side, augment) in enumerate(sides):
        kept = Rows(ctx.work / f"{name}.f32", len(side.positions), BATCH)
        done += kept.rows
        batches = loading.batches(
            side.pixels,
            side.positions,
            side.labels,
            batch_size=BATCH,
            seed=VIEWS_SEED,
            epoch=number,
            start=kept.batches,
            shuffle=False,
            augment=augment,
            device=p["device"],
            normal=(about.mean, about.std),
        )
        for x, _ in batches:
            kept.add(run(body, x))
            done += len(x)
            ctx.progress(done, total, "photos")
    views = [Rows(ctx.work / f"{name}.f32", len(side.positions), BATCH) for name, side, _ in sides[:-1]]
    stack(ctx.out / "train.npy", views)
    np.save(ctx.out / "val.npy", Rows(ctx.work / "val.f32", len(val.positions), BATCH).all())


@torch.no_grad()
def run(body: nn.Module, x: Tensor) -> npt.NDArray[np.float32]:
    """(n, 3, h, w), normalised → (n, d)."""
    out: npt.NDArray[np.float32] = body(x).float().cpu().numpy()
    return out


@dataclass(frozen=True, slots=True)
class Cached:
    """Features as they lie in the store, memory-mapped, with the labels of their photos."""

    train: npt.NDArray[np.float32]  # (K, n, d)
    val: npt.NDArray[np.float32]  # (n, d)
    train_labels: npt.NDArray[np.int64]
    val_labels: npt.NDArray[np.int64]


def cached(ctx: Context) -> Cached:
    """Of the input `features`."""
    folder = ctx.inputs["features"]
    train, val = part(ctx, "train"), part(ctx, "val")
    return Cached(
        np.load(folder / "train.npy", mmap_mode="r"),
        np.load(folder / "val.npy", mmap_mode="r"),
        train.labels[train.positions],
        val.labels[val.positions],
    )


def batches(found: Cached, size: int, seed: int, device: str, balanced: bool = False) -> Any:
    """What `Fit` draws training batches from: epoch e sees view (e − 1) mod K of every photo, in the order in which
    whole photos would come."""
    views, n, _ = found.train.shape

    def draw(epoch: int, start: int) -> Iterator[tuple[Tensor, Tensor]]:
        places = loading.order(n, seed, epoch, found.train_labels if balanced else None)
        view = found.train[(epoch - 1) % views]
        for chosen in loading.cuts(places, size, start):
            x = torch.from_numpy(view[chosen]).to(device)
            yield x, torch.from_numpy(found.train_labels[chosen]).to(device)

    return draw


def val_batches(found: Cached, device: str, size: int = 1024) -> Iterator[tuple[Tensor, Tensor]]:
    """Validation features in their own order."""
    for i in range(0, len(found.val), size):
        x = torch.from_numpy(np.array(found.val[i : i + size])).to(device)  # a copy: the file is mapped read-only
        yield x, torch.from_numpy(found.val_labels[i : i + size]).to(device)
