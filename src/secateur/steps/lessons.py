"""The step that asks a teacher about every view of every training photo, once for all networks that learn from it.

Order and augmentation are a function of (seed, epoch, batch), so that what it says of a batch is the same for all.
Letters: E epochs, n training photos, c classes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from secateur.models import saved
from secateur.steps.batches import drawn
from secateur.steps.context import Context
from secateur.steps.rows import Rows, stack
from secateur.training.backward import pieces

AT_ONCE = 32  # photos: EfficientNet-B7 at 224 px takes 0.6 GB for so many, and no gradient is kept


@torch.no_grad()
def lessons(ctx: Context) -> None:
    """lessons.npy: (E, n, c) float32, the teacher's logits in the order in which a training of this seed sees its
    photos. What was computed before a kill is not computed again."""
    p = ctx.params
    torch.set_num_threads(p["threads"])
    loaded = saved.load(ctx.inputs["teacher"])
    device = torch.device(p["device"])
    whole = loaded.model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    teacher = (whole.head if "features" in ctx.inputs else whole).eval()
    photos = drawn(ctx, saved.normal(loaded.preprocess))
    epochs, size, n = p["epochs"], p["recipe"]["batch_size"], photos.train_photos
    kept = [Rows(ctx.work / f"epoch{epoch}.f32", n, size) for epoch in range(1, epochs + 1)]
    done = sum(rows.rows for rows in kept)
    for epoch, rows in enumerate(kept, start=1):
        for x, _ in photos.train(epoch, rows.batches):
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=p["precision"] == "bf16"):
                said = torch.cat([teacher(part).float() for part in pieces(x, AT_ONCE)])
            rows.add(said.cpu().numpy())
            done += len(x)
            ctx.progress(done, epochs * n, f"epoch {epoch}/{epochs}")
    stack(ctx.out / "lessons.npy", kept)


def open_lessons(folder: Path) -> npt.NDArray[np.float32]:
    """(E, n, c), memory-mapped."""
    found: npt.NDArray[np.float32] = np.load(folder / "lessons.npy", mmap_mode="r")
    return found
