"""A short probe of this machine: what one photo costs in training and in testing, and what an export costs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import psutil
import torch
from torch import nn

from secateur import catalogue
from secateur.arms import is_transfer, recipe_for
from secateur.errors import UserError
from secateur.forms import onnx
from secateur.measure.clock import median_seconds
from secateur.models import saved
from secateur.models.build import build
from secateur.settings import Study
from secateur.steps import reaching
from secateur.steps.deploy import built
from secateur.training.fit import Fit, Photos

LARGE = 4  # photos in the probe of a timm network: a step of B7 takes gigabytes
SMALL = 2  # photos of a second step, beside which a batch's fixed cost is seen


def options_of(study: Study) -> dict[str, str]:
    """What of a study shapes a timm network; the CNN has no options."""
    return {"pool": study.pool, "head": study.head} if is_transfer(study) else {}


def check(study: Study, classes: int) -> None:
    """Raises UserError when the device is missing, and whatever `reaching.check` does."""
    if study.device == "cuda" and not torch.cuda.is_available():
        raise UserError("device 'cuda' is not here: torch sees no NVIDIA GPU; allowed: cpu")
    reaching.check(study, classes)


def probe(study: Study, classes: int) -> dict[str, float]:
    """The fields of budget.Costs, from a few batches and one export of the dense network: seconds, not minutes."""
    torch.set_num_threads(study.threads or torch.get_num_threads())
    whole = recipe_for(study, study.recipe, "all")
    recipe = catalogue.load(catalogue.named(catalogue.RECIPES, "recipe", whole).where)
    model = build(study.backbone, classes, study.input_px, options=options_of(study))
    px, n = study.input_px, min(int(recipe.batch_size), LARGE if is_transfer(study) else int(recipe.batch_size))
    x = torch.rand(n, 3, px, px).contiguous(memory_format=torch.channels_last).to(study.device)
    y = torch.arange(n, device=study.device) % classes
    photos = Photos(lambda epoch, start: [(x, y)], lambda: [(x[:2], y[:2])], 1, n)
    fit = Fit(model, recipe, photos, epochs=1, seed=0, precision=study.precision, device=study.device)
    whole_step = median_seconds(lambda: fit._step(x, y))
    small_step = median_seconds(lambda: fit._step(x[:SMALL], y[:SMALL]))
    train = a_photo(whole_step, small_step, n, int(recipe.batch_size))
    with torch.no_grad():
        evaluate = median_seconds(lambda: model.eval()(x))
    memory = psutil.Process().memory_info().rss
    model.cpu()
    with tempfile.TemporaryDirectory() as folder:
        seconds = _export(study, model, tuple(str(i) for i in range(classes)), Path(folder))
    return {
        "train_seconds": train,
        "eval_seconds": evaluate / n,
        "export_seconds": seconds,
        "model_bytes": sum(t.numel() * t.element_size() for t in model.state_dict().values()),
        "memory_bytes": memory,
    }


def _export(study: Study, model: nn.Module, labels: tuple[str, ...], folder: Path) -> float:
    """Seconds. What is traced here is not traced again by the study's own exports in this process."""
    options = options_of(study)
    saved.save(model, folder, backbone=study.backbone, labels=labels, input_px=study.input_px, made={}, options=options)
    loaded, file = saved.load(folder, mapped=False), folder / "model.onnx"
    words = built(loaded)

    def once() -> None:
        onnx.export(loaded.model, loaded.preprocess, labels, file, {}, words)

    return median_seconds(once, warm_ups=0, runs=1)


def a_photo(whole: float, small: float, n: int, batch: int) -> float:
    """Seconds a photo in batches of `batch`, from a step of n photos and one of SMALL: what a step costs by itself
    (the optimiser's pass over all weights) is shared by its photos."""
    if n >= batch or n <= SMALL:
        return whole / n
    each = max((whole - small) / (n - SMALL), 0.5 * whole / n)  # two clocks: never half of what was seen
    return each + max(whole - n * each, 0.0) / batch
