"""A short probe of this machine: what one photo costs in training and in testing, and what an export costs."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
import torch

from secateur import catalogue
from secateur.errors import NotKnown
from secateur.export import onnx
from secateur.measure.clock import median_seconds
from secateur.models import prunable, saved
from secateur.models.build import build
from secateur.settings import Study
from secateur.training.fit import Fit, Photos


@dataclass(frozen=True, slots=True)
class Probe:
    """Costs on this machine."""

    train_seconds: float  # a photo, forward and backward and step
    eval_seconds: float  # a photo, forward
    export_seconds: float  # a model
    model_bytes: int
    memory_bytes: int  # of this process at the end of the probe


def check_layers(study: Study, classes: int) -> None:
    """Raises NotKnown when a method spares a layer that the network has not."""
    found = dict(prunable.layers(build(study.backbone, classes, study.input_px)))
    for choice in study.methods:
        for name in choice.spare:
            if name not in found:
                raise NotKnown(f"method '{choice.name}': layer to spare", name, found)


def probe(study: Study, classes: int) -> Probe:
    """A few batches and one export of the dense network; seconds, not minutes."""
    recipe = catalogue.load(catalogue.named(catalogue.RECIPES, "recipe", study.recipe).where)
    model = build(study.backbone, classes, study.input_px)
    px, n = study.input_px, int(recipe.batch_size)
    x = torch.rand(n, 3, px, px).contiguous(memory_format=torch.channels_last).to(study.device)
    y = torch.arange(n, device=study.device) % classes
    photos = Photos(lambda epoch, start: [(x, y)], lambda: [(x[:2], y[:2])], 1, n)
    fit = Fit(model, recipe, photos, epochs=1, seed=0, precision=study.precision, device=study.device)
    train = median_seconds(lambda: fit._step(x, y))
    evaluate = median_seconds(lambda: model(x))
    memory = psutil.Process().memory_info().rss
    model.cpu()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        labels = tuple(str(i) for i in range(classes))
        about = saved.preprocess_for(px)
        seconds = median_seconds(lambda: onnx.export(model, about, labels, file, {}), warm_ups=1, runs=1)
    values = sum(t.numel() * t.element_size() for t in model.state_dict().values())
    return Probe(train / n, evaluate / n, seconds, values, memory)


def as_dict(made: Probe) -> dict[str, Any]:
    """For the store."""
    return asdict(made)
