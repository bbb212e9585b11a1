"""The step that gathers what gradients or activations say, once for all methods of a seed."""

from __future__ import annotations

import torch

from secateur.models import saved
from secateur.pruning import activations, channels, evidence, gradients
from secateur.steps.batches import plain
from secateur.steps.context import Context
from secateur.steps.photos import part, some

PHOTOS = 1024  # of the training side
BATCH = 8  # small: the square of a mean over many photos is mostly noise that cancelled


def gather(ctx: Context) -> None:
    """evidence.safetensors."""
    torch.set_num_threads(ctx.params["threads"])
    loaded, device, what = saved.load(ctx.inputs["model"]), ctx.params["device"], ctx.params.get("what") or "gradients"
    side = some(part(ctx, "train"), PHOTOS)
    batches = plain(side, device, saved.normal(loaded.preprocess), BATCH)
    model = loaded.model.to(device)

    def progress(seen: int) -> None:
        ctx.progress(seen, len(side.positions), "photos")

    if what in ("gradients", "slopes"):
        backward = {"gradients": gradients.gradients, "slopes": gradients.slopes}[what]
        found = backward(model, batches, device=device, progress=progress)
    elif what == "inputs":
        found = activations.inputs(model, batches, progress=progress)
    else:
        px = loaded.architecture.input_px
        traced = channels.trace(loaded.model.cpu(), torch.zeros(1, 3, px, px))
        found = activations.samples(model.to(device), traced.groups, batches, progress=progress)
    evidence.save(found, ctx.out)
