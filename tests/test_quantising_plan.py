"""Which networks get an INT8 file, when that is known, and what each is held against: files of its own form."""

from __future__ import annotations

import pytest

from secateur.arms import title
from secateur.plan import plan
from secateur.records import Choice, Rival, Step
from secateur.resolve import settle
from secateur.settings import Study
from secateur.study_file import make

RIVAL = Rival("cnn", "filter-l1", "cnn/filter-l1/0.3", px=24, narrow=0.6)
CHOSEN, EIGHT = "cnn/filter-l1/0.3", "cnn/filter-l1-int8/0.3"
CHANCE, CHANCE_8 = "cnn/filter-random/0.3", "cnn/filter-random-int8/0.3"
LONGER = "cnn/dense-longer"


def settled(**changes: object) -> Study:
    values = {"folder": "demo", "backbone": "cnn", "input_px": 32, "epochs": 20, "seeds": [3, 4], "retrain_epochs": 5}
    return settle(make(values | {"methods": ["filter-l1", "magnitude"], "sparsities": [0.3, 0.5]} | changes, "test"))


def choice(config: str) -> Choice:
    backbone, method, target = config.split("/")
    return Choice(backbone, method, config, float(target), "", ((float(target), 0.9),))


def planned(study: Study, *chosen: str, rivals: tuple[Rival, ...] = ()) -> dict[str, Step]:
    return {s.id: s for s in plan(study, rivals, [choice(c) for c in chosen])}


def eights(steps: dict[str, Step], seed: int = 3) -> set[str]:
    return {i.split("/", 1)[1].rpartition("/")[0] for i in steps if i.startswith("quantize/") and f"seed{seed}" in i}


def test_before_validation_chose_only_dense_networks_get_one():
    assert eights(planned(settled())) == {"cnn/dense-int8", "cnn/dense-longer-int8"}


def test_what_validation_chose_its_chance_and_its_rivals_get_one_of_every_seed():
    steps = planned(settled(), CHOSEN, "cnn/magnitude/0.5", rivals=(RIVAL,))
    wanted = {"cnn/dense-int8", "cnn/dense-longer-int8", EIGHT, CHANCE_8, "cnn/magnitude-int8/0.5"}
    wanted |= {"cnn/random-int8/0.5", "cnn/dense-24px-longer-int8", "cnn/narrow-filter-l1-int8"}
    wanted |= {"cnn/scratch-filter-l1-int8/0.3"}
    assert eights(steps, 3) == eights(steps, 4) == wanted
    for config in wanted:
        for kind in ("parity", "profile", "evaluate"):
            assert f"{kind}/{config}/seed4" in steps
    assert steps["quantize/cnn/dense-24px-longer-int8/seed3"].inputs["pixels"] == "pixels/24"
    assert steps["evaluate/cnn/dense-24px-longer-int8/seed3"].inputs["pixels"] == "pixels/24"
    timed = set(steps["bench/cnn"].inputs)
    assert {EIGHT, "cnn/magnitude-int8/0.5", "cnn/narrow-filter-l1-int8"} <= timed
    assert not {CHANCE, CHANCE_8} & timed
    assert not any("test" in str(s.inputs) for s in steps.values() if s.kind == "quantize")


def test_each_is_held_against_files_of_its_own_form_and_against_dense_trained_on():
    collect = planned(settled(), CHOSEN, rivals=(RIVAL,))["collect"].params
    own = [other for config, other in collect["against"] if config == EIGHT]
    assert set(own) == {
        *(LONGER, CHANCE_8, CHOSEN),
        *("cnn/dense-24px-longer-int8", "cnn/scratch-filter-l1-int8/0.3", "cnn/narrow-filter-l1-int8"),
    }
    assert len(own) == len(set(own))
    assert not any(other.endswith("-int8") for config, other in collect["against"] if config == CHOSEN)
    assert ["cnn/dense-int8", "cnn/dense"] in collect["against"]
    assert collect["roles"][EIGHT] == collect["roles"][CHOSEN] == ["pruned", "filter-l1", 0.3]
    assert collect["roles"][CHANCE_8] == ["control", "filter-random", 0.3]
    assert collect["roles"]["cnn/narrow-filter-l1-int8"] == ["rival", "", 0.0]
    assert collect["made_of"][EIGHT] == CHOSEN
    assert title(EIGHT) == "filter-l1 30 % INT8" and title("cnn/dense-24px-longer-int8") == "dense 24 px longer INT8"


@pytest.mark.parametrize("limit", [{"max_size": "900kB"}, {"max_latency": "0.25ms"}, {"max_memory": "200MiB"}])
def test_with_limits_every_target_gets_one_whatever_was_chosen(limit: dict[str, str]):
    every = {f"cnn/{m}-int8/{t}" for m in ("filter-l1", "magnitude") for t in (0.3, 0.5)}
    assert eights(planned(settled(**limit))) == every | {"cnn/dense-int8", "cnn/dense-longer-int8"}
    assert eights(planned(settled(**limit), CHOSEN)) >= every | {CHANCE_8}
    assert eights(planned(settled(**limit, controls=False))) == every | {"cnn/dense-int8"}


def test_without_rivals_and_without_a_bench_there_are_the_same_files():
    assert eights(planned(settled(rivals=False, bench=0), CHOSEN)) >= {EIGHT, CHANCE_8}


def test_a_chain_that_ends_in_int8_has_that_file_once_and_chance_in_int8_beside_it():
    study = settled(chains=["filter-l1 0.3 > int8"])
    steps = list(plan(study, (), [choice(CHOSEN), choice(EIGHT)]))
    assert len([s for s in steps if s.id == f"quantize/{EIGHT}/seed3"]) == 1
    collect = steps[-1].params
    assert collect["roles"][EIGHT] == ["chained", "filter-l1-int8", 0.3]
    assert [EIGHT, CHANCE_8] in collect["against"]
    assert collect["against"].count([EIGHT, LONGER]) == 1


def test_every_input_of_a_step_is_there():
    study = settled(
        chains=["filter-l1 0.5 > magnitude 0.8"], also=[{"backbone": "tf_efficientnet_lite0", "weights": "random"}]
    )
    chosen = (CHOSEN, "cnn/filter-l1-0.5+magnitude/0.8", "tf_efficientnet_lite0/magnitude-head/0.3")
    steps = planned(study, *chosen)
    given = {"snapshot", "weights/tf_efficientnet_lite0"}
    assert all(i in steps or i in given for s in steps.values() for i in s.inputs.values())
    assert "quantize/cnn/filter-l1-0.5+magnitude-int8/0.8/seed3" in steps


def test_photos_made_worse_are_shown_to_int8_files_that_may_be_deployed():
    shown = planned(settled(), CHOSEN, rivals=(RIVAL,))["robustness/cnn"]
    files = {role.removeprefix("file/") for role in shown.inputs if role.startswith("file/") and "int8" in role}
    assert files == {"cnn/dense-longer-int8", EIGHT}
    assert shown.params["against"][EIGHT] == LONGER
