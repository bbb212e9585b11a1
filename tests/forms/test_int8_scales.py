"""Eight bits where two products are summed in sixteen: no pair overflows, and more is kept than with seven."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from torch import nn

from secateur.forms import int8, int8_scales, runtime
from secateur.forms import onnx as exporting
from secateur.measure.machine import machine, processor_family
from secateur.models import saved
from secateur.steps.deploy import X86

PX = 16
HERE = processor_family(machine().flags) == X86
PHOTOS = np.random.default_rng(0).integers(0, 256, (64, PX, PX, 3), np.uint8)
MOST = 32767 / 255  # of two weights of one sign, at the largest activation


def network(alike: bool) -> nn.Sequential:
    """Three kinds of convolution, one of them depthwise and one in groups, and a dense layer. `alike`: of every filter
    the weights are nearly equal, which is what overflows; else drawn from a bell curve, as trained ones look."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 24, 3, padding=1),
        nn.ReLU6(),
        nn.Conv2d(24, 24, 3, padding=1, groups=24),
        nn.ReLU6(),
        nn.Conv2d(24, 32, 3, padding=1, groups=2),
        nn.ReLU6(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 5),
    )
    with torch.no_grad():
        for layer in model:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                each = torch.randn(len(layer.weight)).reshape(-1, *[1] * (layer.weight.dim() - 1))
                near = 0.8 + 0.2 * torch.rand_like(layer.weight)
                n = layer.weight[0].numel()
                layer.weight.copy_(8 * each * near / n if alike else torch.randn_like(layer.weight) * (2 / n) ** 0.5)
    return model.eval()


def exported(folder: Path, alike: bool) -> Path:
    exporting.export(network(alike), saved.preprocess_for(PX), tuple("abcde"), folder / "model.onnx", {}, "the same")
    return folder / "model.onnx"


@pytest.fixture(scope="module")
def float_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tmp_path_factory.mktemp("scales"), True)


def rounded(file: Path) -> dict[str, np.ndarray]:
    """8-bit weights by their layers."""
    graph = onnx.load(file).graph
    arrays = {i.name: onnx.numpy_helper.to_array(i).astype(int) for i in graph.initializer if i.data_type == 3}
    return {name: w for name, w in arrays.items() if w.ndim > 1}


@given(st.integers(1, 4), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_the_largest_pair_by_force(o: int, d: int, seed: int):
    rows = np.random.default_rng(seed).normal(size=(o, d))
    for row, most in zip(rows, int8_scales.paired(rows), strict=True):
        pairs = [row[i : i + 2] for i in range(0, d, 2)]
        sums = [abs(p[np.sign(p) == sign].sum()) for p in pairs for sign in (1, -1)]
        assert most == pytest.approx(max(sums))
        q = np.rint(row / (most / int8_scales.LARGEST))
        assert all(abs(q[i : i + 2][np.sign(q[i : i + 2]) == s].sum()) <= MOST for i in range(0, d, 2) for s in (1, -1))


def test_no_pair_of_neighbours_overflows_and_depthwise_keeps_all_bits(float_file: Path, tmp_path: Path):
    int8.quantize(float_file, PHOTOS, tmp_path / "q.onnx", family="x86", in_16_bits=True)
    found = rounded(tmp_path / "q.onnx")
    assert len(found) == 4
    for w in found.values():
        alone = w.ndim == 4 and w.shape[1] == 1
        if alone:
            assert (np.abs(w).reshape(len(w), -1).max(1) == 127).all()
            continue
        rows = (np.moveaxis(w, 1, -1) if w.ndim == 4 else w).reshape(len(w), -1)
        rows = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2))).reshape(len(w), -1, 2)
        assert max(np.maximum(rows, 0).sum(2).max(), np.maximum(-rows, 0).sum(2).max()) <= MOST


def test_whole_numbers_say_what_floats_say(float_file: Path, tmp_path: Path):
    """And on a processor that sums in 16 bits, all eight bits of every weight do not: the control shows something."""
    int8.quantize(float_file, PHOTOS, tmp_path / "q.onnx", family="x86", in_16_bits=True)
    int8.quantize(float_file, PHOTOS, tmp_path / "full.onnx", family="x86")
    assert not int8_scales.overflows(tmp_path / "q.onnx", PHOTOS)
    assert int8_scales.overflows(tmp_path / "full.onnx", PHOTOS) == HERE


