"""The step that gathers what gradients or activations say, once for all methods of a seed."""

from __future__ import annotations

from typing import Any

import torch

from secateur.models import prunable, saved
from secateur.pruning import activations, evidence, gradients, obs
from secateur.steps import tracing
from secateur.steps.batches import plain
from secateur.steps.context import Context
from secateur.steps.photos import part, some

PHOTOS = 1024  # of the training side, unless the step says otherwise
FORWARD = 64
BATCH = 8  # small: the square of a mean over many photos is mostly noise that cancelled


def gather(ctx: Context) -> None:
    """evidence.safetensors."""
    torch.set_num_threads(ctx.params["threads"])
    loaded, device, what = saved.load(ctx.inputs["model"]), ctx.params["device"], ctx.params.get("what") or "gradients"
    side = some(part(ctx, "train"), ctx.params.get("photos") or PHOTOS)
    normal = saved.normal(loaded.preprocess)

    def batches() -> Any:
        return plain(side, device, normal, BATCH)

    model = loaded.model.to(device)

    def progress(seen: int) -> None:
        ctx.progress(seen, len(side.positions), "photos")

    if what in ("gradients", "slopes"):
        backward = {"gradients": gradients.gradients, "slopes": gradients.slopes}[what]
        found = backward(model, batches(), device=device, progress=progress)
    elif what == "bends":
        found = gradients.bends(model, batches, device=device, progress=progress)
    elif what in ("inputs", "alive"):
        forward = {"inputs": activations.inputs, "alive": activations.alive}[what]
        found = forward(model, batches(), progress=progress)
    elif what == "removals":

        def weighed(done: int, total: int) -> None:
            ctx.progress(done, total, "weights")

        found = obs.removals(
            model.cpu(), prunable.weights(model), lambda: plain(side, "cpu", normal, FORWARD), progress=weighed
        )
    else:
        found = activations.samples(model, tracing.traced(loaded).groups, batches(), progress=progress)
    evidence.save(found, ctx.out)
