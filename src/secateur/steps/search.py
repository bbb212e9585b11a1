"""The step that looks for a cut which meets a target in time, by exporting and timing few of them."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path

import torch

from secateur.files import dump
from secateur.forms import onnx
from secateur.measure.machine import machine
from secateur.measure.search import search
from secateur.models import saved
from secateur.pruning import widths
from secateur.steps import agreeing
from secateur.steps.context import Context
from secateur.steps.rating import rater


def find(ctx: Context) -> None:
    """search.json. Raises StepFailed where no cut meets the target."""
    p, loaded = ctx.params, saved.load(ctx.inputs["model"])
    whole = rater(loaded, p, ctx.inputs).whole()
    shown = agreeing.noise(loaded.architecture.input_px)
    with tempfile.TemporaryDirectory(dir=ctx.work) as folder:
        made: list[Path] = []

        def export(model: torch.nn.Module) -> Path:
            made.append(Path(folder) / f"{len(made)}.onnx")
            onnx.export(model, loaded.preprocess, loaded.labels, made[-1], {})
            return made[-1]

        def build(multiple: int, asked: float) -> tuple[Path, float]:
            goal = whole.reach(asked, "macs", multiple)
            kept = widths.choose(whole.scores, goal.counts)
            model = agreeing.cut(copy.deepcopy(loaded.model), whole.groups, kept, shown)
            return export(model), goal.macs / goal.macs_dense

        dense = export(copy.deepcopy(loaded.model))
        found = search(
            p["config"], p["measure"], 1 - p["target"], p["multiples"], dense, build, machine().cpu, ctx.progress
        )
    dump(found, ctx.out / "search.json")