def test_it_errs_less_than_seven_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Which are what it falls back to where the run-time is seen to overflow."""
    float_file = exported(tmp_path, False)
    others = np.random.default_rng(1).integers(0, 256, (64, PX, PX, 3), np.uint8)
    said = runtime.load(float_file).logits(others)
    int8.quantize(float_file, PHOTOS, tmp_path / "eight.onnx", family="x86", in_16_bits=True)
    monkeypatch.setattr(int8, "overflows", lambda file, photos: True)
    int8.quantize(float_file, PHOTOS, tmp_path / "seven.onnx", family="x86", in_16_bits=True)
    assert all(np.abs(w).max() <= 64 for w in rounded(tmp_path / "seven.onnx").values())
    off = {n: np.square(runtime.load(tmp_path / f"{n}.onnx").logits(others) - said).mean() for n in ("eight", "seven")}
    assert off["eight"] < 0.7 * off["seven"]


def told(file: Path) -> str:
    return {p.key: p.value for p in onnx.load(file).metadata_props}[int8.WEIGHTS]


def test_of_both_the_one_is_taken_that_errs_less_on_this_network(float_file: Path, tmp_path: Path):
    """Weights of one size are whole numbers in seven bits, and fall between two in pairs."""
    model = network(False)
    with torch.no_grad():
        for layer in model:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                layer.weight.copy_(layer.weight.sign() * (2 / layer.weight[0].numel()) ** 0.5)
    exporting.export(model, saved.preprocess_for(PX), tuple("abcde"), tmp_path / "m.onnx", {}, "the same")
    bell = exported(tmp_path, False)
    for file, expected, most in ((tmp_path / "m.onnx", "7 bits", 64), (bell, "8 bits, pairs within 16", 127)):
        int8.quantize(file, PHOTOS, tmp_path / "q.onnx", family="x86", in_16_bits=True)
        assert told(tmp_path / "q.onnx") == expected
        assert max(np.abs(w).max() for w in rounded(tmp_path / "q.onnx").values()) == most
        assert not int8_scales.overflows(tmp_path / "q.onnx", PHOTOS)
    int8.quantize(float_file, PHOTOS, tmp_path / "full.onnx", family="x86 with VNNI")
    assert told(tmp_path / "full.onnx") == "8 bits"


def test_a_dead_filter_has_the_scale_of_its_neighbours_noise(tmp_path: Path):
    """Its bias, in units of its own tiny weights, would be no number of 32 bits."""
    model = network(False)
    with torch.no_grad():
        model[0].weight[0] *= 1e-9
        model[8].weight.zero_()
    exporting.export(model, saved.preprocess_for(PX), tuple("abcde"), tmp_path / "m.onnx", {}, "the same")
    found = {name: [r["scale"] for r in rows] for name, rows in int8_scales.scales(tmp_path / "m.onnx").items()}
    first, last = (next(rows for rows in found.values() if len(rows) == n) for n in (24, 5))
    assert first[0] == pytest.approx(int8_scales.DEAD * max(first)) and all(0 < s < np.inf for s in last)
    int8.quantize(tmp_path / "m.onnx", PHOTOS, tmp_path / "q.onnx", family="x86", in_16_bits=True)
    assert not int8_scales.overflows(tmp_path / "q.onnx", PHOTOS)


def test_products_with_matrices_have_scales_along_their_outputs(tmp_path: Path):
    chance = np.random.default_rng(3)
    shapes = {"a": (3, 8), "b": (8, 6), "c": (5, 6)}  # MatMul; Gemm as it is; Gemm transposed
    tensors = [helper.make_tensor(n, TensorProto.FLOAT, s, chance.normal(size=s).ravel()) for n, s in shapes.items()]
    nodes = [
        helper.make_node("Cast", ["photos"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "a"], ["ya"]),
        helper.make_node("Gemm", ["ya", "b"], ["yb"]),
        helper.make_node("Gemm", ["yb", "c"], ["logits"], transB=1),
    ]
    axes = helper.make_tensor("axes", TensorProto.INT64, (2,), [1, 2])
    photos = helper.make_tensor_value_info("photos", TensorProto.UINT8, ["n", PX, PX, 3])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 5])
    graph = helper.make_graph(nodes, "g", [photos], [logits], [*tensors, axes])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, tmp_path / "m.onnx")
    found = int8_scales.scales(tmp_path / "m.onnx")
    assert {n: (len(rows), rows[0]["axis"]) for n, rows in found.items()} == {"a": (8, 1), "b": (6, 1), "c": (5, 0)}
    int8.quantize(tmp_path / "m.onnx", PHOTOS, tmp_path / "q.onnx", family="x86", in_16_bits=True)
    assert not int8_scales.overflows(tmp_path / "q.onnx", PHOTOS)
