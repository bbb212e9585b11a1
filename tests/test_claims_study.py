"""A season of camera traps, studied: a random split claims more than the one that keeps bursts together, and the report
shows both."""

from __future__ import annotations

import json
import math

import pytest
from scipy import stats

import forked
import traps
from secateur.claiming import SPLIT
from secateur.files import read
from secateur.measure.crossed import PRIOR_DF, PRIOR_POINTS
from secateur.measure.statistics import wilson
from secateur.plan import plan
from secateur.records import Snapshot, Split
from secateur.settings import Study

FAST = "--backbone cnn --input-px 24 --epochs 14 --seeds 0 --methods magnitude --sparsities 0.5 --retrain-epochs 1"
FAST += " --balance loss --no-rivals --bench 0 --robustness 0 --budget"


def settled(**more):
    return Study(folder="x", name="x", input_px=32, epochs=2, retrain_epochs=1, threads=1, precision="fp32", **more)


def test_the_plan_trains_the_dense_network_once_more():
    without = [s.id for s in plan(settled(backbone="cnn"))]
    steps = {s.id: s for s in plan(settled(backbone="cnn", claims=True))}
    more = [id for id in steps if id not in without]
    name = "cnn/dense-random-split/seed0"
    assert more == [SPLIT, f"train/{name}", f"export/{name}", "claim/evaluate/cnn/dense/seed0"]
    assert steps[SPLIT].params["rule"] == "random"
    own, usual = steps[f"train/{name}"], steps["train/cnn/dense/seed0"]
    assert own.params == usual.params and own.inputs == usual.inputs | {"split": SPLIT}
    assert steps["claim/evaluate/cnn/dense/seed0"].inputs["split"] == SPLIT
    assert "claim/evaluate/cnn/dense/seed0" in steps["collect"].inputs


def test_the_control_of_balancing_differs_in_that_alone():
    steps = {s.id: s for s in plan(settled(backbone="cnn", balance="sampling", seeds=(0, 1)))}
    for seed in (0, 1):
        own, control = steps[f"train/cnn/dense/seed{seed}"], steps[f"train/cnn/dense-unbalanced/seed{seed}"]
        assert own.params["recipe"].pop("balance") == "sampling" and own.params == control.params
        assert own.inputs == control.inputs
    longer = steps["retrain/cnn/dense-longer/seed0"]
    assert longer.params["recipe"]["balance"] == "sampling"
    assert ["cnn/dense", "cnn/dense-unbalanced"] in steps["collect"].params["against"]
    plain = {s.id: s for s in plan(settled(backbone="cnn"))}
    assert "balance" not in plain["train/cnn/dense/seed0"].params["recipe"]  # which moves no old key
    assert not any("unbalanced" in id for id in plain)


def test_of_a_transfer_network_features_are_taken_anew():
    net = settled(backbone="tf_efficientnet_lite0", weights="package", tune="all", tune_epochs=1, views=1, claims=True)
    steps = {s.id: s for s in plan(net)}
    own = [s for s in steps.values() if "random-split" in s.id]
    assert [s.kind for s in own] == ["features", "train", "retrain", "export"]
    assert all(i in steps or i.split("/")[0] in ("snapshot", "weights") for s in own for i in s.inputs.values())
    assert not any(i == "split" for s in own for i in s.inputs.values())


