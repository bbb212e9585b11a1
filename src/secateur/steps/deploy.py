"""Steps on the way to a device: the exported file, and whether it answers as the network does."""

from __future__ import annotations

import shutil

import numpy as np
import numpy.typing as npt
import torch

from secateur import __version__, catalogue
from secateur.errors import StepFailed
from secateur.export import int8, onnx, runtime
from secateur.export.parity import INT8_LOSES, TOLERANCE_FP32, agreement, loses_too_much
from secateur.files import dump
from secateur.measure.machine import machine, processor_family
from secateur.measure.statistics import wilson
from secateur.models import saved
from secateur.records import Measured, Parity
from secateur.steps.batches import plain
from secateur.steps.context import Context
from secateur.steps.photos import part, snapshot, some

BATCH = 64
X86 = "x86 without VNNI"


def export(ctx: Context) -> None:
    """model.onnx"""
    catalogue.named(catalogue.EXPORTS, "export", ctx.params["format"])
    loaded = saved.load(ctx.inputs["model"])
    about = {"secateur.version": __version__, "secateur.backbone": loaded.architecture.backbone}
    synthetic = snapshot(ctx).synthetic
    if synthetic:
        about["secateur.trained_on"] = synthetic
    onnx.export(loaded.model, loaded.preprocess, loaded.labels, ctx.out / "model.onnx", about)


def quantize(ctx: Context) -> None:
    """model.onnx, history.json: the INT8 version of an exported file, and how its network was trained."""
    few = some(part(ctx, "train"), int8.PHOTOS)
    family = processor_family(machine().flags)
    int8.quantize(
        ctx.inputs["export"] / "model.onnx",
        few.pixels[few.positions],
        ctx.out / "model.onnx",
        family=family,
        reduce_range=family == X86,
    )
    shutil.copy(ctx.inputs["model"] / "history.json", ctx.out / "history.json")


def parity(ctx: Context) -> None:
    """parity.json: validation photos through both. Raises StepFailed with the figure when they differ."""
    if ctx.params.get("format") == "onnx-int8":
        _int8_parity(ctx)
    else:
        _parity(ctx)


def _int8_parity(ctx: Context) -> None:
    """An INT8 file is not to lose more than a point of accuracy to the file it was made of."""
    val = part(ctx, "val")
    both = []
    for done, role in enumerate(("float", "export")):
        file = runtime.load(ctx.inputs[role] / "model.onnx")
        both.append(
            np.concatenate(
                [file.logits(val.pixels[val.positions[i : i + BATCH]]) for i in range(0, len(val.positions), BATCH)]
            )
        )
        ctx.progress(done + 1, 2, "files")
    true, n = val.labels[val.positions], len(val.positions)
    before, after = (int((logits.argmax(1) == true).sum()) for logits in both)
    if loses_too_much(before, after, n):
        raise StepFailed(
            f"INT8 loses {100 * (before - after) / n:.1f} points on {n:,} validation photos (allowed 1): "
            f"{before / n:.1%} to {after / n:.1%}"
        )
    agreed = agreement(both[0], both[1])
    low, high = wilson(after, n)
    accuracy = Measured(after / n, "fraction", low, high, n, "Wilson over validation photos")
    equal = float((both[0].argmax(1) == both[1].argmax(1)).mean())
    difference, ties = agreed.relative_difference, agreed.near_ties
    dump(Parity(n, difference, INT8_LOSES, equal == 1.0, ties, accuracy, True, equal), ctx.out / "parity.json")


@torch.no_grad()
def _parity(ctx: Context) -> None:
    val = part(ctx, "val")
    loaded = saved.load(ctx.inputs["model"])
    exported = runtime.load(ctx.inputs["export"] / "model.onnx")
    n = len(val.positions)
    said: list[npt.NDArray[np.float32]] = []
    answered: list[npt.NDArray[np.float32]] = []
    for x, _ in plain(val, normal=saved.normal(loaded.preprocess), size=BATCH):
        at = sum(map(len, said))
        said.append(loaded.model(x).numpy())
        answered.append(exported.logits(val.pixels[val.positions[at : at + len(x)]]))
        ctx.progress(at, n, "photos")
    network, file = np.concatenate(said), np.concatenate(answered)
    agreed = agreement(network, file)
    if not agreed.ok:
        raise StepFailed(
            f"the ONNX file does not answer as the network: logits differ by {agreed.relative_difference:.2g} "
            f"of the largest (allowed {TOLERANCE_FP32:g}), decisions equal: {agreed.decisions_equal}"
        )
    right = int((file.argmax(1) == val.labels[val.positions]).sum())
    low, high = wilson(right, n)
    accuracy = Measured(right / n, "fraction", low, high, n, "Wilson over validation photos")
    dump(
        Parity(
            n,
            agreed.relative_difference,
            TOLERANCE_FP32,
            agreed.decisions_equal,
            agreed.near_ties,
            accuracy,
            agreed.ok,
        ),
        ctx.out / "parity.json",
    )
