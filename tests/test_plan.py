"""Everything a study does, from its settings alone."""

from __future__ import annotations

import pytest

from secateur.budget import Costs, estimate, expected, photos_of, shrink
from secateur.checking import SNAPSHOT
from secateur.plan import missing_controls, plan
from secateur.resolve import bare, has_bf16, settle
from secateur.settings import Study, networks
from secateur.steps import STEPS
from secateur.study_file import make

COSTS = {"cnn": Costs(0.001, 0.0003, 2.0, 9_000_000, 500_000_000)}


def settled(**values: object) -> Study:
    return settle(make({"folder": "demo", "backbone": "cnn", **values}, "test"))


def test_every_step_comes_after_what_it_needs():
    done = {SNAPSHOT}
    for step in plan(settled(methods=["magnitude", "magnitude-gradual", "filter-l1"])):
        assert set(step.inputs.values()) <= done, step.id
        assert step.id not in done
        assert step.kind in STEPS
        done.add(step.id)


def test_only_evaluate_comes_after_the_choices_and_only_it_tests():
    kinds = [s.kind for s in plan(settled())]
    assert kinds.index("evaluate") > max(i for i, k in enumerate(kinds) if k == "choose")


def test_one_seed_by_hand():
    """Dense, dense longer, and for each of two methods and its control four targets: 2 + 4 × 4 networks."""
    steps = plan(settled(seeds=[0], sparsities=[0.3, 0.5, 0.7, 0.9]))
    models = [s for s in steps if s.kind in ("train", "retrain")]
    assert len(models) == 18
    assert sum(s.kind == "prune" for s in steps) == 16


def test_every_network_gets_the_same_further_epochs():
    steps = plan(settled(epochs=20, retrain_epochs=7))
    assert {s.params["epochs"] for s in steps if s.kind == "retrain"} == {7}


def test_who_is_taught_by_the_dense_network_is_compared_with_a_control_that_is_too():
    study = settled(methods=["filter-l1", "magnitude-gradual"], sparsities=[0.5], seeds=[0], distil=0.5)
    retrained = [s for s in plan(study) if s.kind == "retrain"]
    assert "retrain/cnn/dense-longer/seed0" in {s.id for s in retrained} and len(retrained) == 5
    for step in retrained:
        assert step.params["distil"] == 0.5 and step.inputs["lessons"] == "lessons/cnn/dense-fast/seed0"
    assert plan(study)[-1].params["taught"] == ["cnn"]
    (asked,) = [s for s in plan(study) if s.kind == "lessons"]
    assert asked.inputs["teacher"] == "train/cnn/dense/seed0"
    assert asked.params["epochs"] == retrained[0].params["epochs"]


def test_a_head_is_taught_on_features_and_a_whole_network_on_photos():
    methods = [{"name": "magnitude", "part": "head"}, "fisher"]
    study = settled(
        backbone="tf_efficientnet_lite0", weights="random", methods=methods, sparsities=[0.5], seeds=[0], distil=0.5
    )
    steps = {s.id: s for s in plan(study)}
    asked = {i: s for i, s in steps.items() if s.kind == "lessons"}
    assert len(asked) == 2
    for step in (s for s in steps.values() if "lessons" in s.inputs):
        lessons = asked[step.inputs["lessons"]]
        assert ("features" in lessons.inputs) == ("features" in step.inputs)
        for same in ("epochs", "seed", "recipe", "augment", "precision"):
            assert lessons.params[same] == step.params[same]


def test_the_dense_network_is_quantised_and_compared_with_what_it_was_made_of():
    steps = {s.id: s for s in plan(settled(methods=["magnitude"], seeds=[0, 1], sparsities=[0.5]))}
    step = steps["quantize/cnn/dense-longer-int8/seed1"]
    assert step.inputs["export"] == "export/cnn/dense-longer/seed1"
    assert "test" not in str(step.inputs)
    assert steps["evaluate/cnn/dense-longer-int8/seed1"].inputs["export"] == step.id
    assert ["cnn/dense-longer-int8", "cnn/dense-longer"] in steps["collect"].params["against"]
    assert steps["collect"].params["roles"]["cnn/dense-longer-int8"] == ["quantized", "int8", 0.0]


