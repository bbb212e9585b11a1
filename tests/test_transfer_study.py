"""A study of two networks on real photos: the CNN, and EfficientNet-Lite0 with its real weights, its head pruned and
the whole of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shared
from secateur import studying
from secateur.arms import arm_id, longer, way_of
from secateur.files import read
from secateur.forms import runtime
from secateur.models import saved
from secateur.plan import plan
from secateur.records import Results
from secateur.resolve import settle
from secateur.settings import networks
from secateur.study_file import make

LITE = "tf_efficientnet_lite0"
ASKED: dict[str, Any] = {
    "name": "two",
    "backbone": "cnn",
    "input_px": 16,
    "epochs": 2,
    "seeds": [0],
    "bench": 2,
    "sparsities": [0.6],
    "methods": ["filter-l1"],
    "controls": False,
    "threads": 1,
    "also": [
        {
            "backbone": LITE,
            "weights": "package",
            "input_px": 64,
            "epochs": 20,
            "head": "study",
            "pool": "max",
            "tune_epochs": 1,
            "methods": [
                {"name": "magnitude-gradual", "part": "head"},
                {"name": "fisher", "scope": "global"},
                {"name": "filter-taylor", "scope": "global", "macs": [0.5]},
            ],
        }
    ],
}


@pytest.fixture(scope="module")
def done(photos_112px: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Path]:
    home = shared.once(tmp_path_factory, "transfer", lambda folder: _make(photos_112px, folder))
    return read(Results, home / "first.json"), home


def _make(photos_112px: Path, home: Path) -> None:
    for name in ("cane", "ragno", "pecora"):
        (home / "photos" / name).mkdir(parents=True)
        for photo in sorted((photos_112px / "raw-img" / name).iterdir())[:30]:
            (home / "photos" / name / photo.name).write_bytes(photo.read_bytes())
    asked = make(ASKED | {"folder": str(home / "photos")}, "test")
    studying.run(asked, home / "runs")
    shutil.copy(home / "runs" / "two" / "results.json", home / "first.json")  # a later run overwrites it


def models(results: Results) -> dict[str, object]:
    return {m.config: m for m in results.models}


def test_every_step_is_made(done: tuple[Results, Path]):
    results, _ = done
    assert [o for o in results.outcomes if o.state != "made"] == []
    assert {m.backbone for m in results.models} == {"cnn", LITE}
    assert all(m.parity and m.parity.ok and m.evaluation for m in results.models)


def test_real_weights_tell_three_animals_apart_even_at_64_px(done: tuple[Results, Path]):
    found = models(done[0])
    assert found[f"{LITE}/dense"].evaluation.accuracy.value > 0.5  # type: ignore[attr-defined]


def test_of_the_head_two_layers_are_pruned_and_the_backbone_stays(done: tuple[Results, Path]):
    found = models(done[0])
    zeros = []  # the packaged backbone has some thousand of its own
    for config in (f"{LITE}/dense", f"{LITE}/magnitude-gradual-head/0.6"):
        layers = found[config].profile.layers  # type: ignore[attr-defined]
        zeros.append({r.name: r.parameters - r.nonzero for r in layers if r.kind in ("Linear", "Conv2d")})
    more = {name: n - zeros[0][name] for name, n in zeros[1].items() if n != zeros[0][name]}
    assert (
        more.keys() <= {"head.fc1", "head.fc2", "head.fc3"} and more["head.fc1"] > 90_000 and more["head.fc2"] > 19_000
    )


def test_all_of_it_is_pruned_to_the_last_weight(done: tuple[Results, Path]):
    row = models(done[0])[f"{LITE}/fisher-global/0.6"]
    assert row.profile.sparsity_of_prunable == pytest.approx(0.6, abs=1e-6)  # type: ignore[attr-defined]


def test_half_of_the_multiply_adds_are_met_from_below(done: tuple[Results, Path]):
    found = models(done[0])
    part = found[f"{LITE}/filter-taylor-macs-global/0.5"].profile.macs / found[f"{LITE}/dense"].profile.macs  # type: ignore[attr-defined]
    assert 0.4 < part <= 0.5


def test_the_exported_file_carries_the_weights_own_preprocessing(done: tuple[Results, Path]):
    _, home = done
    file = runtime.load(home / "runs" / "two" / "models" / f"{LITE}-dense.onnx")
    folder = next(
        f for f in (home / "runs" / ".store" / "train").iterdir() if saved.load(f).architecture.backbone == LITE
    )
    loaded = saved.load(folder)
    assert loaded.preprocess["mean"] == [127 / 255] * 3
    photo = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    import torch

    x = torch.from_numpy(photo).permute(0, 3, 1, 2).float()
    mine = loaded.model((x - 127) / 128).detach().numpy()
    np.testing.assert_allclose(file.logits(photo), mine, rtol=1e-3, atol=1e-4)


def test_a_head_that_is_retrained_has_a_control_of_its_own_kind():
    asked = settle(make(ASKED | {"folder": "demo", "controls": True}, "test"))
    net = networks(asked)[1]
    head, whole, filters = net.methods
    assert [way_of(net, c).tune for c in (head, whole, filters)] == ["head", "all", "all"]
    assert longer(net, way_of(net, head)) == f"{LITE}/dense-longer"
    assert longer(net, way_of(net, whole)) == f"{LITE}/dense-longer-all"
    steps = {s.id: s for s in plan(asked)}
    gradual = steps[f"retrain/{LITE}/magnitude-gradual-head/0.6/seed0"]
    control = steps[f"retrain/{LITE}/dense-longer/seed0"]
    assert gradual.params["epochs"] == control.params["epochs"] and "features" in gradual.inputs
    assert steps[f"retrain/{LITE}/fisher-global/0.6/seed0"].params["epochs"] == 1
    assert arm_id(net, head) == "magnitude-gradual-head"


def test_evidence_is_gathered_once_and_by_those_who_need_it():
    lite = ASKED["also"][0]
    more = [*lite["methods"], {"name": "magnitude", "scope": "global"}, {"name": "filter-l1", "macs": [0.5]}]
    asked = settle(make(ASKED | {"folder": "demo", "controls": True, "also": [lite | {"methods": more}]}, "test"))
    steps = {s.id: s for s in plan(asked)}
    assert [i for i in steps if i.startswith("evidence/")] == [f"evidence/{LITE}/dense-all/seed0"]
    needing = {i.split("/")[2] for i, s in steps.items() if s.kind == "prune" and "evidence" in s.inputs}
    assert needing == {
        "fisher-global",
        "random-global-like-fisher",
        "filter-taylor-macs-global",
        "filter-random-macs-global-like-filter-taylor",
    }
    against = steps["collect"].params["against"]
    assert [f"{LITE}/fisher-global/0.6", f"{LITE}/random-global-like-fisher/0.6"] in against
    assert [f"{LITE}/magnitude-global/0.6", f"{LITE}/random-global/0.6"] in against


def test_the_next_run_makes_nothing(done: tuple[Results, Path]):
    _, home = done
    again = studying.run(make(ASKED | {"folder": str(home / "photos")}, "test"), home / "runs")
    assert {o.state for o in again.outcomes} == {"found"}
