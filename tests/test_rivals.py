"""What a cut network is held against: which networks, trained how, and what is said where they are missing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from secateur.files import dump
from secateur.models.cnn import cnn
from secateur.models.fresh import renewed
from secateur.plan import missing_controls, plan
from secateur.pruning import channels, groups, widths
from secateur.records import Profile, Rival, Sizes, Step
from secateur.resolve import settle
from secateur.rivals import AS_SMALL, NARROWER, SCRATCH, SMALLER
from secateur.settings import Study
from secateur.steps.rival import _as_small, sides


def settled(**changes: object) -> Study:
    values = {"folder": "demo", "backbone": "cnn", "input_px": 32, "epochs": 20, "seeds": [3, 4], "retrain_epochs": 5}
    return settle(Study.model_validate(values | {"methods": ["filter-l1"], "sparsities": [0.3, 0.5]} | changes))


def steps_of(study: Study, *rivals: Rival) -> dict[str, Step]:
    return {s.id: s for s in plan(study, rivals)}


FOUND = Rival("cnn", "filter-l1", "cnn/filter-l1/0.3", px=24, narrow=0.6, small_like="scratch")


def test_rivals_are_looked_for_once_validation_has_chosen():
    (step,) = [s for s in plan(settled()) if s.kind == "rival"]
    assert step.id == "rival/cnn/filter-l1"
    assert step.inputs["choice"] == "choose/cnn/filter-l1"
    assert step.inputs["file/cnn/filter-l1/0.5"] == "export/cnn/filter-l1/0.5/seed3"
    assert not any("evaluate" in i for i in step.inputs.values())


TIMM = {"backbone": "tf_efficientnet_lite0", "weights": "random", "input_px": 96, "methods": ["fisher"]}


@pytest.mark.parametrize("changes", [TIMM, {"controls": False}, {"rivals": False}, {"bench": 0}])
def test_networks_that_are_not_smaller_have_none(changes: dict):
    assert not any(s.kind == "rival" for s in plan(settled(**changes)))


def test_zeros_are_held_against_a_narrower_network_of_as_many_bytes_and_not_of_equal_time():
    study = settled(methods=["magnitude"])
    (step,) = [s for s in plan(study) if s.kind == "rival"]
    assert step.id == "rival/cnn/magnitude" and step.params["timed"] is False
    config, small = "cnn/magnitude/0.5", "cnn/dense-as-small-as-magnitude"
    steps = steps_of(study, Rival("cnn", "magnitude", config, timed=False, small=0.55))
    shape = steps[f"prune/{small}/seed4"].params
    assert (shape["measure"], shape["multiple"], shape["target"]) == ("params", None, pytest.approx(0.45))
    trained = steps[f"retrain/{small}/seed4"]
    assert trained.params["epochs"] == 25 and steps[trained.inputs["model"]].kind == "fresh"
    collect = steps["collect"].params
    assert [config, small] in collect["against"] and collect["roles"][small] == ["rival", "", 0.0]
    assert small in steps["bench/cnn"].inputs
    assert not any("scratch" in i or "narrow" in i for i in steps)


WHOLE = cnn(10, 32)


def sized(folder: Path, parameters: int, macs: int, zstd: int) -> Path:
    folder.mkdir()
    dump(Profile((), (32, 32, 3), parameters, parameters, parameters, macs, macs, 0.0, 0.0, 0), folder / "profile.json")
    dump(Sizes(zstd, zstd, zstd, zstd, 4 * parameters, 4 * parameters), folder / "sizes.json")
    return folder


@pytest.mark.parametrize(
    ("part", "macs", "zstd", "rival", "says"),
    [
        (1.0, 1.0, 0.4, Rival("cnn", "m", "c", timed=False), "own"),  # zeros: by what is left after zstd
        (0.5, 0.2, 0.5, Rival("cnn", "m", "c", narrow=0.2), "own"),  # layers of unlike widths: neither is as small
        (1e-9, 1.0, 1e-9, Rival("cnn", "m", "c"), "none"),
    ],
)
def test_the_rival_of_equal_bytes(tmp_path: Path, monkeypatch, part: float, macs: float, zstd: float, rival, says: str):
    monkeypatch.setattr("secateur.steps.rival.snapshot", lambda ctx: SimpleNamespace(classes=range(10)))
    whole = sum(p.numel() for p in WHOLE.parameters())
    inputs = {
        "size/c": sized(tmp_path / "c", max(round(part * whole), 1), round(macs * 1e9), round(zstd * 1e6)),
        "size/d": sized(tmp_path / "d", whole, 10**9, 10**6),
    }
    params = {"backbone": "cnn", "dense": "d", "input_px": 32, "options": None, "multiple": 8}
    found = _as_small(SimpleNamespace(params=params, inputs=inputs), rival)
    assert not found.small_like
    assert (found.small > 0) == (says == "own")
    if says == "own":
        wanted = part if rival.timed else zstd
        assert 0.95 * wanted < found.small <= wanted + 1e-6  # as many bytes, met from below


def test_a_network_that_was_cut_uniformly_is_met_by_its_own_shape(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("secateur.steps.rival.snapshot", lambda ctx: SimpleNamespace(classes=range(10)))
    traced = channels.trace(cnn(10, 32), torch.zeros(1, 3, 32, 32))
    cut = widths.reach(traced, groups.cuttable(traced, (), False), 0.3, "filters", 1)
    inputs = {
        "size/c": sized(tmp_path / "c", cut.params, cut.macs, 100),
        "size/d": sized(tmp_path / "d", cut.params_dense, cut.macs_dense, 200),
    }
    params = {"backbone": "cnn", "dense": "d", "input_px": 32, "options": None, "multiple": 8}
    found = _as_small(SimpleNamespace(params=params, inputs=inputs), Rival("cnn", "m", "c", narrow=0.5))
    assert (found.small_like, found.small) == ("scratch", 0.0)
    inputs["size/c"] = sized(tmp_path / "e", cut.params, cut.macs // 2, 100)  # as many parameters, elsewhere
    near = widths.reach(traced, groups.cuttable(traced, (), False), cut.params / cut.params_dense, "params", 8)
    rival = Rival("cnn", "m", "c", narrow=round(near.macs / near.macs_dense + 5e-7, 6))
    assert _as_small(SimpleNamespace(params=params, inputs=inputs), rival).small_like == "narrow"


def test_dense_on_smaller_photos_is_trained_as_dense_is():
    steps = steps_of(settled(), FOUND)
    assert steps["pixels/24"].params["px"] == 24
    first, on = steps["train/cnn/dense-24px/seed4"], steps["retrain/cnn/dense-24px-longer/seed4"]
    usual = steps["train/cnn/dense/seed4"]
    assert first.params == usual.params | {"input_px": 24}
    assert first.inputs == usual.inputs | {"pixels": "pixels/24"}
    assert on.inputs["model"] == first.id
    assert on.params == steps["retrain/cnn/dense-longer/seed4"].params
    assert steps["evaluate/cnn/dense-24px-longer/seed4"].inputs["pixels"] == "pixels/24"
    assert "export/cnn/dense-24px/seed4" not in steps  # on the way there, and nothing to deploy


def test_fresh_weights_get_the_epochs_of_dense_and_of_retraining_together():
    steps = steps_of(settled(), FOUND)
    for config, shape in (
        ("cnn/scratch-filter-l1/0.3", "prune/cnn/filter-l1/0.3/seed3"),
        ("cnn/narrow-filter-l1", "prune/cnn/narrow-filter-l1/seed3"),
    ):
        trained = steps[f"retrain/{config}/seed3"]
        assert trained.params["epochs"] == 25
        assert trained.params["recipe"] == steps["train/cnn/dense/seed3"].params["recipe"]
        fresh = steps[trained.inputs["model"]]
        assert (fresh.kind, fresh.inputs["model"]) == ("fresh", shape)
    narrow = steps["prune/cnn/narrow-filter-l1/seed3"].params
    assert (narrow["scope"], narrow["measure"], narrow["multiple"]) == ("layer", "macs", 8)
    assert narrow["target"] == pytest.approx(0.4)


def test_each_is_compared_with_what_was_chosen_and_timed_beside_it():
    steps = steps_of(settled(), FOUND)
    collect = steps["collect"].params
    for config in ("cnn/dense-24px-longer", "cnn/scratch-filter-l1/0.3", "cnn/narrow-filter-l1"):
        assert collect["roles"][config] == ["rival", "", 0.0]
        assert ["cnn/filter-l1/0.3", config] in collect["against"]
        assert config in steps["bench/cnn"].inputs
    # at another size it would see other photos than those made worse
    assert "file/cnn/dense-24px-longer" not in steps["robustness/cnn"].inputs


def test_a_whole_transfer_network_is_fine_tuned_at_the_smaller_size_and_has_no_scratch():
    study = settled(backbone="tf_efficientnet_lite0", weights="random", input_px=96, methods=["filter-taylor"])
    rival = Rival(study.backbone, "filter-taylor", f"{study.backbone}/filter-taylor/0.3", px=64)
    steps = steps_of(study, rival)
    name = "tf_efficientnet_lite0/dense-64px"
    on = steps[f"retrain/{name}-longer-all/seed3"]
    assert on.inputs["model"] == f"retrain/{name}-all/seed3"
    assert steps[on.inputs["model"]].inputs["model"] == f"train/{name}/seed3"
    assert steps[f"train/{name}/seed3"].inputs["features"] == "features/tf_efficientnet_lite0-64px"
    assert steps["features/tf_efficientnet_lite0-64px"].params["input_px"] == 64
    assert not any("scratch" in s or ("evidence" in s and "64px" in s) for s in steps)
    said = missing_controls(study, (rival,))
    assert [s.partition(":")[0] for s in said] == [NARROWER, SCRATCH, AS_SMALL]
    assert all("lacks the pretrained weights" in s for s in said)


def test_what_was_not_run_is_named_with_its_reason():
    assert missing_controls(settled(), (FOUND,)) == ()
    assert missing_controls(settled()) == (NARROWER, SMALLER, SCRATCH, AS_SMALL)
    two = settled(methods=["filter-l1", "magnitude"])
    assert missing_controls(two, (FOUND,)) == ("what magnitude is to be held against: looking for it failed",)
    alone = Rival("cnn", "filter-l1", "cnn/filter-l1/0.3", px=24, narrow=0.6)
    assert missing_controls(settled(), (alone,)) == (f"{AS_SMALL}: none was found for filter-l1",)
    lost = Rival("cnn", "filter-l1", "cnn/filter-l1/0.3", "is more than 1 point below dense on validation already")
    assert all(
        s.endswith("filter-l1 is more than 1 point below dense on validation already")
        for s in missing_controls(settled(), (lost,))
    )


@pytest.mark.parametrize(
    ("px", "part", "expected"),
    [(32, 0.5, [16, 20, 24, 28]), (96, 0.5, [48, 56, 64, 72, 80]), (224, 0.25, [96, 104, 112, 120, 128])],
)
def test_sizes_around_where_the_work_falls_to_the_same(px: int, part: float, expected: list[int]):
    assert sides(px, part) == expected


def test_fresh_weights_keep_the_shape_and_follow_from_the_seed():
    before = cnn(10, 32)
    trained = {k: v.clone() for k, v in before.state_dict().items()}
    one = {k: v.clone() for k, v in renewed(before, 5).state_dict().items()}
    again = renewed(before, 5).state_dict()
    assert all(torch.equal(one[k], again[k]) for k in one)
    assert {k: v.shape for k, v in one.items()} == {k: v.shape for k, v in trained.items()}
    assert not torch.equal(one["conv1.weight"], trained["conv1.weight"])
    assert float(one["conv1.weight"].abs().max()) <= (6 / (27 + 288)) ** 0.5  # Glorot's bound


def test_a_layer_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match="'0' is a PReLU"):
        renewed(nn.Sequential(nn.PReLU()), 0)
