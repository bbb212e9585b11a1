"""Steps that measure: size and work, and the one look at the test photos."""

from __future__ import annotations

import numpy as np
import torch

from secateur.export import runtime
from secateur.files import dump
from secateur.measure import size, work
from secateur.measure.accuracy import evaluate as accuracy
from secateur.models import prunable, saved
from secateur.steps.context import Context
from secateur.steps.photos import part, snapshot


def profile(ctx: Context) -> None:
    """profile.json, sizes.json"""
    folder = ctx.inputs["model"]
    model = saved.load(folder).model
    px = saved.load(folder).architecture.input_px
    made = work.profile(model, torch.zeros(1, 3, px, px), lambda n, m: prunable.why(model, n, m))
    tensors = [(t.numel(), int(torch.count_nonzero(t))) for t in model.state_dict().values()]
    exported = ctx.inputs["export"] / "model.onnx"
    dump(made, ctx.out / "profile.json")
    if ctx.params.get("format") == "onnx-int8":
        dump(size.of_file(exported), ctx.out / "sizes.json")
        return
    dump(
        size.sizes(folder / "weights.safetensors", exported, tensors, made.weight_bytes),
        ctx.out / "sizes.json",
    )


def evaluate(ctx: Context) -> None:
    """evaluation.json: the exported file on the test photos. The only step that is handed them."""
    test = part(ctx, "test")
    model = runtime.load(ctx.inputs["export"] / "model.onnx")
    said = []
    for i in range(0, len(test.positions), 256):
        said.append(model.logits(test.pixels[test.positions[i : i + 256]]).argmax(1))
        ctx.progress(i, len(test.positions), "photos")
    made = accuracy(
        test.labels[test.positions],
        np.concatenate(said),
        snapshot(ctx).classes,
        test.split_digest,
        test.groups[test.positions],
    )
    dump(made, ctx.out / "evaluation.json")
