"""What a plan does with methods that begin elsewhere, scan first, or know scopes of their own; and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from secateur import prepare
from secateur.budget import Costs, estimate
from secateur.choice import MethodChoice
from secateur.errors import UserError
from secateur.plan import plan
from secateur.records import Step
from secateur.resolve import settle
from secateur.settings import Study
from secateur.store import Store
from secateur.study_file import make


def settled(**values: object) -> Study:
    asked = {"folder": "demo", "backbone": "cnn", "epochs": 20, "retrain_epochs": 8, "seeds": [0], "sparsities": [0.5]}
    return settle(make({**asked, **values}, "test"))


def planned(*methods: object, **values: object) -> dict[str, Step]:
    return {s.id: s for s in plan(settled(methods=list(methods), **values))}


def test_what_begins_before_training_gets_all_epochs_and_is_held_against_dense_trained_equally_long():
    steps = planned("snip", distil=0.5)
    assert steps["begin/cnn/initial/seed0"].params["seed"] == 0
    assert steps["evidence/cnn/initial/connections/seed0"].inputs["model"] == "begin/cnn/initial/seed0"
    pruned, trained = steps["prune/cnn/snip/0.5/seed0"], steps["retrain/cnn/snip/0.5/seed0"]
    assert pruned.inputs["model"] == "begin/cnn/initial/seed0"
    assert pruned.inputs["evidence/connections"] == "evidence/cnn/initial/connections/seed0"
    assert trained.params["epochs"] == 28
    assert "lessons" not in trained.inputs  # nothing was trained that it could learn from
    pairs = steps["collect"].params["against"]
    assert ["cnn/snip/0.5", "cnn/dense-longer"] in pairs
    assert ["cnn/snip/0.5", "cnn/random-global-init-like-snip/0.5"] in pairs
    assert steps["retrain/cnn/random-global-init-like-snip/0.5/seed0"].params["epochs"] == 28
    begins = steps["collect"].params["begins"]
    assert begins == dict.fromkeys(("cnn/snip/0.5", "cnn/random-global-init-like-snip/0.5"), "initialisation")


def test_a_penalty_takes_half_of_the_retraining_and_its_control_does_too():
    steps = planned("filter-slimming")
    before = steps["regularise/cnn/dense-slimmed/seed0"]
    assert (before.kind, before.params["epochs"], before.params["regime"]) == ("regularise", 4, {"penalty": "slimming"})
    for method in ("filter-slimming", "filter-random-slimmed"):
        assert steps[f"prune/cnn/{method}/0.5/seed0"].inputs["model"] == before.id
        after = steps[f"retrain/cnn/{method}/0.5/seed0"].params
        assert (after["epochs"], after["epochs_before"]) == (4, 4)
    assert not any(i.startswith(("export/cnn/dense-slimmed", "evaluate/cnn/dense-slimmed")) for i in steps)


def test_evidence_is_gathered_once_for_all_that_need_it():
    steps = planned("fisher", "filter-taylor", "taylor", "wanda", "filter-activation", "filter-thinet")
    own = {i for i in steps if i.startswith("evidence/")}
    assert own == {
        "evidence/cnn/dense/seed0",
        *(f"evidence/cnn/dense/{need}/seed0" for need in ("slopes", "inputs", "samples")),
    }
    assert steps["prune/cnn/filter-thinet/0.5/seed0"].params["refit"] is True
    assert steps["prune/cnn/filter-taylor/0.5/seed0"].params["refit"] is None


def test_rigl_keeps_the_first_layer_and_so_does_its_control():
    steps = planned("rigl", "magnitude", {"name": "rigl", "scope": "erk"})
    assert steps["retrain/cnn/rigl/0.5/seed0"].params["regime"]["whole_first"] is True
    control = steps["prune/cnn/random-init-like-rigl/0.5/seed0"]
    assert control.params["whole_first"] is True and control.inputs["model"] == "begin/cnn/initial/seed0"
    for other in ("magnitude", "random", "random-erk-init"):
        assert steps[f"prune/cnn/{other}/0.5/seed0"].params["whole_first"] is None
    assert steps["retrain/cnn/rigl-erk/0.5/seed0"].params["regime"]["whole_first"] is None


def test_scores_as_they_are_are_another_configuration_and_the_usual_moves_no_key():
    usual, raw = {"name": "filter-taylor", "scope": "global"}, {"normalise": "none"}
    steps = planned(usual, usual | raw)
    assert steps["prune/cnn/filter-taylor-global/0.5/seed0"].params["normalise"] is None
    cut = steps["prune/cnn/filter-taylor-global-normalise-none/0.5/seed0"]
    control = steps["prune/cnn/filter-random-global-like-filter-taylor-normalise-none/0.5/seed0"]
    assert cut.params["normalise"] == control.params["normalise"] == "none"
    steps = planned("filter-bn-scale", {"name": "filter-slimming", "scope": "global", "normalise": "none"})
    assert steps["prune/cnn/filter-slimming-global/0.5/seed0"].params["normalise"] is None  # its usual, as published
    divided = MethodChoice(name="filter-bn-scale", scope="global", normalise="group")
    assert divided.id == "filter-bn-scale-global-normalise-group"
    for odd in ({"name": "filter-taylor"} | raw, {"name": "fisher", "scope": "global"} | raw):
        with pytest.raises(UserError, match="normalise is for filters ranked over the whole network"):
            planned(odd)


def test_a_scan_comes_before_what_asks_for_it_and_its_control_is_cut_alike():
    steps = planned("sensitivity", {"name": "filter-taylor", "scope": "sensitivity", "macs": [0.5]})
    assert steps["scan/cnn/dense/sensitivity/seed0"].inputs["pixels"] == "pixels/64"
    taylor = steps["scan/cnn/dense/filter-taylor/seed0"]
    assert taylor.inputs["evidence"] == "evidence/cnn/dense/seed0"
    cut = steps["prune/cnn/filter-taylor-macs-sensitivity/0.5/seed0"]
    control = steps["prune/cnn/filter-random-macs-sensitivity-like-filter-taylor/0.5/seed0"]
    assert cut.inputs["scan"] == control.inputs["scan"] == taylor.id
    control = steps["prune/cnn/random-sensitivity-like-sensitivity/0.5/seed0"]
    assert control.inputs["scan"] == "scan/cnn/dense/sensitivity/seed0"


def test_two_of_four_is_half_whatever_the_study_says():
    steps = planned("magnitude-2-4", sparsities=[0.3, 0.9])
    assert [i for i in steps if i.startswith("prune/")] == [
        "prune/cnn/magnitude-2-4/0.5/seed0",
        "prune/cnn/random-block/0.5/seed0",
    ]


def test_methods_are_compared_with_each_other_at_one_target_and_structure():
    steps = planned("magnitude", "lamp", "filter-l1", {"name": "filter-l2", "macs": [0.5]})
    assert steps["collect"].params["ranked"] == [["cnn/magnitude/0.5", "cnn/lamp/0.5"]]


def test_recalibration_is_a_switch():
    assert planned("filter-l1")["prune/cnn/filter-l1/0.5/seed0"].params["match"] is None
    assert planned("filter-l1", recalibrate="on")["prune/cnn/filter-l1/0.5/seed0"].params["match"] is True


def test_every_choice_has_a_name_of_its_own():
    choices = [
        MethodChoice(name="lamp"),
        MethodChoice(name="wanda"),
        MethodChoice(name="wanda", scope="layer"),
        MethodChoice(name="snip"),
        MethodChoice(name="snip", scope="layer"),
        MethodChoice(name="snip", begins="dense"),
        MethodChoice(name="magnitude", begins="initialisation"),
        MethodChoice(name="magnitude", scope="sensitivity"),
    ]
    assert [c.id for c in choices] == [
        *("lamp", "wanda", "wanda-layer", "snip", "snip-layer", "snip-dense"),
        *("magnitude-init", "magnitude-sensitivity"),
    ]


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ({"name": "lamp", "scope": "layer"}, "method 'lamp' knows scope global, not layer"),
        ({"name": "rigl", "scope": "sensitivity"}, "method 'rigl' knows scope layer and erk, not sensitivity"),
        ({"name": "magnitude-2-4", "sparsities": [0.7]}, "method 'magnitude-2-4' prunes 0.5; got 0.7"),
        ({"name": "synflo"}, "synflow"),
    ],
)
def test_what_a_method_does_not_know_is_refused(method: dict[str, object], words: str):
    with pytest.raises(UserError, match=words):
        planned(method)


def test_a_network_that_begins_from_trained_weights_has_no_initial_ones():
    with pytest.raises(UserError, match=r"method 'synflow' prunes before any training, and 'tf_efficientnet_lite0'"):
        settled(backbone="tf_efficientnet_lite0", weights="random", methods=["synflow"])
    snip = {"name": "snip", "begins": "dense"}
    steps = plan(settled(backbone="tf_efficientnet_lite0", weights="random", methods=[snip]))
    assert not any(s.kind == "begin" for s in steps)


def test_what_needs_a_batch_norm_is_refused_before_the_first_step(tmp_path: Path):
    asked = settled(backbone="convnext_atto", weights="random", input_px=32, methods=["filter-bn-scale"])
    with pytest.raises(UserError, match=r"method 'filter-bn-scale' needs a batch norm .*; 'convnext_atto' has none"):
        prepare.given(asked, Store(tmp_path))
    prepare.given(settled(methods=["filter-slimming"]), Store(tmp_path))


def test_a_scan_is_part_of_what_a_study_is_said_to_take():
    costs = {"cnn": Costs(0.001, 0.0003, 2.0, 9_000_000, 500_000_000)}
    rows = {e.id: e for e in estimate(list(planned("sensitivity").values()), costs, 4000, (0.7, 0.15, 0.15))}
    assert rows["scan/cnn/dense/sensitivity/seed0"].seconds == pytest.approx(8 * 8 * 512 * 0.0003 / 2)