def test_a_target_in_time_is_searched_once_and_its_control_takes_the_same_widths():
    method = {"name": "filter-taylor", "scope": "global", "latency": [0.5], "round": "auto"}
    steps = {s.id: s for s in plan(settled(methods=[method], seeds=[3, 4]))}
    (search,) = [s for s in steps.values() if s.kind == "search"]
    assert search.id == "search/cnn/filter-taylor-latency-xauto-global/0.5"
    assert search.params["multiples"] == [4, 8, 16, 32]
    assert search.inputs["evidence"] == "evidence/cnn/dense/seed3"
    cut = [s for s in steps.values() if s.kind == "prune"]
    assert len(cut) == 4  # the method and its control, two seeds each
    assert all(s.inputs["search"] == search.id for s in cut)
    assert search.id in steps["collect"].inputs


def test_files_are_timed_one_network_after_the_other_and_those_of_chance_are_not():
    also = [{"backbone": "tf_efficientnet_lite0", "weights": "package", "input_px": 32}]
    steps = {s.id: s for s in plan(settled(methods=["filter-l1"], seeds=[3, 4], sparsities=[0.5], also=also))}
    first, second = steps["bench/cnn"], steps["bench/tf_efficientnet_lite0"]
    assert second.inputs["before"] == first.id
    assert first.inputs == {
        "cnn/dense": "export/cnn/dense/seed3",
        "cnn/dense-longer": "export/cnn/dense-longer/seed3",
        "cnn/filter-l1/0.5": "export/cnn/filter-l1/0.5/seed3",
        "cnn/dense-int8": "quantize/cnn/dense-int8/seed3",
        "cnn/dense-longer-int8": "quantize/cnn/dense-longer-int8/seed3",
    }
    assert not any(s.kind == "bench" for s in plan(settled(bench=0)))
    assert "speed" in missing_controls(settled(bench=0))[0]


def test_a_regime_starts_from_dense_and_is_not_pruned_before():
    steps = {s.id: s for s in plan(settled(methods=["magnitude-gradual"], seeds=[0], sparsities=[0.5]))}
    step = steps["retrain/cnn/magnitude-gradual/0.5/seed0"]
    assert step.inputs["model"] == "train/cnn/dense/seed0"
    assert step.params["regime"]["target"] == 0.5


def test_another_recipe_brings_its_own_control():
    study = settled(methods=["magnitude", {"name": "filter-l1", "recipe": "study-filters"}], recipe="study", seeds=[0])
    ids = {s.id for s in plan(study)}
    assert "retrain/cnn/dense-longer/seed0" in ids
    assert "retrain/cnn/dense-longer-study-filters/seed0" in ids
    (collect,) = (s for s in plan(study) if s.kind == "collect")
    assert ["cnn/filter-l1/0.5", "cnn/dense-longer-study-filters"] in collect.params["against"]


def test_another_recipe_brings_its_own_random_control():
    study = settled(
        methods=["magnitude", {"name": "magnitude-gradual", "recipe": "study"}], seeds=[0], sparsities=[0.5]
    )
    steps = {s.id: s for s in plan(study)}
    assert steps["retrain/cnn/random/0.5/seed0"].params["recipe"]["name"] == "fast"
    assert steps["retrain/cnn/random-study/0.5/seed0"].params["recipe"]["name"] == "study"
    assert ["cnn/magnitude-gradual/0.5", "cnn/random-study/0.5"] in steps["collect"].params["against"]


def test_a_field_of_a_recipe_at_its_default_is_no_part_of_a_key():
    (train,) = (s for s in plan(settled(seeds=[0])) if s.kind == "train")
    assert "factor" not in train.params["recipe"]
    assert train.params["recipe"]["lr"] == 3e-3