def test_a_season_of_camera_traps(photos_112px, tmp_path):
    """One study for all: it takes half a minute."""
    traps.season(photos_112px / "raw-img", tmp_path / "photos", classes=3, triggers=16)
    done = forked.run("study", "photos", *FAST.split(), "", "--group-by", "burst:30s", "--claims", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / "photos"
    story, page = json.loads((run / "report.json").read_text()), (run / "report.html").read_text()
    counts_bursts_not_photos(story)
    shows_what_a_random_split_claims(story, page)
    says_what_weighing_classes_changed(story, page)
    tore_no_burst(tmp_path / "runs" / ".store")


def counts_bursts_not_photos(story):
    """The main table's intervals are over bursts, those of the evaluation itself: by photos one by one they would be a
    third as wide or so."""
    rows = {m["config"]: m for m in story["models"]}
    tested = story["made"]["n_test"]
    for config in ("cnn/dense", "cnn/dense-longer", "cnn/magnitude/0.5"):
        row = rows[config]
        assert row["test_accuracy"] == claimed(story, config)
        assert f"jackknife over {tested // 5} groups of photos" == row["test_accuracy"]["how"]
        for figure in (row["macro_f1"], row["balanced_accuracy"], row["worst_class"]["recall"]):
            assert figure["low"] < figure["value"] < figure["high"] or figure["value"] in (0, 1)
    low, high = wilson(round(rows["cnn/dense"]["test_accuracy"]["value"] * tested), tested)
    assert rows["cnn/dense"]["test_accuracy"]["high"] - rows["cnn/dense"]["test_accuracy"]["low"] > high - low
    assert all(c["difference"]["how"].startswith("jackknife over") for c in story["claims"])


def claimed(story, config):
    """The accuracy of the file itself, as the step that tested it found."""
    (made,) = [m for m in story["records"]["models"] if m["config"] == config]
    return made["evaluation"]["accuracy"]


def shows_what_a_random_split_claims(story, page):
    """How the figure comes about. How large it is depends on the bits of two trainings: of six seen, on processors of
    three widths, three were shown. Of a network whose answers are known: tests/report/test_random_split."""
    (claim,) = story["random_split"]
    random, grouped, gap = claim["random"], claim["grouped"], claim["gap"]
    rows = {m["config"]: m for m in story["models"]}
    assert grouped["value"] == rows["cnn/dense"]["test_accuracy"]["value"]
    assert gap["value"] == pytest.approx(100 * (random["value"] - grouped["value"]))
    seeds = stats.t.ppf(0.975, PRIOR_DF) * PRIOR_POINTS / 100  # two trainings: what another seed would give
    half = math.hypot(random["value"] - random["low"], grouped["high"] - grouped["value"], seeds)
    assert gap["low"] == pytest.approx(gap["value"] - 100 * half)
    assert claim["flatters"] == (gap["low"] > 0)
    said = "It flatters: the split of this report" if claim["flatters"] else "No difference is shown here."
    assert said in page
    assert claim["torn"] == random["n"]  # of every burst of five, some frame was trained on
    ties = {t["rule"]: t for t in story["data"]["ties"]}
    assert ties["burst:30s"]["photos"] == 240 and ties["burst:30s"]["groups"] == 48
    assert "What a random split would have claimed" in page and "burst:30s" in page


def says_what_weighing_classes_changed(story, page):
    (weighed,) = story["weighed"]
    assert (weighed["how"], weighed["seeds"], weighed["rarest"]) == ("loss", 1, story["data"]["classes"][0])
    rows = {m["config"]: m for m in story["models"]}
    both = rows["cnn/dense"]["balanced_accuracy"], rows["cnn/dense-unbalanced"]["balanced_accuracy"]
    assert weighed["balanced_accuracy"]["value"] == pytest.approx(100 * (both[0]["value"] - both[1]["value"]))
    assert "Rare classes given more weight" in page


def tore_no_burst(store):
    (snapshot,) = [read(Snapshot, p) for p in store.glob("snapshot/*/snapshot.json")]
    by_rule = {s.rule: s for s in (read(Split, p) for p in store.glob("split/*/split.json"))}
    for rule, torn in (("stratified", False), ("random", True)):
        sides = {}
        for name in ("train", "val", "test"):
            for i in getattr(by_rule[rule], name):
                sides.setdefault(traps.burst(snapshot.photos[i].path), set()).add(name)
        assert any(len(s) > 1 for s in sides.values()) is torn
