"""What was cut by heads and by groups is kept as data, built again, and exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from secateur.forms import onnx
from secateur.measure import work
from secateur.models import saved
from secateur.models.build import build
from secateur.pruning import channels, widths
from secateur.pruning.cutting import cut_groups

OPTIONS = {"pool": "avg", "head": "linear"}


@pytest.mark.parametrize(
    ("backbone", "px"), [("vit_tiny_patch16_224", 32), ("regnety_002", 32), ("efficientvit_m0", 64), ("skresnet18", 32)]
)
def test_a_cut_network_is_kept_and_exported(backbone: str, px: int, tmp_path: Path):
    model = build(backbone, 4, px, 1, OPTIONS).eval()
    traced = channels.trace(model, torch.zeros(1, 3, px, px))
    goal = widths.reach(traced, traced.groups, 0.6, "macs", 8)
    kept = {g.name: list(range(g.size - goal.counts[g.name], g.size)) for g in traced.groups}
    cut_groups(model, traced.groups, kept)
    assert work.profile(model, torch.zeros(1, 3, px, px), lambda n, m: "").macs == goal.macs <= 0.6 * goal.macs_dense
    preprocess = {"input_px": px, "mean": [0.5] * 3, "std": [0.5] * 3}
    folder = tmp_path / "saved"
    folder.mkdir()
    saved.save(
        model,
        folder,
        backbone=backbone,
        labels=tuple("abcd"),
        input_px=px,
        made={},
        masks=None,
        kept=kept,
        options=OPTIONS,
        preprocess=preprocess,
    )
    again = saved.load(folder).model
    pixels = torch.randint(0, 256, (2, px, px, 3), dtype=torch.uint8)
    x = (pixels.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5
    with torch.no_grad():
        said = model(x)
        assert torch.equal(again(x), said)
    onnx.export(again, preprocess, tuple("abcd"), tmp_path / "model.onnx", {})
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (logits,) = session.run(None, {session.get_inputs()[0].name: pixels.numpy()})
    assert np.abs(logits - said.numpy()).max() <= 1e-4 * float(said.abs().max())
