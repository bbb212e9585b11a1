"""Steps that write the files that are deployed: ONNX, and its INT8 version."""

from __future__ import annotations

import json
import shutil

from secateur.forms import int8, onnx
from secateur.measure.machine import machine, processor_family
from secateur.models import saved
from secateur.models.architecture import to_json
from secateur.steps.context import Context
from secateur.steps.convert import about
from secateur.steps.photos import part, some

X86 = "x86 without VNNI"


def export(ctx: Context) -> None:
    """model.onnx"""
    loaded = saved.load(ctx.inputs["model"])
    file, said = ctx.out / "model.onnx", about(ctx, loaded)
    onnx.export(loaded.model, loaded.preprocess, loaded.labels, file, said, built(loaded))


def built(loaded: saved.Saved) -> str:
    """All that says how a network is built: with it and its weights (mean and deviation of photos among them) it is
    built again whenever it is loaded."""
    return json.dumps(to_json(loaded.architecture) | {"kept": None}, sort_keys=True)


def quantize(ctx: Context) -> None:
    """model.onnx, history.json: the INT8 version of an exported file, and how its network was trained."""
    few = some(part(ctx, "train"), int8.PHOTOS)
    family = processor_family(machine().flags)
    source = ctx.inputs["export"] / "model.onnx"
    int8.quantize(source, few.pixels[few.positions], ctx.out / "model.onnx", family=family, in_16_bits=family == X86)
    if (history := ctx.inputs["model"] / "history.json").is_file():  # none where it was pruned, and not trained on
        shutil.copy(history, ctx.out / "history.json")
