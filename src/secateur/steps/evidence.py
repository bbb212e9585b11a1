"""The step that gathers what gradients say, once for all methods of a seed."""

from __future__ import annotations

import torch

from secateur.models import saved
from secateur.pruning.evidence import gradients
from secateur.steps.context import Context
from secateur.steps.photos import part, some
from secateur.steps.train import plain

PHOTOS = 1024  # of the training side
BATCH = 8  # small: the square of a mean over many photos is mostly noise that cancelled


def gather(ctx: Context) -> None:
    """evidence.safetensors."""
    torch.set_num_threads(ctx.params["threads"])
    loaded, device = saved.load(ctx.inputs["model"]), ctx.params["device"]
    side = some(part(ctx, "train"), PHOTOS)
    batches = plain(side, device, saved.normal(loaded.preprocess), BATCH)

    def progress(seen: int) -> None:
        ctx.progress(seen, len(side.positions), "photos")

    gradients(loaded.model.to(device), batches, device=device, progress=progress).save(ctx.out)
