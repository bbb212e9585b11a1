"""Does a file answer as it should? On validation photos, for every file that is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from secateur import catalogue
from secateur.errors import StepFailed
from secateur.files import dump
from secateur.forms import runtime
from secateur.forms.parity import (
    FP16_ALIKE,
    FP16_LOSES,
    INT8_LOSES,
    TOLERANCE_FP32,
    Agreement,
    agreement,
    loses_too_much,
)
from secateur.measure.runtimes import open_model
from secateur.measure.statistics import wilson
from secateur.models import saved
from secateur.records import Measured, Parity
from secateur.steps.batches import plain
from secateur.steps.context import Context
from secateur.steps.photos import part

BATCH = 64
Logits = npt.NDArray[np.float32]  # (n, classes)
Report = Callable[[float, float, str], None]


def parity(ctx: Context) -> None:
    """parity.json: validation photos through both, the network and its ONNX file, or that and another file that was
    made of it. Raises StepFailed with the figure when they differ by more than the form allows."""
    if "format" not in ctx.params:
        _network_parity(ctx)
        return
    row = catalogue.export(ctx.params["format"])
    val = part(ctx, "val")
    files = (ctx.inputs["float"] / "model.onnx", "onnxruntime"), (ctx.inputs["export"] / row.file, row.runtime)
    before, after = (_answers(file, kind, val, ctx.progress) for file, kind in files)
    _same_shape(before, after)
    true = val.labels[val.positions]
    agreed = agreement(before, after)
    alike = float((before.argmax(1) == after.argmax(1)).mean())
    right = [int((said.argmax(1) == true).sum()) for said in (before, after)]
    tolerance = _allowed(row, agreed, alike, right[0], right[1], len(true))
    _dump(ctx, agreed, after, true, tolerance, alike)


def _allowed(row: catalogue.Export, agreed: Agreement, alike: float, before: int, after: int, n: int) -> float:
    """The tolerance that was kept. Raises StepFailed with the figure where none was. `before`, `after`: photos that the
    two files have right, of n."""
    if row.parity == "int8":
        if loses_too_much(before, after, n):
            raise StepFailed(
                f"INT8 loses {100 * (before - after) / n:.1f} points on {n:,} validation photos (allowed 1): "
                f"{before / n:.1%} to {after / n:.1%}"
            )
        return INT8_LOSES
    if row.parity == "fp16":
        if alike < FP16_ALIKE:
            raise StepFailed(
                f"the {row.name} file decides {alike:.2%} of {n:,} validation photos as the FP32 file does "
                f"(allowed {FP16_ALIKE:.1%})"
            )
        return FP16_LOSES
    if not agreed.ok:
        raise StepFailed(f"the {row.name} file does not answer as the ONNX file: {_differ(agreed)}")
    return TOLERANCE_FP32


def _differ(agreed: Agreement) -> str:
    return (
        f"logits differ by {agreed.relative_difference:.2g} of the largest (allowed {TOLERANCE_FP32:g}), "
        f"decisions equal: {agreed.decisions_equal}"
    )


def _same_shape(before: Logits, after: Logits) -> None:
    if before.shape != after.shape:
        raise StepFailed(f"the file answers with {after.shape[1:]} numbers a photo, not {before.shape[1:]}")


def _answers(file: Path, kind: str, val: Any, progress: Report) -> Logits:
    """(n, classes) of all validation photos, as many at a time as the file takes."""
    n, size = len(val.positions), BATCH
    if kind == "onnxruntime":
        answer: Callable[[Any], Any] = runtime.load(file).logits
    elif kind == "torch":
        answer = catalogue.load("secateur.measure.program:open_program")(file).call
    else:
        opened = open_model(file, kind, threads=0)
        answer, size = opened.call, opened.fixed_batch or BATCH
    found = []
    for i in range(0, n, size):
        found.append(np.array(answer(val.pixels[val.positions[i : i + size]])))
        progress(i, n, f"photos through {file.name}")
    return np.concatenate(found)


@torch.no_grad()
def _network_parity(ctx: Context) -> None:
    val = part(ctx, "val")
    loaded = saved.load(ctx.inputs["model"])
    exported = runtime.load(ctx.inputs["export"] / "model.onnx")
    n = len(val.positions)
    said: list[Logits] = []
    answered: list[Logits] = []
    for x, _ in plain(val, normal=saved.normal(loaded.preprocess), size=BATCH):
        at = sum(map(len, said))
        said.append(loaded.model(x).numpy())
        answered.append(exported.logits(val.pixels[val.positions[at : at + len(x)]]))
        ctx.progress(at, n, "photos")
    network, file = np.concatenate(said), np.concatenate(answered)
    agreed = agreement(network, file)
    if not agreed.ok:
        raise StepFailed(f"the ONNX file does not answer as the network: {_differ(agreed)}")
    _dump(ctx, agreed, file, val.labels[val.positions], TOLERANCE_FP32)


def _dump(
    ctx: Context, agreed: Agreement, said: Logits, true: npt.NDArray[Any], tolerance: float, alike: float = 1.0
) -> None:
    right, n = int((said.argmax(1) == true).sum()), len(true)
    low, high = wilson(right, n)
    accuracy = Measured(right / n, "fraction", low, high, n, "Wilson over validation photos")
    equal = agreed.decisions_equal if tolerance == TOLERANCE_FP32 else alike == 1.0
    dump(
        Parity(n, agreed.relative_difference, tolerance, equal, agreed.near_ties, accuracy, True, alike),
        ctx.out / "parity.json",
    )
