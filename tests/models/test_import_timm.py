"""Somebody's timm classifier as ours: the same logits, and one line for all that cannot be taken apart."""

from __future__ import annotations

import json
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

import forked
from secateur.errors import NotKnown, UserError
from secateur.models import saved, timm_zoo
from secateur.models.import_timm import read
from secateur.steps import imports

SMALL = "mobilenetv3_small_050"
CLASSES = 5


def trained(name: str = SMALL, classes: int = CLASSES) -> Any:
    """timm's own network, with nothing at its initial value."""
    torch.manual_seed(0)
    net = timm_zoo.timm().create_model(name, pretrained=False, num_classes=classes)
    for tensor in net.state_dict().values():
        if tensor.is_floating_point() and tensor.ndim == 1:
            tensor.add_(torch.rand(tensor.shape) * 0.2)
    return net.eval()


def written(net: Any, path: Path) -> Path:
    state = net.state_dict()
    save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(trained(), tmp_path_factory.mktemp("weights") / "w.safetensors")


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    (tmp_path / "labels.txt").write_text("".join(f"kind {i}\n" for i in range(CLASSES)))
    return tmp_path / "labels.txt"


@pytest.mark.parametrize(
    ("name", "suffix", "px"),
    [
        (SMALL, ".safetensors", 64),  # a layer between the pooling and the classifier
        ("resnet18", ".pth", 64),  # "fc"
        ("convnext_atto", ".bin", 64),  # "head.fc" behind a norm of its own
        ("resnet18.a1_in1k", ".pt", 33),
        ("swin_tiny_patch4_window7_224", ".safetensors", 224),  # buffers that no file holds are made again
    ],
)
def test_the_same_logits(tmp_path: Path, name: str, suffix: str, px: int):
    net = trained(name)
    found = read(name, written(net, tmp_path / f"w{suffix}"), CLASSES, px)
    x = torch.randn(3, 3, px, px)
    with torch.no_grad():
        expected, got = net(x), found.model(x)
    assert (expected - got).abs().max() <= 1e-5 * expected.abs().max()
    assert found.backbone == name.partition(".")[0] and found.input_px == px
    assert found.options == {"pool": "avg", "head": "linear"}


def test_a_saved_model_says_where_it_comes_from(weights: Path, labels: Path, tmp_path: Path):
    brought = imports.timm(SMALL, weights, labels, tmp_path / "out", 64)
    loaded, facts = saved.load(tmp_path / "out"), timm_zoo.facts(SMALL)
    assert loaded.labels == tuple(f"kind {i}" for i in range(CLASSES))
    assert loaded.preprocess["mean"] == list(facts.mean) and loaded.preprocess["std"] == list(facts.std)
    assert loaded.preprocess["input_px"] == loaded.architecture.input_px == 64
    assert loaded.made["from"]["file"] == "w.safetensors" and len(loaded.made["from"]["sha256"]) == 64
    assert loaded.made["licence"].startswith("not stated in the file")
    assert brought.parameters_keras == sum(t.numel() for n, t in trained().state_dict().items() if "tracked" not in n)
    expected = read(SMALL, weights, CLASSES, 64).model.state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in loaded.model.state_dict().items())


def changed(target: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> Path:
    state = dict(trained().state_dict())
    change(state)
    torch.save(state, target)
    return target


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.pop("blocks.1.0.bn2.running_var"), r"lacks 'blocks.1.0.bn2.running_var', which timm's .* has$"),
        (lambda s: s.update({"odd.weight": torch.ones(1)}), r"holds 'odd.weight', which .* of 5 classes has not"),
        (lambda s: s.update({"bn1.bias": torch.ones(3)}), r"'bn1.bias' has shape \[3\]; timm's .* has \[16\]"),
        (lambda s: s.update({"classifier.bias": torch.ones(9)}), r"'classifier.bias' has shape \[9\]; .* has \[5\]"),
        (lambda s: s["bn1.weight"].fill_(torch.nan), r"logits that are not finite"),
    ],
    ids=["missing", "unexpected", "shape", "classes", "not a number"],
)
def test_the_first_tensor_that_does_not_fit_is_named(
    tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], Any], said: str
):
    with pytest.raises(UserError, match=said) as raised:
        read(SMALL, changed(tmp_path / "odd.pth", change), CLASSES, 64)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["test_vit", "test_vit3", "vit_tiny_patch16_dinov3_qkvb"])
