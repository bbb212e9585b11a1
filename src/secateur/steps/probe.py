"""A short probe of this machine: what one photo costs in training and in testing, and what an export costs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import psutil
import torch

from secateur import catalogue
from secateur.errors import NotKnown, UserError
from secateur.export import onnx
from secateur.measure.clock import median_seconds
from secateur.models import prunable, saved
from secateur.models.build import build
from secateur.settings import Study
from secateur.training.fit import Fit, Photos


def check(study: Study, classes: int) -> None:
    """Raises NotKnown when a method spares a layer that the network has not, UserError when the device is missing."""
    if study.device == "cuda" and not torch.cuda.is_available():
        raise UserError("device 'cuda' is not here: torch sees no NVIDIA GPU; allowed: cpu")
    found = dict(prunable.layers(build(study.backbone, classes, study.input_px)))
    for choice in study.methods:
        for name in choice.spare:
            if name not in found:
                raise NotKnown(f"method '{choice.name}': layer to spare", name, found)


def probe(study: Study, classes: int) -> dict[str, float]:
    """The fields of budget.Costs, from a few batches and one export of the dense network: seconds, not minutes."""
    torch.set_num_threads(study.threads or torch.get_num_threads())
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
    return {
        "train_seconds": train / n,
        "eval_seconds": evaluate / n,
        "export_seconds": seconds,
        "model_bytes": sum(t.numel() * t.element_size() for t in model.state_dict().values()),
        "memory_bytes": memory,
    }
