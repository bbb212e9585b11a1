"""A study that begins from somebody's saved model: nothing is trained before it is pruned."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from secateur import studying
from secateur.errors import UserError
from secateur.forms import runtime
from secateur.models import saved
from secateur.models.build import build
from secateur.study_file import make

ASKED = {
    "name": "s",
    "bench": 0,
    "input_px": 16,
    "epochs": 1,
    "seeds": [0],
    "sparsities": [0.5],
    "methods": ["magnitude"],
}


def brought(folder: Path, labels: tuple[str, ...]) -> Path:
    """A CNN with weights of its own, as an importer writes it."""
    folder.mkdir()
    model = build("cnn", len(labels), 16, seed=7).eval()
    saved.save(model, folder, backbone="cnn", labels=labels, input_px=16, made={"params": {}})
    return folder


def test_a_model_is_pruned_as_it_was_brought(few_photos: Path, tmp_path: Path):
    names = ["cane", "cavallo", "elefante"]
    start = brought(tmp_path / "theirs", tuple(reversed(names)))
    more = {"folder": str(few_photos), "start": str(start), "threads": 1, "precision": "fp32"}
    results = studying.run(make(ASKED | more, "test"), tmp_path / "runs")
    assert [o for o in results.outcomes if o.state != "made"] == []
    assert {m.config for m in results.models} == {
        "cnn/dense",
        "cnn/dense-int8",
        "cnn/dense-longer",
        "cnn/dense-longer-int8",
        "cnn/magnitude/0.5",
        "cnn/magnitude-int8/0.5",
        "cnn/random/0.5",
        "cnn/random-int8/0.5",
    }
    file = runtime.load(tmp_path / "runs" / "s" / "models" / "dense.onnx")
    assert list(file.labels) == names
    theirs = saved.load(start).model
    photo = torch.randint(0, 256, (2, 16, 16, 3), dtype=torch.uint8)
    said = theirs(photo.permute(0, 3, 1, 2).float() / 255).detach().numpy()
    assert abs(file.logits(photo.numpy()) - said[:, ::-1]).max() < 1e-4


def test_other_classes_are_a_failed_step_that_says_which(few_photos: Path, tmp_path: Path):
    start = brought(tmp_path / "theirs", ("cane", "cavallo", "balena"))
    with pytest.raises(UserError, match="'balena' is known to the model only"):
        studying.run(make(ASKED | {"folder": str(few_photos), "start": str(start)}, "test"), tmp_path / "runs")


def test_a_folder_that_holds_no_model(few_photos: Path, tmp_path: Path):
    with pytest.raises(UserError, match="is no saved model"):
        studying.run(make(ASKED | {"folder": str(few_photos), "start": str(tmp_path)}, "test"), tmp_path / "runs")
