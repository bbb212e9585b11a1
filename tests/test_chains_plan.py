"""Chains: pruned, retrained, pruned again, quantised, packed; what a plan makes of them, and what is refused."""

from __future__ import annotations

import pytest

from secateur.arms import title
from secateur.budget import Costs, estimate
from secateur.errors import UserError
from secateur.plan import plan
from secateur.records import Step
from secateur.resolve import settle
from secateur.settings import Study, joined, networks
from secateur.study_file import make, to_toml

LINE = "filter-fpgm 50% > lamp 80% > int8 > packed"
HEAD, SECOND, LAST = "cnn/filter-fpgm/0.5", "cnn/filter-fpgm-0.5+lamp/0.8", "cnn/filter-fpgm-0.5+lamp-int8/0.8"
TWICE = "cnn/dense-longer-x2"


def settled(*chains: object, **values: object) -> Study:
    asked = {"folder": "demo", "backbone": "cnn", "epochs": 20, "retrain_epochs": 8, "seeds": [0]}
    asked |= {"methods": ["magnitude"], "sparsities": [0.3]}
    return settle(make({**asked, "chains": list(chains), **values}, "test"))


def planned(*chains: object, **values: object) -> dict[str, Step]:
    return {s.id: s for s in plan(settled(*chains, **values))}


def test_each_stage_begins_with_what_the_one_before_it_left():
    steps = planned(LINE, distil=0.5)
    assert steps[f"retrain/{HEAD}/seed0"].inputs["model"] == f"prune/{HEAD}/seed0"
    pruned, trained = steps[f"prune/{SECOND}/seed0"], steps[f"retrain/{SECOND}/seed0"]
    assert pruned.inputs["model"] == f"retrain/{HEAD}/seed0"
    assert (pruned.params["method"], pruned.params["target"], pruned.params["scope"]) == ("lamp", 0.8, "global")
    assert trained.inputs["model"] == pruned.id
    assert trained.params["epochs"] == 8 and trained.params["distil"] == 0.5
    int8 = steps[f"quantize/{LAST}/seed0"].inputs
    assert int8["export"] == f"export/{SECOND}/seed0" and int8["model"] == trained.id
    assert {f"parity/{LAST}/seed0", f"profile/{LAST}/seed0", f"evaluate/{LAST}/seed0"} <= set(steps)
    assert {f"export/{SECOND}/seed0", f"parity/{SECOND}/seed0", f"evaluate/{SECOND}/seed0"} <= set(steps)


def test_what_a_stage_is_held_against_was_trained_on_as_often_and_pruned_by_chance():
    steps = planned(LINE)
    assert steps[f"retrain/{TWICE}/seed0"].inputs["model"] == "retrain/cnn/dense-longer/seed0"
    chance = "cnn/filter-fpgm-0.5+random-global-like-lamp/0.8"
    assert steps[f"prune/{chance}/seed0"].inputs["model"] == f"retrain/{HEAD}/seed0"
    pairs = steps["collect"].params["against"]
    for config in (SECOND, LAST):
        assert [config, TWICE] in pairs and [config, chance] in pairs
    assert [SECOND, HEAD] in pairs and [LAST, SECOND] in pairs
    assert [HEAD, "cnn/dense-longer"] in pairs
    roles = steps["collect"].params["roles"]
    assert roles[chance][0] == roles[TWICE][0] == "control"
    assert roles[SECOND] == ["chained", "filter-fpgm-0.5+lamp", 0.8]
    assert roles[LAST] == ["chained", "filter-fpgm-0.5+lamp-int8", 0.8]
    made_of = steps["collect"].params["made_of"]
    assert {k: v for k, v in made_of.items() if "dense" not in k} == {SECOND: HEAD, LAST: SECOND, chance: HEAD}
    choice = steps["choose/cnn/filter-fpgm-0.5+lamp-int8"].inputs
    assert choice == {"0.8/0": f"parity/{LAST}/seed0", "0/0": f"parity/{TWICE}/seed0"}
    timed = set(steps["bench/cnn"].inputs)
    assert {SECOND, LAST, TWICE} <= timed and chance not in timed


def test_int8_may_follow_the_first_stage_and_two_chains_share_what_they_have_in_common():
    steps = planned("filter-l1 0.5 > int8", "filter-l1 0.5 > magnitude 0.8 > int8")
    assert "cnn/filter-l1-int8/0.5/seed0" in {i.partition("/")[2] for i in steps if i.startswith("quantize/")}
    assert ["cnn/filter-l1-int8/0.5", "cnn/dense-longer"] in steps["collect"].params["against"]
    assert ["cnn/filter-l1-int8/0.5", "cnn/filter-random/0.5"] in steps["collect"].params["against"]
    assert len([i for i in steps if i.startswith("prune/cnn/filter-l1/")]) == 1


