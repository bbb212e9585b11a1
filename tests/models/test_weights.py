"""A backbone's weights: where they come from, what fits, and what is said when none do."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from secateur import at_hand, catalogue
from secateur.errors import UserError
from secateur.models import timm_zoo, weights

LITE = "tf_efficientnet_lite0"
SMALL = "resnet18"


def keep(folder: Path, name: str, source: str, file: str = "") -> weights.Origin:
    folder.mkdir(exist_ok=True)
    weights.keep(catalogue.backbone(name), source, file, "words", 64, folder)
    return weights.origin(folder)


def test_the_package_is_timms_network_tensor_by_tensor(tmp_path: Path):
    row = catalogue.backbone(LITE)
    file = at_hand.package_file(row)
    assert file and at_hand.source(row, "") == "package"
    origin = keep(tmp_path / "kept", LITE, "package", str(file))
    body = timm_zoo.create(LITE, 64)
    weights.load(body, tmp_path / "kept")
    packed = list(torch.load(file, weights_only=True).values())
    assert len(packed) == 296
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(body.state_dict().values(), packed, strict=False))
    assert origin.mean == (127 / 255,) * 3 and origin.std == (128 / 255,) * 3 and origin.licence == "Apache-2.0"
    # What a trained network has and a fresh one has not: statistics of real photos.
    assert float(body.bn2.running_var.mean()) != 1.0  # type: ignore[union-attr,operator]


def test_another_network_does_not_take_the_packages_weights():
    body = timm_zoo.create("tf_efficientnet_lite1", 64)
    state = torch.load(str(at_hand.package_file(catalogue.backbone(LITE))), weights_only=True)
    with pytest.raises(UserError, match="tensors"):
        weights.in_order(state, body)


def test_a_file_of_ones_own(tmp_path: Path):
    theirs = timm_zoo.create(SMALL, 64, classes=7)
    save_file(theirs.state_dict(), tmp_path / "own.safetensors")
    origin = keep(tmp_path / "kept", SMALL, "file", str(tmp_path / "own.safetensors"))
    body = timm_zoo.create(SMALL, 64)
    weights.load(body, tmp_path / "kept")
    assert torch.equal(body.conv1.weight, theirs.conv1.weight)  # type: ignore[union-attr,arg-type]
    assert len(origin.sha256) == 64
    moved = tmp_path / "moved.safetensors"
    (tmp_path / "own.safetensors").rename(moved)
    own = {"backbone": SMALL, "sha256": origin.sha256}
    assert weights.identity(SMALL, "file", str(moved)) == own


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.pop("layer1.0.conv1.weight"), "'layer1.0.conv1.weight' is missing"),
        (lambda s: s.update({"conv1.weight": torch.zeros(64, 3, 5, 5)}), r"'conv1.weight' has shape \[64, 3, 5, 5\]"),
    ],
)
def test_the_first_mismatch_is_named(change, said: str, tmp_path: Path):
    state = dict(timm_zoo.create(SMALL, 64).state_dict())
    change(state)
    save_file(state, tmp_path / "own.safetensors")
    with pytest.raises(UserError, match=said):
        keep(tmp_path / "kept", SMALL, "file", str(tmp_path / "own.safetensors"))


def test_a_truncated_file(tmp_path: Path):
    save_file(timm_zoo.create(SMALL, 64).state_dict(), tmp_path / "own.safetensors")
    whole = (tmp_path / "own.safetensors").read_bytes()
    (tmp_path / "own.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"own\.safetensors"):
        keep(tmp_path / "kept", SMALL, "file", str(tmp_path / "own.safetensors"))


def test_random_weights_are_asked_for_by_name_and_always_the_same(tmp_path: Path):
    first, again = (keep(tmp_path / name, SMALL, "random") for name in "ab")
    assert first == again and first.source == "random weights"
    assert (tmp_path / "a" / weights.FILE).read_bytes() == (tmp_path / "b" / weights.FILE).read_bytes()


def test_without_a_network_one_line_names_the_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def nowhere(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(socket, "create_connection", nowhere)
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    monkeypatch.delenv("https_proxy", raising=False)
    with pytest.raises(UserError) as error:
        keep(tmp_path / "kept", SMALL, "hub")
    line = str(error.value)
    assert "\n" not in line and all(way in line for way in ("--weights", "secateur[lite]", "random", "network"))


def test_what_is_not_installed_is_said():
    with pytest.raises(UserError, match="no installed package"):
        at_hand.source(catalogue.backbone(SMALL), "package")
    with pytest.raises(UserError, match="no such file"):
        at_hand.source(catalogue.backbone(SMALL), "nowhere.safetensors")


def test_the_best_at_hand_is_the_most_accurate_whose_weights_are_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert at_hand.best() == "tf_efficientnet_lite2"
    cached = tmp_path / "models--timm--tf_efficientnet_b4.aa_in1k" / "snapshots" / "abc"
    cached.mkdir(parents=True)
    (cached / "model.safetensors").touch()
    assert at_hand.best() == "tf_efficientnet_b4"
    monkeypatch.setattr(at_hand, "package_file", lambda row: None)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "empty"))
    assert at_hand.best() == "cnn"


VIT = "test_vit"


@pytest.mark.parametrize("pool", ["avg", "max", "own"])
@pytest.mark.parametrize("name", [VIT, "eva02_tiny_patch14_224", "deit_tiny_patch16_224", "convnext_atto", SMALL])
def test_whatever_the_pool_a_network_has_the_tensors_of_its_published_weights(name: str, pool: str):
    with torch.device("meta"):
        own, asked = timm_zoo.create(name, 56), timm_zoo.create(name, 56, 0, pool)
    assert asked.state_dict().keys() <= own.state_dict().keys()


def test_a_vision_transformers_weights_fit_every_pool_and_size(tmp_path: Path):
    """Where a token stands is resampled by timm's own rule, as its loader does."""
    torch.manual_seed(1)
    theirs = timm_zoo.create(VIT, 160, classes=7)
    save_file(theirs.state_dict(), tmp_path / "own.safetensors")
    keep(tmp_path / "kept", VIT, "file", str(tmp_path / "own.safetensors"))
    for px, pool in ((160, "avg"), (64, "avg"), (96, "max"), (64, "own")):
        body = timm_zoo.create(VIT, px, 0, pool)
        weights.load(body, tmp_path / "kept")
        assert torch.equal(body.state_dict()["norm.weight"], theirs.state_dict()["norm.weight"])
        assert body.eval()(torch.randn(2, 3, px, px)).shape == (2, theirs.num_features)
    same = timm_zoo.create(VIT, 160, 0, "own")
    weights.load(same, tmp_path / "kept")
    photo = torch.randn(1, 3, 160, 160)
    assert torch.equal(theirs.eval().forward_head(theirs.forward_features(photo), pre_logits=True), same.eval()(photo))


def test_random_weights_are_kept_by_size_where_they_depend_on_it():
    assert weights.identity(VIT, "random", "", 64) != weights.identity(VIT, "random", "", 96)
    assert weights.identity(SMALL, "random", "", 64) == weights.identity(SMALL, "random", "", 96)


def test_averaged_weights_have_a_key_of_their_own(tmp_path: Path):
    state = timm_zoo.create(SMALL, 64).state_dict()
    torch.save({"state_dict": state, "state_dict_ema": {k: v + 1 for k, v in state.items()}}, tmp_path / "w.pth")
    origin = keep(tmp_path / "kept", SMALL, "file", str(tmp_path / "w.pth"))
    assert "'state_dict_ema', averaged over training, is taken" in origin.source
    own = weights.identity(SMALL, "file", str(tmp_path / "w.pth"))
    assert own == {"backbone": SMALL, "sha256": origin.sha256, "taken": "state_dict_ema"}
    body = timm_zoo.create(SMALL, 64)
    weights.load(body, tmp_path / "kept")
    assert torch.equal(body.state_dict()["conv1.weight"], state["conv1.weight"] + 1)