def test_a_vision_transformer_as_timm_pools_it(tmp_path: Path, name: str):
    """By its class token, by a query of attention, or by the mean of its tokens."""
    net = timm_zoo.timm().create_model(name, pretrained=False, num_classes=CLASSES, img_size=64).eval()
    found = read(name, written(net, tmp_path / "w.safetensors"), CLASSES, 64)
    x = torch.randn(3, 3, 64, 64)
    with torch.no_grad():
        expected, got = net(x), found.model(x)
    assert (expected - got).abs().max() <= 1e-5 * expected.abs().max()
    assert found.options["head"] == "linear" and found.options["pool"] in ("avg", "own")


@pytest.mark.parametrize(
    ("name", "px", "said"),
    [
        ("deit_tiny_distilled_patch16_224", 224, r"ends in tuple, not in one dense layer"),
        ("dla46_c", 64, r"ends in Conv2d, not in one dense layer"),
    ],
)
def test_what_cannot_be_taken_apart(tmp_path: Path, name: str, px: int, said: str):
    file = written(trained(name), tmp_path / "w.safetensors")
    with pytest.raises(UserError, match=said):
        read(name, file, CLASSES, px)


def test_names_that_timm_has_not_and_a_torn_file(weights: Path, tmp_path: Path):
    (tmp_path / "torn.safetensors").write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(UserError, match="no whole safetensors file"):
        read(SMALL, tmp_path / "torn.safetensors", CLASSES)
    with pytest.raises(NotKnown, match="did you mean 'resnet18'"):
        read("resnet81", weights, CLASSES)
    with pytest.raises(UserError, match="secateur import keras"):
        read("cnn", weights, CLASSES)


def test_a_size_that_the_network_cannot_take(tmp_path: Path):
    with pytest.raises(UserError, match=r"^'inception_v3' cannot take photos of 16 px: "):
        read("inception_v3", written(trained("inception_v3"), tmp_path / "w.safetensors"), CLASSES, 16)


def secateur(*arguments: object, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = forked.run("import", "timm", *arguments, cwd=cwd)
    assert done.returncode == code, done.stderr
    return done


def test_the_command(weights: Path, labels: Path, tmp_path: Path):
    said = secateur(SMALL, weights, "--labels", labels, "--input-px", 64, "--out", "mine", cwd=tmp_path).stdout
    assert f"network: {SMALL} (avg pool, linear head), 5 classes" in said
    assert "input: 64 × 64 px" in said and "mean: 0.485, 0.456, 0.406" in said
    assert said.endswith("written: mine\nnext: secateur inspect mine\n")
    words = (SMALL, weights, "--labels", labels, "--name", "other", "--json")
    assert json.loads(secateur(*words, cwd=tmp_path).stdout)["folder"] == "other"


def test_the_commands_mistakes_are_one_line(weights: Path, labels: Path, tmp_path: Path):
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    (tmp_path / "bomb.pth").write_bytes(pickle.dumps({"fc.weight": Bomb()}))
    done = secateur("resnet18", "bomb.pth", "--labels", labels, cwd=tmp_path, code=2)
    assert "would run code" in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    assert not (tmp_path / "ran").exists()
    assert "--labels" in secateur("resnet18", weights, cwd=tmp_path, code=2).stderr


def test_averaged_weights_are_taken_and_said(labels: Path, tmp_path: Path):
    state = dict(trained().state_dict())
    plain = {k: v + 1 if k == "classifier.bias" else v for k, v in state.items()}
    file = tmp_path / "model_best.pth.tar"
    torch.save({"epoch": 3, "state_dict": plain, "state_dict_ema": state}, file)
    brought = imports.timm(SMALL, file, labels, tmp_path / "ema", 64)
    assert brought.tensors.startswith("'state_dict_ema', averaged over training, is taken, as timm's loader does")
    assert saved.load(tmp_path / "ema").made["from"]["tensors"] == brought.tensors
    other = imports.timm(SMALL, file, labels, tmp_path / "plain", 64, tensors="state_dict")
    biases = [saved.load(tmp_path / n).model.state_dict()["head.fc.bias"] for n in ("ema", "plain")]
    assert torch.equal(biases[0], state["classifier.bias"]) and torch.equal(biases[1], plain["classifier.bias"])
    assert "'state_dict_ema' is left" in other.tensors


def test_a_lightning_checkpoint(labels: Path, tmp_path: Path):
    state = {f"model.{k}": v for k, v in trained().state_dict().items()} | {"criterion.weight": torch.ones(CLASSES)}
    torch.save({"epoch": 1, "state_dict": state, "optimizer_states": [{"state": {}}], "loops": {}}, tmp_path / "l.ckpt")
    brought = imports.timm(SMALL, tmp_path / "l.ckpt", labels, tmp_path / "out", 64)
    assert brought.tensors == "those under 'model.'"
