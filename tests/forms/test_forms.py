"""Every form of file that can be made here: it says what it is, and answers as the network does."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from secateur import catalogue
from secateur.errors import StepFailed
from secateur.forms import onnx, pt2
from secateur.forms.parity import agreement
from secateur.forms.runtime import load
from secateur.measure.program import open_program
from secateur.measure.runtimes import open_model
from secateur.models import saved
from secateur.models.build import build

LABELS = ("fox", "hare", "été «x»")
PHOTOS = np.random.default_rng(3).integers(0, 256, (7, 32, 32, 3), np.uint8)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HERE = [r for r in catalogue.EXPORTS if not r.package or importlib.util.find_spec(r.package.replace("-", "_"))]


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """The CNN with statistics that photos give, so that its answers differ."""
    model = build("cnn", 3, 32, seed=1)
    with torch.no_grad():
        model.train()(torch.rand(64, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    return model.eval()


@pytest.fixture(scope="module")
def onnx_file(network: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("onnx") / "model.onnx"
    onnx.export(network, saved.preprocess_for(32, MEAN, STD), LABELS, file, {"secateur.licence": "none"})
    return file


def made(row: catalogue.Export, network: nn.Module, onnx_file: Path, out: Path) -> Path:
    """The file that is loaded."""
    write = catalogue.load(row.where)
    if row.of == "network":
        write(network, saved.preprocess_for(32, MEAN, STD), LABELS, out, {"secateur.licence": "none"})
    else:
        write(onnx_file, out)
    return out / row.file


def answer(row: catalogue.Export, file: Path) -> np.ndarray:
    if row.runtime == "onnxruntime":
        return load(file).logits(PHOTOS)
    opened = open_program(file) if row.runtime == "torch" else open_model(file, row.runtime, threads=1)
    assert opened.input_px == 32 and opened.dtype == np.uint8
    size = opened.fixed_batch or len(PHOTOS)
    return np.concatenate([np.array(opened.call(PHOTOS[i : i + size])) for i in range(0, len(PHOTOS), size)])


def by_hand(network: nn.Module) -> np.ndarray:
    """Preprocessing outside of any file."""
    x = (torch.from_numpy(PHOTOS).permute(0, 3, 1, 2) / 255 - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(
        STD
    ).view(3, 1, 1)
    with torch.no_grad():
        return network(x).numpy()


@pytest.mark.parametrize("row", [r for r in HERE if r.of != "photos" and r.name != "onnx"], ids=lambda r: r.name)
def test_uint8_photos_in_the_networks_logits_out(row, network, onnx_file, tmp_path):
    logits = answer(row, made(row, network, onnx_file, tmp_path))
    found = agreement(by_hand(network), logits, {"fp32": 1e-4, "fp16": 5e-3, "int8": 5e-2}[row.parity])
    assert found.ok, found
    assert {p.stem for p in tmp_path.iterdir()} == {"model"}, "a file that the bundle would not take along"


def test_half_of_the_bits_take_half_of_the_bytes(network, onnx_file, tmp_path):
    row = catalogue.export("onnx-fp16")
    file = made(row, network, onnx_file, tmp_path)
    assert 0.49 < file.stat().st_size / onnx_file.stat().st_size < 0.55
    read = load(file)
    assert read.labels == LABELS and read.input_px == 32


def test_a_program_of_torch_says_what_it_is(network, onnx_file, tmp_path):
    made(catalogue.export("pt2"), network, onnx_file, tmp_path)
    about = {pt2.ABOUT: ""}
    torch.export.load(tmp_path / "model.pt2", extra_files=about)
    said = json.loads(about[pt2.ABOUT])
    assert json.loads(said["secateur.labels"]) == list(LABELS)
    assert said["secateur.input_px"] == "32" and said["secateur.licence"] == "none"


class Odd(nn.Module):
    """Its path depends on what it sees: no tracer follows it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3)) if x.sum() > 0 else x.amax((2, 3))


@pytest.mark.parametrize("name", [r.name for r in HERE if r.of == "network" and r.name != "onnx"])
def test_what_a_form_cannot_hold_is_one_line(name, tmp_path):
    row = catalogue.export(name)
    with pytest.raises(StepFailed) as found:
        catalogue.load(row.where)(Odd(), saved.preprocess_for(32), LABELS, tmp_path, {})
    assert "\n" not in str(found.value) and ": " in str(found.value)
    assert not (tmp_path / row.file).exists()


@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="needs openvino")
def test_openvino_says_what_it_is(network, onnx_file, tmp_path):
    import openvino as ov

    made(catalogue.export("openvino"), network, onnx_file, tmp_path)
    info = ov.Core().read_model(tmp_path / "model.xml").get_rt_info(["model_info"])
    assert json.loads(str(info["secateur_labels"])) == list(LABELS)
    assert str(info["secateur_input_px"]) == "32"


@pytest.mark.skipif(importlib.util.find_spec("litert_torch") is None, reason="needs litert-torch")
def test_litert_says_what_it_is(network, onnx_file, tmp_path):
    from secateur.forms.litert_about import told

    made(catalogue.export("litert"), network, onnx_file, tmp_path)
    said = told(tmp_path / "model.tflite")
    assert json.loads(said["secateur.labels"]) == list(LABELS) and said["secateur.input_px"] == "32"


@pytest.mark.skipif(importlib.util.find_spec("executorch") is None, reason="needs executorch")
def test_executorch_says_what_it_is(network, onnx_file, tmp_path):
    from executorch.runtime import Runtime

    made(catalogue.export("executorch"), network, onnx_file, tmp_path)
    program = Runtime.get().load_program(tmp_path / "model.pte")
    said = program.load_method("secateur_labels").execute([])[0]
    assert json.loads(said) == list(LABELS)