def test_a_study_that_asks_for_more_photos_than_there_are_takes_what_there_is():
    study = settled(photos=12_000, budget="100h")
    assert shrink(study, COSTS, 3_000, 10) == (study, [])
    assert photos_of(study, 3_000) == 3_000


def test_two_jobs_share_the_time():
    study = settled(budget="0.72h", epochs=30, retrain_epochs=15)
    assert shrink(study, COSTS, 10_000, 10, jobs=1)[1]
    assert not shrink(study, COSTS, 10_000, 10, jobs=2)[1]


def test_without_controls_they_are_listed_as_missing():
    study = settled(controls=False)
    assert any("random" in c for c in missing_controls(study))
    assert not any("random" in s.id for s in plan(study))


def test_a_plan_is_a_function_of_the_study():
    assert plan(settled()) == plan(settled())


def test_the_budget_takes_seeds_then_sparsities_then_photos():
    study = settled(epochs=30, retrain_epochs=15, budget="100h")
    assert shrink(study, COSTS, 10_000, 10) == (study, [])
    less = []
    for hours in (1.0, 0.3, 0.15, 0.05):
        made, notes = shrink(study.model_copy(update={"budget": f"{hours}h"}), COSTS, 10_000, 10)
        took = sum(e.seconds for e in estimate(expected(made), COSTS, made.photos or 10_000, made.fractions))
        assert took <= hours * 3600
        assert f"{hours}h" in notes[0]
        less.append((len(made.seeds), len(made.sparsities), made.photos or 10_000))
    assert less == sorted(less, reverse=True)
    assert less[0][0] < 3 and less[0][1] == 4
    assert less[-1][0] == 1 and less[-1][2] < 10_000


def test_a_budget_that_cannot_be_met_is_said():
    _, notes = shrink(settled(budget="1s"), COSTS, 10_000, 10)
    assert "even that is over" in notes[0]


def test_small_folders_are_seen_more_often():
    assert bare("x", 300)["epochs"] == 100
    assert bare("x", 20_000)["epochs"] == 30


@pytest.mark.parametrize(
    ("cpuinfo", "expected"), [("flags : fpu avx2 avx512_bf16", True), ("flags : avx2 avx512f", False), ("", False)]
)
def test_bf16_only_where_the_processor_has_it(cpuinfo: str, expected: bool):
    assert has_bf16(cpuinfo) is expected


def test_a_control_that_two_methods_share_has_the_targets_of_both():
    methods = [
        {"name": "magnitude", "sparsities": [0.8, 0.2]},
        "magnitude-gradual",
        {"name": "filter-l1", "macs": [0.5]},
        {"name": "filter-taylor", "macs": [0.25]},
    ]
    asked = make({"folder": "demo", "backbone": "cnn", "seeds": [0], "sparsities": [0.5], "methods": methods}, "test")
    pruned = [s.id.removeprefix("retrain/cnn/") for s in plan(settle(asked)) if s.id.startswith("retrain/")]
    assert [p.removesuffix("/seed0") for p in pruned] == [
        "dense-longer",
        "magnitude/0.2",
        "magnitude/0.8",
        "magnitude-gradual/0.5",
        "filter-l1-macs/0.5",
        "filter-taylor-macs/0.75",
        "random/0.2",
        "random/0.5",
        "random/0.8",
        "filter-random-macs/0.5",
        "filter-random-macs/0.75",
    ]


def test_methods_that_nobody_named_suit_the_network():
    asked = make({"folder": "demo", "backbone": "cnn", "also": [{"backbone": "resnet18", "weights": "random"}]}, "test")
    cnn, resnet = networks(settle(asked))
    assert [m.id for m in cnn.methods] == ["magnitude", "filter-l1"]
    assert [m.id for m in resnet.methods] == ["fisher-global", "filter-taylor-global"]
    assert settle(settle(asked)) == settle(asked)
    named = {"folder": "demo", "backbone": "resnet18", "weights": "random", "methods": []}
    assert settle(make(named, "test")).methods == ()
