"""Names for people: short, each another one, and honest about what a percentage is of."""

from __future__ import annotations

import itertools

import pytest

from secateur import catalogue
from secateur.arms import arm_id, arms, config_of, targets, title
from secateur.choice import MethodChoice
from secateur.methods import OWN
from secateur.report.names import short_methods, short_names, shortened
from secateur.settings import Study

ALONE = {
    "cnn/filter-random-global-like-filter-taylor/0.9": "random, same widths 90\u202f%",
    "cnn/random-global-like-lamp/0.9": "random, same sparsities 90\u202f%",
    "cnn/filter-l1/0.5": "filter-l1 50\u202f%",
    "cnn/filter-taylor-params-sensitivity-units/0.315": "filter-taylor 31.5\u202f% of parameters",
    "cnn/filter-random-params-sensitivity-like-filter-taylor-units-int8/0.315": (
        "random, same widths 31.5\u202f% of parameters INT8"
    ),
    "cnn/filter-taylor-macs-xauto-global-spare-features.0+classifier/0.5": "filter-taylor 50\u202f% of MACs",
    "lite0/magnitude-gradual-head/0.8": "magnitude-gradual 80\u202f% of head",
    "cnn/filter-sensitivity/0.5": "filter-sensitivity 50\u202f%",
    "cnn/sensitivity-global/0.5": "sensitivity 50\u202f%",
    "cnn/magnitude-2-4/0.5": "magnitude-2-4 50\u202f%",
    "cnn/filter-fpgm-0.5+random-global-like-lamp/0.8": "filter-fpgm 50\u202f% + random, same sparsities 80\u202f%",
    "cnn/filter-fpgm-0.5+lamp-int8/0.8": "filter-fpgm 50\u202f% + lamp 80\u202f% INT8",
    "cnn/dense": "dense",
    "cnn/dense-longer-all-int8": "dense longer all INT8",
    "cnn/dense-64px-longer": "dense 64 px longer",
    "cnn/narrow-filter-taylor-global": "narrow network as fast",
    "cnn/dense-as-small-as-filter-random-like-filter-thinet": "narrow network as small",
    "cnn/scratch-filter-taylor-global/0.9": "from scratch, same shape 90\u202f%",
    "cnn/somebodys-own-method/0.5": "somebodys-own-method 50\u202f%",
    "cnn/somebodys-own-method-global/0.5": "somebodys-own-method 50\u202f%",
    "whatever a bench calls a file.onnx": "whatever a bench calls a file.onnx",
}


@pytest.mark.parametrize(("config", "name"), ALONE.items(), ids=list(ALONE))
def test_a_name_by_itself(config: str, name: str):
    assert short_names([config]) == {config: name}


def test_names_say_more_where_they_would_be_the_same():
    configs = {
        "cnn/filter-random-global-like-filter-taylor/0.9": "random, widths of filter-taylor 90\u202f%",
        "cnn/filter-random-global-like-filter-fpgm/0.9": "random, widths of filter-fpgm 90\u202f%",
        "cnn/filter-random/0.9": "filter-random 90\u202f%",
        "cnn/filter-random-slimmed/0.9": "filter-random slimmed 90\u202f%",
        "cnn/filter-taylor/0.9": "filter-taylor 90\u202f%",
        "cnn/filter-taylor-global/0.9": "filter-taylor global 90\u202f%",
        "cnn/filter-taylor-macs/0.9": "filter-taylor 90\u202f% of MACs",
        "cnn/scratch-filter-taylor/0.9": "from scratch, same shape as filter-taylor 90\u202f%",
        "cnn/scratch-filter-fpgm/0.9": "from scratch, same shape as filter-fpgm 90\u202f%",
    }
    assert short_names(configs) == configs
    assert short_methods(["int8"]) == {"int8": "dense INT8"}
    assert short_methods(["filter-taylor", "filter-taylor-macs", ""]) == {
        "filter-taylor": "filter-taylor",
        "filter-taylor-macs": "filter-taylor (of MACs)",
        "": "",
    }


def test_several_backbones_stand_first():
    assert list(short_names(["cnn/dense", "lite0/dense"]).values()) == ["cnn dense", "lite0 dense"]


def test_what_cannot_be_told_apart_in_words_keeps_its_id():
    """Ids that the words do not reach: neither may take the other's name."""
    configs = ("cnn/filter-l1-spare-a+b/0.5", "cnn/filter-l1-spare-a, b/0.5")
    assert short_names(configs) == {c: f"{c.split('/')[1]} 50\u202f%" for c in configs}


def wild() -> Study:
    """Every method, with each of its scopes, and controls of all."""
    names = [row.name for row in OWN if row.role != "control"]
    choices = []
    for name in names:
        for scope in catalogue.method(name).scopes:
            choices.append(MethodChoice(name=name, scope=scope))
    choices += [MethodChoice(name="filter-l1", macs=(0.5,), multiple=8), MethodChoice(name="filter-l1", params=(0.5,))]
    choices += [
        MethodChoice(name="filter-l1", spare=("features.0",)),
        MethodChoice(name="filter-l1", hidden_units=True),
    ]
    choices += [MethodChoice(name="magnitude", begins="initialisation")]
    choices += [MethodChoice(name="filter-l1", scope="global", normalise="none")]
    return Study(folder="photos", backbone="cnn", sparsities=(0.3, 0.5, 0.9), methods=tuple(choices))


def test_every_arm_of_a_study_of_everything_has_a_name_of_its_own_and_most_are_short():
    net = wild()
    own = [(c, t) for c in arms(net) for t in targets(net, c)]
    configs = [config_of(net, c, t) for c, t in own]
    names = short_names(configs)
    assert len(configs) > 150
    assert len(set(names.values())) == len(set(configs))
    assert all(len(name) <= len(title(config)) + len(" of parameters") for config, name in names.items())
    labels = short_methods(arm_id(net, c) for c in arms(net))
    assert len(set(labels.values())) == len(labels)
    alone = itertools.chain.from_iterable(short_names([c]).values() for c in configs)
    assert max(map(len, alone)) <= 40


def test_sentences_are_rewritten_where_they_hold_a_long_id():
    like = "cnn/filter-random-global-like-filter-taylor/0.9"
    said = shortened({like: title(like), "cnn/random/0.9": "random 90 %"}, ["filter-taylor-params-sensitivity"])
    assert said(f"retrain {title(like)}, seed 0") == "retrain random, same widths 90\u202f%, seed 0"
    assert (
        said("none was found for filter-taylor-params-sensitivity")
        == "none was found for filter-taylor (of parameters)"
    )
    assert said("filter-random 90 %, random 90 %") == "filter-random 90 %, random 90\u202f%"
    assert said("no id at all") == "no id at all"
    assert shortened({})("5 %") == "5 %"


def test_of_two_backbones_sentences_are_left_their_own_words():
    titles = {
        "cnn/dense": "dense",
        "lite0/dense": "dense",
        "lite0/random-global-like-lamp/0.5": "random-global-like-lamp 50 %",
    }
    said = shortened(titles)
    assert said("INT8 of the dense network") == "INT8 of the dense network"
    assert said("retrain random-global-like-lamp 50 %") == "retrain random, same sparsities 50\u202f%"