def test_the_first_stage_is_a_method_of_the_study_and_joins_one_that_is_there():
    alone = settled("filter-l1 0.5 > int8")
    assert [m.id for m in alone.methods] == ["magnitude", "filter-l1"]
    joint = settled("filter-l1 0.5 > int8", methods=["filter-l1"])
    assert [(m.id, m.sparsities) for m in joint.methods] == [("filter-l1", (0.3, 0.5))]
    assert settle(joint) == joint  # a study that is resumed from its own record


def test_evidence_of_a_later_stage_is_that_of_the_network_it_prunes():
    steps = planned("filter-l1 0.5 > taylor 0.5 > int8", "filter-l1 0.5 > fisher 0.5")
    assert steps["evidence/cnn/filter-l1/0.5/seed0"].inputs["model"] == "retrain/cnn/filter-l1/0.5/seed0"
    needed = {r: i for r, i in steps["prune/cnn/filter-l1-0.5+taylor/0.5/seed0"].inputs.items() if "evidence" in r}
    assert needed and all(i in steps for i in needed.values())
    assert all(i in steps or i == "snapshot" for s in steps.values() for i in s.inputs.values())


def test_a_schedule_may_be_a_later_stage():
    steps = planned("filter-l1 0.5 > magnitude-gradual 0.8")
    trained = steps["retrain/cnn/filter-l1-0.5+magnitude-gradual/0.8/seed0"]
    assert trained.inputs["model"] == "retrain/cnn/filter-l1/0.5/seed0"
    assert trained.params["regime"]["target"] == 0.8


def test_without_controls_there_are_none():
    steps = planned(LINE, controls=False)
    assert not any("x2" in i or "random" in i for i in steps)
    assert f"quantize/{LAST}/seed0" in steps


def test_one_network_of_several_has_chains_of_its_own():
    study = settled(LINE, also=[{"backbone": "tf_efficientnet_lite0", "weights": "random", "chains": []}])
    first, second = networks(study)
    assert first.chains and not second.chains
    assert joined(networks(study)) == study
    assert "chains" in to_toml(study)


def test_stages_as_tables():
    chain = [
        {"name": "filter-taylor", "scope": "global", "params": [0.6]},
        {"name": "lamp", "sparsities": [0.5]},
        "int8",
    ]
    steps = planned(chain)
    assert "quantize/cnn/filter-taylor-params-global-0.4+lamp-int8/0.5/seed0" in steps


def test_names_for_people():
    assert title(SECOND) == "filter-fpgm 50 % + lamp 80 %"
    assert title(LAST) == "filter-fpgm 50 % + lamp 80 % INT8"
    assert title(TWICE) == "dense longer x2"


def test_a_chain_costs_what_its_narrow_network_costs():
    costs = Costs(0.01, 0.003, 1.0, 4_000_000, 10**9)
    rows = {r.id: r for r in estimate(list(planned(LINE).values()), {"cnn": costs}, 1000, (0.7, 0.15, 0.15))}
    assert rows[f"retrain/{SECOND}/seed0"].seconds == pytest.approx(rows[f"retrain/{TWICE}/seed0"].seconds / 4)


@pytest.mark.parametrize(
    ("chain", "says"),
    [
        ("filter-l1 0.5", "two stages"),
        ("int8 > packed", "the first of them a method"),
        ("lamp 0.5 > filter-l1 0.5", "from filters to weights to int8 to packed"),
        ("filter-l1 0.5 > packed > int8", "from filters to weights to int8 to packed"),
        ("filter-l1 0.5 > lamp 0.5 > magnitude 0.9", "each at most once"),
        ("filter-l1 > int8", "a stage of a chain is a method and its sparsity"),
        ("filter-l2x 0.5 > int8", "method 'filter-l2x' is not known"),
        ("filter-random 0.5 > int8", "does not prune the network that it is handed"),
        ("filter-l1 0.5 > snip 0.5", "does not prune the network that it is handed"),
        ("filter-l1 150% > int8", "between 0 and 1"),
        ([{"name": "filter-l1", "sparsities": [0.5, 0.7]}, "int8"], "has one target; got 2"),
        ([{"name": "filter-l1"}, "int8"], "has one target; got 0"),
        (["filter-l1 0.5", {"name": "magnitude", "sparsities": [0.5], "scope": "sensitivity"}], "only the first stage"),
    ],
)
def test_refused_before_anything_runs(chain, says):
    with pytest.raises(UserError, match=says) as found:
        settled(chain)
    assert "\n" not in str(found.value)
