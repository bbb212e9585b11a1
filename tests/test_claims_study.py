"""A season of camera traps, studied: a random split claims more than the one that keeps bursts together, and the report
shows both."""

from __future__ import annotations

import json

import pytest

import forked
import traps
from secateur.claiming import SPLIT
from secateur.files import read
from secateur.plan import plan
from secateur.records import Snapshot, Split
from secateur.settings import Study

FAST = "--backbone cnn --input-px 24 --epochs 14 --seeds 0 --methods magnitude --sparsities 0.5 --retrain-epochs 1"
FAST += " --no-controls --no-rivals --bench 0 --robustness 0 --budget"


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


def test_of_a_transfer_network_features_are_taken_anew():
    net = settled(backbone="tf_efficientnet_lite0", weights="package", tune="all", tune_epochs=1, views=1, claims=True)
    steps = {s.id: s for s in plan(net)}
    own = [s for s in steps.values() if "random-split" in s.id]
    assert [s.kind for s in own] == ["features", "train", "retrain", "export"]
    assert all(i in steps or i.split("/")[0] in ("snapshot", "weights") for s in own for i in s.inputs.values())
    assert not any(i == "split" for s in own for i in s.inputs.values())


@pytest.fixture(scope="module")
def run(photos_112px, tmp_path_factory):
    home = tmp_path_factory.mktemp("traps")
    traps.season(photos_112px / "raw-img", home / "photos", classes=3, triggers=16)
    done = forked.run("study", "photos", *FAST.split(), "", "--group-by", "burst:30s", "--claims", cwd=home)
    assert done.returncode == 0, done.stderr
    return home / "runs" / "photos"


def test_the_report_shows_what_a_random_split_claims(run):
    story = json.loads((run / "report.json").read_text())
    (claim,) = story["random_split"]
    assert claim["flatters"] and claim["gap"]["low"] > 0
    assert claim["random"]["value"] > claim["grouped"]["value"] + 0.1
    assert claim["torn"] == claim["random"]["n"]  # of every burst of five, some frame was trained on
    ties = {t["rule"]: t for t in story["data"]["ties"]}
    assert ties["burst:30s"]["photos"] == 240 and ties["burst:30s"]["groups"] == 48
    page = (run / "report.html").read_text()
    assert "What a random split would have claimed" in page and "burst:30s" in page


def test_no_burst_of_the_study_was_torn(run):
    store = run.parent / ".store"
    (snapshot,) = [read(Snapshot, p) for p in store.glob("snapshot/*/snapshot.json")]
    splits = [read(Split, p) for p in store.glob("split/*/split.json")]
    by_rule = {s.rule: s for s in splits}
    for rule, torn in (("stratified", False), ("random", True)):
        sides = {}
        for name in ("train", "val", "test"):
            for i in getattr(by_rule[rule], name):
                sides.setdefault(traps.burst(snapshot.photos[i].path), set()).add(name)
        assert any(len(s) > 1 for s in sides.values()) is torn
