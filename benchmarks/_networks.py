"""The networks of PROTOCOL's table of speeds, with random weights, cut and exported: each file is made once."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from secateur.forms.onnx import export
from secateur.models import prunable
from secateur.models.build import build
from secateur.pruning import channels, cutting, groups, masks, widths
from secateur.pruning.scores import filter_l1, magnitude

PX = 224
# name → (backbone, ratio of every layer's filters that goes, widths are multiples of, part of the weights that is zero)
TABLE: dict[str, tuple[str, float, int, float]] = {
    "b0": ("efficientnet_b0", 0.0, 1, 0.0),
    "b0-30": ("efficientnet_b0", 0.3, 1, 0.0),
    "b0-30-by-8": ("efficientnet_b0", 0.3, 8, 0.0),
    "b0-50-by-8": ("efficientnet_b0", 0.5, 8, 0.0),
    "b0-90-zeros": ("efficientnet_b0", 0.0, 1, 0.9),
    "resnet18": ("resnet18", 0.0, 1, 0.0),
    "resnet18-30": ("resnet18", 0.3, 1, 0.0),
    "resnet18-30-by-16": ("resnet18", 0.3, 16, 0.0),
    "resnet18-90-zeros": ("resnet18", 0.0, 1, 0.9),
}


def made(name: str, folder: Path) -> tuple[Path, float]:
    """(the exported file, the part of the dense network's multiply-adds that is left)."""
    backbone, ratio, multiple, zeros = TABLE[name]
    file, kept = folder / f"{name}.onnx", folder / f"{name}.macs"
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        model = build(backbone, 10, PX, 0, {"pool": "avg", "head": "linear"}).eval()
        traced = channels.trace(model, torch.zeros(1, 3, PX, PX))
        left = 1.0
        if ratio:
            left = _cut(model, traced, ratio, multiple)
        if zeros:
            weights = prunable.weights(model, (), "all")
            scores = {n: magnitude(w, torch.Generator()) for n, w in weights.items()}
            masks.apply(weights, masks.lowest(scores, zeros, "global"))
        kept.write_text(f"{left}")
        preprocess = {"input_px": PX, "mean": [0.5] * 3, "std": [0.5] * 3}
        export(model, preprocess, [f"class {i}" for i in range(10)], file, {})
    return file, float(kept.read_text())


def _cut(model: nn.Module, traced: groups.Traced, ratio: float, multiple: int) -> float:
    sets = groups.cuttable(traced)
    goal = widths.reach(traced, sets, ratio, "filters", multiple)
    scores = groups.channel_scores(model, sets, filter_l1, torch.Generator())
    cutting.cut_groups(model, sets, widths.choose(scores, goal.counts))
    return goal.macs / goal.macs_dense
