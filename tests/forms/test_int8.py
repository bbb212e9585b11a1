"""INT8 files: smaller, close to what they were made of, and told apart by what they were made for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from secateur.errors import StepFailed
from secateur.forms import onnx as exporting
from secateur.forms import runtime
from secateur.forms.int8 import FAMILY, quantize
from secateur.measure.machine import machine, processor_family
from secateur.models import saved
from secateur.models.build import build
from secateur.steps.deploy import X86

NARROW = processor_family(machine().flags) == X86
PHOTOS = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)


@pytest.fixture(scope="module")
def float_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("int8") / "model.onnx"
    about = {"secateur.version": "x"}
    exporting.export(build("cnn", 3, 32, seed=0).eval(), saved.preprocess_for(32), ("a", "b", "ç"), path, about)
    return path


@pytest.fixture(scope="module")
def int8_file(float_file: Path) -> Path:
    out = float_file.with_name("int8.onnx")
    # as the step does: x86 without VNNI sums two products in 16 bits, which those of 8-bit weights overflow
    quantize(float_file, PHOTOS, out, family="x86 with VNNI", in_16_bits=NARROW)
    return out


def weights(file: Path) -> dict[str, np.ndarray]:
    found = {i.name: onnx.numpy_helper.to_array(i) for i in onnx.load(file).graph.initializer}
    return {name: w for name, w in found.items() if w.dtype == np.int8 and w.ndim > 1}


def test_it_is_a_quarter_of_the_size(float_file: Path, int8_file: Path):
    assert int8_file.stat().st_size < 0.3 * float_file.stat().st_size


def test_it_answers_nearly_as_the_float_file_does(float_file: Path, int8_file: Path):
    others = np.random.default_rng(1).integers(0, 256, (64, 32, 32, 3), np.uint8)
    a, b = runtime.load(float_file).logits(others), runtime.load(int8_file).logits(others)
    assert 0 < np.square(a - b).mean() < 0.05**2 * np.square(a).mean()


def test_labels_size_and_family_stand_in_the_file(int8_file: Path):
    loaded = runtime.load(int8_file)
    assert (loaded.labels, loaded.input_px) == (("a", "b", "ç"), 32)
    told = loaded.session.get_modelmeta().custom_metadata_map
    assert told[FAMILY] == "x86 with VNNI"
    assert told["secateur.version"] == "x"
    assert json.loads(told["secateur.labels"])[2] == "ç"


def test_weights_have_a_scale_for_every_filter(float_file: Path, int8_file: Path):
    assert weights(int8_file)
    graph = onnx.load(int8_file).graph
    scales = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
    of = {n.input[0]: scales[n.input[1]] for n in graph.node if n.op_type == "DequantizeLinear"}
    for name, weight in weights(int8_file).items():
        assert len(of[name]) in weight.shape
        assert len(np.unique(of[name])) > 1


def test_the_same_photos_give_the_same_file(float_file: Path, int8_file: Path):
    again = float_file.with_name("again.onnx")
    quantize(float_file, PHOTOS, again, family="x86 with VNNI", in_16_bits=NARROW)
    assert again.read_bytes() == int8_file.read_bytes()


def test_too_few_photos_are_refused(float_file: Path, tmp_path: Path):
    with pytest.raises(StepFailed, match="at least 20 photos to calibrate with, got 19"):
        quantize(float_file, PHOTOS[:19], tmp_path / "x.onnx", family="x86")
    assert not list(tmp_path.iterdir())


def test_the_run_time_keeps_the_layers_names(int8_file: Path, tmp_path: Path):
    options = onnxruntime.SessionOptions()
    options.enable_profiling, options.profile_file_prefix = True, str(tmp_path / "profile")
    session = onnxruntime.InferenceSession(int8_file, options, providers=["CPUExecutionProvider"])
    session.run(None, {"photos": PHOTOS[:1]})
    events = json.loads(Path(session.end_profiling()).read_text())
    heavy = [e["name"] for e in events if e.get("args", {}).get("op_name") in ("QLinearConv", "Conv", "FusedConv")]
    assert any(name.startswith("conv1/") for name in heavy), heavy
