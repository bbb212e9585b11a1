"""The step that gathers what gradients or activations say, once for all methods of a seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from secateur.data import batches as loading
from secateur.models import prunable, saved
from secateur.pruning import activations, evidence, gradients, obs
from secateur.pruning.evidence import Evidence
from secateur.pruning.groups import Group
from secateur.steps import tracing
from secateur.steps.batches import Normal, plain
from secateur.steps.context import Context
from secateur.steps.photos import Part, part, some
from secateur.training.norms import halves, norms

PHOTOS = 1024  # of the training side, unless the step says otherwise
FORWARD = 8
MOMENTS = 64
ALONE = 1  # the square of a mean over several photos is mostly noise that cancelled
MIXED = {"connections": 128, "bends": 50}  # batch norms take their statistics: as many as SNIP's and GraSP's authors
PIXELS, LEAST = 48, 16  # photos of so many pixels are taken so many at a time; of larger ones fewer, as memory allows


def gather(ctx: Context) -> None:
    """evidence.safetensors."""
    torch.set_num_threads(ctx.params["threads"])
    loaded, device, what = saved.load(ctx.inputs["model"]), ctx.params["device"], ctx.params.get("what") or "gradients"
    side = some(part(ctx, "train"), ctx.params.get("photos") or PHOTOS)

    def progress(done: int, total: int, unit: str) -> None:
        ctx.progress(done, total, unit)

    px, normal = loaded.architecture.input_px, saved.normal(loaded.preprocess)
    found = tracing.traced(loaded).groups if what == "samples" else ()
    evidence.save(look(what, loaded.model, side, px, found, device, normal, progress), ctx.out)


def look(
    what: str,
    model: nn.Module,
    side: Part,
    px: int,
    found: Sequence[Group] = (),
    device: str = "cpu",
    normal: Normal = None,
    progress: Callable[[int, int, str], None] = lambda *_: None,
) -> Evidence:
    """One kind of evidence (a `Need`) about a network, on photos. `found`: its groups of channels, for "samples"."""

    def batches(size: int) -> Any:
        return plain(side, device, normal, size)

    def seen(photos: int) -> None:
        progress(photos, len(side.positions), "photos")

    def weighed(done: int, total: int) -> None:
        progress(done, total, "weights")

    if what == "removals":
        return obs.removals(
            model.cpu(), prunable.weights(model), lambda: plain(side, "cpu", normal, MOMENTS), progress=weighed
        )
    if what == "samples":
        return activations.samples(model.to(device), found, batches(FORWARD), progress=seen)
    model = model.to(device)
    if what in ("gradients", "slopes"):
        backward = {"gradients": gradients.gradients, "slopes": gradients.slopes}[what]
        return backward(model, batches(ALONE), device=device, progress=seen)
    if what in MIXED:
        # The batch norms of a body are held still when it is trained, and then a photo does not need its batch.
        pair = halves(model)
        held = norms(pair[0]) if pair else []
        size = FORWARD if pair else max(LEAST, int(MIXED[what] * min(1.0, (PIXELS / px) ** 2)))
        if what == "connections":
            mixed = _mixed(side, size, device, normal)
            return gradients.connections(model, mixed, device=device, progress=seen, held=held)
        return gradients.bends(
            model, lambda: _mixed(side, size, device, normal), device=device, progress=seen, held=held
        )
    return {"inputs": activations.inputs, "alive": activations.alive}[what](model, batches(FORWARD), progress=seen)


def _mixed(side: Part, most: int, device: str, normal: Normal) -> Any:
    """Batches of nearly one size, at most that, classes mixed: photos lie class by class, and the statistics of one
    class are not those that a training sees."""
    n = len(side.positions)
    size = -(-n // -(-n // most))
    own: Any = np.asarray(side.positions)
    return loading.batches(
        side.pixels, own, side.labels, batch_size=size, seed=0, epoch=0, shuffle=True, device=device, normal=normal
    )
