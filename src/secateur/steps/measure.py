"""Steps that measure: size and work, and the one look at the test photos, as they are and made worse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from secateur.checking import FILE
from secateur.files import dump
from secateur.forms import packing, runtime
from secateur.measure import size, work
from secateur.measure.accuracy import evaluate as accuracy
from secateur.measure.calibration import reliability
from secateur.measure.robustness import robustness as corrupted
from secateur.models import prunable, saved
from secateur.records import Evaluation
from secateur.steps.context import Context
from secateur.steps.photos import part, snapshot, some


def profile(ctx: Context) -> None:
    """profile.json, sizes.json"""
    folder = ctx.inputs["model"]
    loaded = saved.load(folder)
    model, px = loaded.model, loaded.architecture.input_px
    made = work.profile(model, torch.zeros(1, 3, px, px), lambda n, m: prunable.why(model, n, m))
    tensors = [(t.numel(), int(torch.count_nonzero(t))) for t in model.state_dict().values()]
    exported = ctx.inputs["export"] / "model.onnx"
    dump(made, ctx.out / "profile.json")
    packed = len(packing.pack(exported.read_bytes()).content)
    if ctx.params.get("format") == "onnx-int8":
        dump(size.of_file(exported, packed), ctx.out / "sizes.json")
        return
    weights = folder / "weights.safetensors"
    dump(size.sizes(weights, exported, tensors, made.weight_bytes, packed), ctx.out / "sizes.json")


def evaluate(ctx: Context) -> None:
    """evaluation.json: the exported file on the test photos."""
    dump(evaluated(ctx, "test"), ctx.out / "evaluation.json")


def evaluated(ctx: Context, side: str) -> Evaluation:
    """What the exported file gets right of one side of the split."""
    test = part(ctx, side)
    model = runtime.load(ctx.inputs["export"] / "model.onnx")
    said = []
    for i in range(0, len(test.positions), 256):
        said.append(model.logits(test.pixels[test.positions[i : i + 256]]))
        ctx.progress(i, len(test.positions), "photos")
    logits, labels = np.concatenate(said), test.labels[test.positions]
    groups = test.groups[test.positions]
    made = accuracy(labels, logits.argmax(1), snapshot(ctx).classes, test.split_digest, groups)
    found = reliability(runtime.softmax(logits), labels, groups)
    return replace(made, reliability=found)


def robustness(ctx: Context) -> None:
    """robustness.json: exported files on some of the test photos, made worse; tolerant: a file that was not made is
    left out."""
    test = some(part(ctx, "test"), ctx.params["photos"])
    files = {
        role.removeprefix(FILE): runtime.load(folder / "model.onnx").logits
        for role, folder in ctx.inputs.items()
        if role.startswith(FILE)
    }
    labels, groups = test.labels[test.positions], test.groups[test.positions]
    against = ctx.params["against"]
    found = corrupted(files, test.pixels, test.positions, labels, groups, against, ctx.progress)
    dump(found, ctx.out / "robustness.json")
