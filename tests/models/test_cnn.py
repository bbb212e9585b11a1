"""The study's network: its published counts, its saved form."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from secateur.errors import UserError
from secateur.measure.work import profile
from secateur.models import architecture, prunable, saved
from secateur.models.build import build
from secateur.pruning import channels, masks, scores

LABELS = tuple(f"class {i}" for i in range(10))
GENERATOR = torch.Generator()


def keras_count(model: nn.Module, px: int) -> int:
    return profile(model, torch.zeros(1, 3, px, px), lambda name, module: "").parameters_keras


def cut(model: nn.Module, ratio: float, px: int) -> dict[str, list[int]]:
    layers = {n: m for n, m in prunable.layers(model) if isinstance(m, nn.Conv2d)}
    kept = channels.kept_after({n: scores.filter_l1(m.weight, GENERATOR) for n, m in layers.items()}, ratio)
    channels.cut(model, kept, torch.zeros(1, 3, px, px))
    return kept


def warm(model: nn.Module) -> nn.Module:
    """Running statistics that are not 0 and 1."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return model.eval()


@pytest.mark.parametrize(("px", "expected"), [(100, 5_011_242), (64, 2_389_802)])
def test_parameters_as_keras_counts_them(px: int, expected: int):
    assert keras_count(build("cnn", 10, px), px) == expected


def test_trainable_parameters():
    made = profile(build("cnn", 10, 100), torch.zeros(1, 3, 100, 100), lambda n, m: "")
    assert made.parameters == 5_009_834
    assert made.not_counted == ()


@pytest.mark.parametrize(
    ("ratio", "widths", "expected"),
    [
        (0.3, [23, 23, 45, 45, 90, 90], 3_465_462),
        (0.5, [16, 16, 32, 32, 64, 64], 2_436_122),
        (0.7, [10, 10, 20, 20, 39, 39], 1_469_515),
        (0.9, [4, 4, 7, 7, 13, 13], 486_607),
    ],
)
def test_the_four_published_ratios(ratio: float, widths: list[int], expected: int):
    model = build("cnn", 10, 100)
    kept = cut(model, ratio, 100)
    assert [len(k) for k in kept.values()] == widths
    assert keras_count(model, 100) == expected


@pytest.mark.parametrize(("classes", "px"), [(2, 8), (3, 33), (17, 48)])
def test_other_sizes_and_classes(classes: int, px: int):
    assert build("cnn", classes, px).eval()(torch.zeros(2, 3, px, px)).shape == (2, classes)


def test_too_small_a_photo_is_refused():
    with pytest.raises(UserError, match="at least 8 px, got 7"):
        build("cnn", 10, 7)


def test_the_same_seed_gives_the_same_weights():
    first, again, other = (build("cnn", 10, 16, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


def test_hand_worked_multiply_adds():
    # conv1: 32 filters of 3·3·3 at 8·8 places; fc1: 128·1·1 inputs to 256; fc2: 256 to 10.
    made = profile(build("cnn", 10, 8), torch.zeros(1, 3, 8, 8), lambda n, m: "")
    macs = {row.name: row.macs for row in made.layers}
    assert macs["conv1"] == 32 * 27 * 64 == 55_296
    assert macs["conv3"] == 64 * 32 * 9 * 16 == 294_912
    assert macs["fc1"] == 128 * 256
    assert macs["fc2"] == 2_560
    assert macs["bn1"] == macs["pool1"] == 0
    assert made.macs == sum(macs.values())


READ_BACK = """
import sys, torch
from secateur.models import saved
loaded = saved.load(__import__("pathlib").Path(sys.argv[1]))
assert "torch_pruning" not in sys.modules
x = torch.load(sys.argv[2], weights_only=True)
assert torch.equal(loaded.model(x["x"]), x["y"]), "outputs differ"
assert all(p.requires_grad for p in loaded.model.parameters())
"""


@pytest.mark.parametrize("ratio", [0.0, 0.37, 0.9])
def test_a_saved_model_comes_back_bit_equal_in_a_fresh_process(tmp_path: Path, ratio: float):
    model = build("cnn", 10, 32, seed=3)
    kept = cut(model, ratio, 32)
    warm(model)
    x = torch.rand(4, 3, 32, 32)
    torch.save({"x": x, "y": model(x).detach()}, tmp_path / "x.pt")
    folder = tmp_path / "model"
    folder.mkdir()
    saved.save(model, folder, backbone="cnn", labels=LABELS, input_px=32, made={}, kept=kept)
    done = subprocess.run(
        [sys.executable, "-c", READ_BACK, str(folder), str(tmp_path / "x.pt")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_masks_come_back(tmp_path: Path):
    model = build("cnn", 10, 16)
    weights = prunable.weights(model)
    found = masks.lowest({n: scores.magnitude(w, GENERATOR) for n, w in weights.items()}, 0.83)
    masks.apply(weights, found)
    saved.save(model, tmp_path, backbone="cnn", labels=LABELS, input_px=16, made={}, masks=found)
    loaded = saved.load(tmp_path)
    assert loaded.masks.keys() == found.keys()
    assert all(torch.equal(loaded.masks[n], found[n]) for n in found)
    assert loaded.labels == LABELS


def saved_folder(tmp_path: Path) -> Path:
    saved.save(build("cnn", 10, 16), tmp_path, backbone="cnn", labels=LABELS, input_px=16, made={})
    return tmp_path


@pytest.mark.parametrize("name", ["architecture.json", "weights.safetensors", "labels.json", "preprocess.json"])
def test_a_missing_or_broken_file_is_named(tmp_path: Path, name: str):
    folder = saved_folder(tmp_path)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=name):
        saved.load(folder)
    (folder / name).unlink()
    with pytest.raises(UserError, match=name):
        saved.load(folder)


def test_a_pickle_in_place_of_weights_runs_nothing(tmp_path: Path):
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    folder = saved_folder(tmp_path)
    (folder / "weights.safetensors").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(UserError, match="safetensors"):
        saved.load(folder)
    assert not (tmp_path / "ran").exists()


def test_the_first_tensor_that_does_not_fit_is_named(tmp_path: Path):
    folder = saved_folder(tmp_path)
    file = folder / "architecture.json"
    content = json.loads(file.read_text())
    content["classes"] = 11
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"fc2.weight.*\[10, 256\], expected \[11, 256\]"):
        saved.load(folder)


def test_an_architecture_may_set_only_whole_numbers_that_are_there(tmp_path: Path):
    folder = saved_folder(tmp_path)
    file = folder / "architecture.json"
    content = json.loads(file.read_text())
    content["attributes"] = {"conv1": {"forward": 1}}
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"conv1\.forward"):
        saved.load(folder)


def test_a_format_of_the_future_is_refused():
    with pytest.raises(UserError, match="format 99"):
        architecture.from_json({"format": 99})


def test_what_can_be_pruned_and_why_not():
    model = build("cnn", 10, 16)
    said = {n: prunable.why(model, n, m) for n, m in model.named_modules() if n}
    assert said["conv1"] == "weights, filters"
    assert said["fc1"] == "weights, hidden units"
    assert "classes" in said["fc2"]
    assert said["bn1"].startswith("no")
