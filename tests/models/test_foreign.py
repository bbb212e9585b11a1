"""Weights and labels that others wrote: every way they are packed, and every way they are broken."""

from __future__ import annotations

import argparse
import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from secateur.errors import UserError
from secateur.models import timm_zoo
from secateur.models.foreign import opened, read_labels, read_state, within

STATE = {"fc.weight": torch.arange(6.0).reshape(2, 3), "fc.bias": torch.tensor([1.0, -1.0])}


class Bomb:
    """A pickle that makes a file when it is read."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return (Path.touch, (self.target,))


def same(found: dict[str, torch.Tensor]) -> bool:
    return found.keys() == STATE.keys() and all(torch.equal(found[k], STATE[k]) for k in STATE)


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        {"state_dict": STATE, "epoch": 3, "optimizer": {"state": {}}},
        {"model": STATE, "args": argparse.Namespace(lr=0.1)},
        {f"module.{k}": v for k, v in STATE.items()},
        {"state_dict": {f"module.{k}": v for k, v in STATE.items()}},
    ],
    ids=["plain", "state_dict", "model beside arguments", "module.", "both"],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_what_torch_wrote(tmp_path: Path, content: object, zipped: bool):
    torch.save(content, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    assert same(read_state(tmp_path / "w.pth"))


OTHER = {name: tensor + 1 for name, tensor in STATE.items()}
OPTIMISER = {"state": {0: {"step": torch.ones(1)}}, "param_groups": [{"lr": 0.1}]}


@pytest.mark.parametrize(
    ("content", "taken", "left"),
    [
        ({"epoch": 3, "arch": "x", "state_dict": OTHER, "state_dict_ema": STATE}, "state_dict_ema", ("state_dict",)),
        ({"model": OTHER, "model_ema": STATE, "optimizer": OPTIMISER, "epoch": 3}, "model_ema", ("model",)),
        ({"state_dict": STATE, "state_dict_ema": None, "metric": 91.0}, "state_dict", ()),
        ({"model": STATE, "ema": OTHER, "optimizer": OPTIMISER}, "model", ("ema",)),  # timm knows no "ema"
        ({"ema": STATE, "epoch": 3, "optimizer": OPTIMISER}, "ema", ()),
        ({"model": STATE, "opt": OPTIMISER}, "model", ()),  # fastai's Learner.save
        ({f"_orig_mod.{k}": v for k, v in STATE.items()}, "", ()),
        ({"model": {f"_orig_mod.module.{k}": v for k, v in STATE.items()}}, "model", ()),
        ({f"module._orig_mod.{k}": v for k, v in STATE.items()}, "", ()),
        # torchvision's reference scripts keep torch's AveragedModel
        (
            {
                "model": OTHER,
                "model_ema": {"n_averaged": torch.tensor(7)} | {f"module.{k}": v for k, v in STATE.items()},
            },
            "model_ema",
            ("model",),
        ),
    ],
    ids=[
        "timm",
        "timm's other name",
        "none averaged",
        "ema",
        "ema alone",
        "fastai",
        "compiled",
        "compiled outside",
        "compiled inside",
        "torchvision",
    ],
)
def test_of_several_sets_of_tensors_timms_choice(tmp_path: Path, content: dict[str, object], taken: str, left: object):
    torch.save(content, tmp_path / "w.pth.tar")
    found = opened(tmp_path / "w.pth.tar")
    assert same(found.tensors) and (found.taken, found.left) == (taken, left)
    assert ("averaged" in found.said()) == (bool(left) and taken.endswith("_ema"))
    if left:
        other = opened(tmp_path / "w.pth.tar", found.left[0])
        assert found.left[0] in found.said() and other.left == (taken,)
        assert torch.equal(other.tensors["fc.bias"], OTHER["fc.bias"])


def test_timm_itself_takes_the_same(tmp_path: Path):
    torch.save(
        {"state_dict": OTHER, "state_dict_ema": {f"module.{k}": v for k, v in STATE.items()}}, tmp_path / "w.pth"
    )
    theirs = timm_zoo.timm().models.load_state_dict(str(tmp_path / "w.pth"))
    assert same(theirs) and same(read_state(tmp_path / "w.pth"))


def test_sets_that_no_name_tells_apart(tmp_path: Path):
    torch.save({"student": STATE, "teacher": OTHER}, tmp_path / "w.pth")
    with pytest.raises(UserError, match="under student, teacher: say with --tensors"):
        opened(tmp_path / "w.pth")
    assert same(opened(tmp_path / "w.pth", "student").tensors)
    with pytest.raises(UserError, match="no set of tensors 'pupil'; it holds: student, teacher"):
        opened(tmp_path / "w.pth", "pupil")


@pytest.mark.parametrize("prefix", ["model.", "net.", "backbone.inner."])
def test_under_the_name_of_a_lightning_module(prefix: str):
    loss = {"loss.weight": torch.ones(2)}
    found, under = within({f"{prefix}{k}": v for k, v in STATE.items()} | loss, STATE)
    assert same(found) and under == prefix
    assert within(STATE | loss, STATE) == (STATE | loss, "")
    twice = {f"{p}{k}": v for p in ("model.", "ema_model.") for k, v in STATE.items()}
    assert within(twice, STATE) == (twice, "")  # either could be meant


def test_safetensors(tmp_path: Path):
    save_file(STATE, tmp_path / "w.safetensors")
    assert same(read_state(tmp_path / "w.safetensors"))


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", ["w.pth", "w.bin", "w.safetensors"])
def test_a_pickle_that_would_run_code_runs_none(tmp_path: Path, name: str, zipped: bool):
    torch.save({"fc": Bomb(tmp_path / "ran")}, tmp_path / name, _use_new_zipfile_serialization=zipped)
    with pytest.raises(UserError, match=r"would run code|no whole safetensors"):
        read_state(tmp_path / name)
    (tmp_path / name).write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    with pytest.raises(UserError, match=r"would run code|no whole"):
        read_state(tmp_path / name)
    assert not (tmp_path / "ran").exists()


def test_a_whole_network_is_no_state(tmp_path: Path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "w.pt")
    with pytest.raises(UserError, match="would run code"):
        read_state(tmp_path / "w.pt")


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize("kept", [0, 5, 0.5, 0.99])
def test_a_torn_file_is_one_line(tmp_path: Path, name: str, kept: float):
    path = tmp_path / name
    save_file(STATE, path) if path.suffix == ".safetensors" else torch.save(STATE, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept if kept >= 1 else kept * len(content))])
    with pytest.raises(UserError, match="no whole") as raised:
        read_state(path)
    assert "\n" not in str(raised.value) and "weights_only" not in str(raised.value)


@pytest.mark.parametrize("content", [{}, [1, 2], {"epoch": 3}, {"state_dict": {}}])
def test_no_tensors(tmp_path: Path, content: object):
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(UserError, match="state_dict"):
        read_state(tmp_path / "w.pt")


def test_no_such_file(tmp_path: Path):
    with pytest.raises(UserError, match=r"no such weights file: .*w\.pt"):
        read_state(tmp_path / "w.pt")
    with pytest.raises(UserError, match="no such file of labels"):
        read_labels(tmp_path / "labels.txt")


@pytest.mark.parametrize("text", ["cat\ndog\n", "cat\r\n dog \r\n\r\n", "\ufeffcat\ndog", json.dumps(["cat", "dog"])])
def test_labels(tmp_path: Path, text: str):
    (tmp_path / "labels").write_text(text, encoding="utf-8", newline="")
    assert read_labels(tmp_path / "labels") == ("cat", "dog")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cat\ncat\n", "'cat' stands there twice"),
        ("cat\n\ndog\n", "label 2 is empty"),
        ("cat\n", "holds 1 labels"),
        ("", "holds 0 labels"),
        ('{"cat": 0}', "no list of labels"),
        ("[1, 2]", "no list of labels"),
        ('["cat",', "cannot be read as labels"),
    ],
)
def test_labels_that_are_none(tmp_path: Path, text: str, said: str):
    (tmp_path / "labels").write_text(text)
    with pytest.raises(UserError, match=said):
        read_labels(tmp_path / "labels")


def test_labels_that_are_no_text(tmp_path: Path):
    (tmp_path / "labels").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read as labels"):
        read_labels(tmp_path / "labels")
