"""Running statistics of batch norms, taken anew.

With weights that were trained past frozen statistics, or cut, the stored averages are those of another network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from secateur.training.norms import norms


@torch.no_grad()
def recalibrate(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    device: str | torch.device,
    autocast: AbstractContextManager[object] | None = None,
) -> int:
    """Mean and variance of every batch norm become the plain averages over `batches`; returns how many photos
    these were. Changes `model` in place and leaves its modes and momenta as they were.

    batches: x float32 (n, 3, h, w) or (n, d), y unused. Batch norms look at their batch, everything else stands as it
    does when predicting, so nothing is left to chance. A batch of one photo is passed over: it has no variance.

    Raises ValueError where no batch has two photos; the statistics are then as they were.
    """
    found = norms(model)
    modes = [(m, m.training) for m in model.modules()]
    momenta = [m.momentum for m in found]
    photos = 0
    try:
        model.eval()
        for norm in found:
            norm.training, norm.momentum = True, None  # None: the average of all batches, each counted the same
        for x, _ in batches:
            if len(x) < 2:
                continue
            if not photos:
                for norm in found:
                    norm.reset_running_stats()
            with autocast or nullcontext():
                model(x.to(device))
            photos += len(x)
    finally:
        for norm, momentum in zip(found, momenta, strict=True):
            norm.momentum = momentum
        for module, mode in modes:
            module.training = mode
    if not photos:
        raise ValueError("recalibration needs a batch of at least two photos")
    return photos


def recalibrate_if_better(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    before: float,
    validate: Callable[[], float],
    *,
    device: str | torch.device,
    autocast: AbstractContextManager[object] | None = None,
) -> str:
    """As `recalibrate`; undone where the validation loss is not at most `before`, since weights may have learnt to live
    with the old statistics. Returns what was done, in words."""
    old = {name: buffer.clone() for name, buffer in model.named_buffers()}
    photos = recalibrate(model, batches, device=device, autocast=autocast)
    after = validate()
    better = after <= before
    if not better:
        for name, buffer in model.named_buffers():
            buffer.copy_(old[name])
    done = "recalibrated" if better else "left as they were; recalibrated"
    return f"batch norms {done} on {photos} photos: validation loss {before:.4f} → {after:.4f}"
