"""One file with its preprocessing inside, answering as the network does, without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from secateur.errors import UserError
from secateur.forms import onnx as exporting
from secateur.forms import runtime
from secateur.forms.parity import agreement
from secateur.models import saved
from secateur.models.build import build

LABELS = ("cat", "dög", "<script>")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    exporting.export(network(), saved.preprocess_for(16), LABELS, path, {"secateur.version": "x"})
    return path


def network() -> torch.nn.Module:
    model = build("cnn", 3, 16, seed=4)
    torch.manual_seed(1)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, std=0.3)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    return model.eval()


@pytest.mark.parametrize("n", [1, 2, 7, 130])
def test_uint8_photos_in_the_networks_logits_out(file: Path, n: int):
    photos = np.random.default_rng(n).integers(0, 256, (n, 16, 16, 3), np.uint8)
    with torch.no_grad():
        expected = network()(torch.from_numpy(photos).permute(0, 3, 1, 2).float() / 255).numpy()
    agreed = agreement(expected, runtime.load(file).logits(photos))
    assert agreed.ok, agreed


def test_labels_and_size_stand_in_the_file(file: Path):
    loaded = runtime.load(file)
    assert loaded.labels == LABELS
    assert loaded.input_px == 16


def test_the_file_names_no_path_of_this_machine(file: Path):
    content = file.read_bytes()
    assert str(Path(__file__).parents[2]).encode() not in content
    assert b"site-packages" not in content
    onnx.checker.check_model(onnx.load(file))


def test_it_runs_without_torch(file: Path):
    code = (
        "import sys, numpy as np; from pathlib import Path; from secateur.forms import runtime\n"
        "runtime.load(Path(sys.argv[1])).logits(np.zeros((1, 16, 16, 3), np.uint8))\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_foreign_model_is_refused(tmp_path: Path):
    x = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    y = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, tmp_path / "foreign.onnx")
    with pytest.raises(UserError, match="names no labels"):
        runtime.load(tmp_path / "foreign.onnx")


def test_a_truncated_file_is_refused(file: Path, tmp_path: Path):
    (tmp_path / "half.onnx").write_bytes(file.read_bytes()[:5000])
    with pytest.raises(UserError, match=r"half\.onnx"):
        runtime.load(tmp_path / "half.onnx")


def test_agreement_sees_a_wrong_file():
    logits = np.array([[2.0, 1.0], [0.5, 0.50001]], np.float32)
    assert agreement(logits, logits).ok
    assert agreement(logits, logits).near_ties == 1
    assert not agreement(logits, logits + np.float32(0.01)).ok
    assert not agreement(logits, logits[:, ::-1]).decisions_equal
    assert not agreement(logits, logits * np.nan).ok


def test_what_is_built_alike_is_traced_once_and_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    traced = []
    real = torch.onnx.export
    monkeypatch.setattr(torch.onnx, "export", lambda *a, **more: traced.append(1) or real(*a, **more))
    monkeypatch.setattr(exporting, "_traced", {})
    for seed in (0, 1):
        model = build("cnn", 3, 16, seed=seed)
        about = saved.preprocess_for(16, (0.1 * seed, 0.2, 0.3), (0.5, 0.4, 0.3 + seed))  # weights, as it were
        for name, built in (("alone", ""), ("kept", "the CNN at 16 px")):
            exporting.export(model, about, LABELS, tmp_path / f"{name}{seed}.onnx", {}, built)
        assert (tmp_path / f"kept{seed}.onnx").read_bytes() == (tmp_path / f"alone{seed}.onnx").read_bytes()
    assert len(traced) == 3  # alone twice, kept once
    assert (tmp_path / "kept0.onnx").read_bytes() != (tmp_path / "kept1.onnx").read_bytes()


def test_few_traces_are_kept_and_none_of_a_large_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exporting, "_traced", {})
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2))
    for n in range(exporting.KEPT + 1):
        exporting.export(network, saved.preprocess_for(8), LABELS[:2], tmp_path / "m.onnx", {}, f"network {n}")
    assert list(exporting._traced) == [f"network {n}" for n in range(1, exporting.KEPT + 1)]
    monkeypatch.setattr(exporting, "MOST", 100)
    exporting.export(network, saved.preprocess_for(8), LABELS[:2], tmp_path / "m.onnx", {}, "large")
    assert "large" not in exporting._traced


def test_attention_with_a_table_of_places_behind_it(tmp_path: Path):
    """timm's fused attention, which torch's decomposition cannot lay out here: exported as the products that it is, and
    fused again afterwards."""
    net = build("test_vit_relpos", 3, 64, 1, {"pool": "avg", "head": "linear"}).eval()
    exporting.export(net, saved.preprocess_for(64), LABELS, tmp_path / "model.onnx", {})
    photos = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    with torch.no_grad():
        expected = net(torch.from_numpy(photos).permute(0, 3, 1, 2).float() / 255).numpy()
    assert agreement(expected, runtime.load(tmp_path / "model.onnx").logits(photos)).ok
    fused = [module.fused_attn for module in net.modules() if hasattr(module, "fused_attn")]
    assert fused and all(fused)
