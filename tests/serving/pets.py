"""A run of two small networks, made by hand: nothing is trained."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import onnx
import torch

from secateur.files import dump
from secateur.forms import packing
from secateur.forms.onnx import export
from secateur.models import saved
from secateur.models.build import build
from secateur.records import Results

sys.path.append(str(Path(__file__).parents[1] / "report"))
from results_builder import results

CLASSES = ("cat", "<b>dög</b>", "squirrel")


def network(px: int, seed: int, zeros: bool = False) -> torch.nn.Module:
    """That says every class of some photo or other. `zeros`: half of its weights are, as masks leave them: −0.0."""
    model = build("cnn", len(CLASSES), px, seed=seed)
    layers = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    with torch.no_grad():
        for layer in layers:
            layer.weight *= torch.arange(layer.weight[0].numel()).view_as(layer.weight[0]) % 2 if zeros else 1
        coarse = torch.rand((64, 3, 4, 4), generator=torch.Generator().manual_seed(seed))
        logits = model.eval()(torch.nn.functional.interpolate(coarse, (px, px), mode="bilinear"))
        layers[-1].weight *= (scale := 1 / logits.std(0))[:, None]
        layers[-1].bias.copy_((layers[-1].bias - logits.mean(0)) * scale)
    return model


def known(models: Path) -> Results:
    """Results that name the files dense.onnx and cut.onnx."""
    made = results()
    rows = []
    for name, config in (("dense", "cnn/dense"), ("cut", "cnn/filter-l1/0.5")):
        digest = hashlib.sha256((models / f"{name}.onnx").read_bytes()).hexdigest()
        rows.append(replace(next(m for m in made.models if m.config == config), file_sha256=digest))
    return replace(made, name="pets", models=tuple(rows), data=replace(made.data, classes=CLASSES))


def make(folder: Path) -> None:
    """A finished run: dense.onnx (16 px) and cut.onnx (24 px, half of its weights zero) that its results know;
    cut.packed; and mine.onnx that they do not know, which answers as dense.onnx does."""
    models = folder / "models"
    models.mkdir(parents=True)
    for name, px, seed in (("dense", 16, 1), ("cut", 24, 2)):
        model = network(px, seed, zeros=name == "cut")
        export(model, saved.preprocess_for(px), CLASSES, models / f"{name}.onnx", {"secateur.version": "x"})
    (models / "cut.packed").write_bytes(packing.pack((models / "cut.onnx").read_bytes()).content)
    mine = onnx.load(models / "dense.onnx")
    mine.doc_string = "another file"
    onnx.save(mine, models / "mine.onnx")
    dump(known(models), folder / "results.json")
