"""Steps that write the files that are deployed: ONNX, and its INT8 version."""

from __future__ import annotations

import shutil

from secateur.export import int8, onnx
from secateur.measure.machine import machine, processor_family
from secateur.models import saved
from secateur.steps.context import Context
from secateur.steps.convert import about
from secateur.steps.photos import part, some

X86 = "x86 without VNNI"


def export(ctx: Context) -> None:
    """model.onnx"""
    loaded = saved.load(ctx.inputs["model"])
    onnx.export(loaded.model, loaded.preprocess, loaded.labels, ctx.out / "model.onnx", about(ctx, loaded))


def quantize(ctx: Context) -> None:
    """model.onnx, history.json: the INT8 version of an exported file, and how its network was trained."""
    few = some(part(ctx, "train"), int8.PHOTOS)
    family = processor_family(machine().flags)
    source = ctx.inputs["export"] / "model.onnx"
    int8.quantize(source, few.pixels[few.positions], ctx.out / "model.onnx", family=family, reduce_range=family == X86)
    shutil.copy(ctx.inputs["model"] / "history.json", ctx.out / "history.json")
