"""Every form of file that can be made here, of the networks that a study hands over: dense, weights zero, filters cut.

Real ImageNet weights where a package has them; other networks have random ones, whose FP32 forms alone are compared.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from secateur import at_hand, catalogue
from secateur.forms import onnx
from secateur.forms.parity import agreement
from secateur.forms.runtime import load
from secateur.measure.program import open_program
from secateur.measure.runtimes import open_model
from secateur.models import prunable, saved, weights
from secateur.models.build import build
from secateur.pruning import channels, cutting, groups, masks, widths
from secateur.pruning.scores import filter_l1, magnitude

LABELS = [f"class {i}" for i in range(10)]
LITE, HEAD = "tf_efficientnet_lite0", {"pool": "avg", "head": "linear"}
HERE = [r for r in catalogue.EXPORTS if not r.package or importlib.util.find_spec(r.package.replace("-", "_"))]
FORMS = [r for r in HERE if r.parity == "fp32"]


def seen(model: nn.Module, px: int) -> nn.Module:
    """With batch-norm statistics of something like photos."""
    with torch.no_grad():
        model.train()(torch.rand(32, 3, px, px, generator=torch.Generator().manual_seed(0)))
    return model.eval()


def thinned(model: nn.Module, sparsity: float) -> nn.Module:
    own = prunable.weights(model, (), "all")
    scores = {n: magnitude(w, torch.Generator()) for n, w in own.items()}
    masks.apply(own, masks.lowest(scores, sparsity, "global"))
    return model


def cut(model: nn.Module, px: int, multiple: int = 1) -> nn.Module:
    traced = channels.trace(model, torch.zeros(1, 3, px, px))
    sets = groups.cuttable(traced)
    goal = widths.reach(traced, sets, 0.5, "filters", multiple)
    scores = groups.channel_scores(model, sets, filter_l1, torch.Generator())
    cutting.cut_groups(model, sets, widths.choose(scores, goal.counts))
    return model


def lite(px: int) -> nn.Module:
    model, row = build(LITE, 10, px, 0, HEAD), catalogue.backbone(LITE)
    with tempfile.TemporaryDirectory() as folder:
        weights.keep(row, "package", str(at_hand.package_file(row)), "", px, Path(folder))
        weights.load(model.body, Path(folder))
    return model.eval()


NETWORKS: dict[str, tuple[int, Callable[[int], nn.Module]]] = {
    "the CNN": (32, lambda px: seen(build("cnn", 10, px, 1), px)),
    "the CNN, 80 % zeros": (32, lambda px: thinned(seen(build("cnn", 10, px, 1), px), 0.8)),
    "the CNN, cut": (32, lambda px: cut(seen(build("cnn", 10, px, 1), px), px)),
    "Lite0": (96, lite),
    "Lite0, cut": (96, lambda px: seen(cut(lite(px), px, 8), px)),
    "B7, cut": (96, lambda px: seen(cut(build("tf_efficientnet_b7", 10, px, 0, HEAD), px, 8), px)),
}


@pytest.mark.heavy
@pytest.mark.parametrize("name", NETWORKS)
def test_every_form_answers_as_the_network_does(name: str, tmp_path: Path):
    px, make = NETWORKS[name]
    model, about = make(px), saved.preprocess_for(px, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    photos = np.random.default_rng(3).integers(0, 256, (6, px, px, 3), np.uint8)
    with torch.no_grad():
        expected = model((torch.from_numpy(photos).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5).numpy()
    source = tmp_path / "model.onnx"
    onnx.export(model, about, LABELS, source, {})
    assert agreement(expected, load(source).logits(photos)).ok
    for row in FORMS:
        if row.name == "onnx" or (name.startswith("B7") and row.of == "network"):
            continue
        out = tmp_path / row.name
        out.mkdir()
        write = catalogue.load(row.where)
        write(model, about, LABELS, out, {}) if row.of == "network" else write(source, out)
        if row.runtime == "onnxruntime":
            logits = load(out / row.file).logits(photos)
        else:
            opened = (
                open_program(out / row.file) if row.runtime == "torch" else open_model(out / row.file, row.runtime, 0)
            )
            size = opened.fixed_batch or len(photos)
            logits = np.concatenate([np.array(opened.call(photos[i : i + size])) for i in range(0, len(photos), size)])
        found = agreement(expected, logits)
        print(f"{name} as {row.name}: {found.relative_difference:.1e}")
        assert found.ok, (row.name, found)
