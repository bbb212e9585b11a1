"""Steps on the way to a device: the exported file, and whether it answers as the network does."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from secateur import __version__, catalogue
from secateur.errors import StepFailed
from secateur.export import onnx, runtime
from secateur.export.parity import TOLERANCE_FP32, agreement
from secateur.files import dump
from secateur.measure.statistics import wilson
from secateur.models import saved
from secateur.records import Measured, Parity
from secateur.steps.context import Context
from secateur.steps.photos import part, snapshot
from secateur.steps.train import plain

BATCH = 64


def export(ctx: Context) -> None:
    """model.onnx"""
    catalogue.named(catalogue.EXPORTS, "export", ctx.params["format"])
    loaded = saved.load(ctx.inputs["model"])
    about = {"secateur.version": __version__, "secateur.backbone": loaded.architecture.backbone}
    synthetic = snapshot(ctx).synthetic
    if synthetic:
        about["secateur.trained_on"] = synthetic
    onnx.export(loaded.model, loaded.preprocess, loaded.labels, ctx.out / "model.onnx", about)


@torch.no_grad()
def parity(ctx: Context) -> None:
    """parity.json: validation photos through both. Raises StepFailed with the figure when they differ."""
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
