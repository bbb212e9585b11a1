"""The library where it could surprise: other epochs train the network that was given, nothing is lost to `gc`, and
every mistake is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import secateur
from secateur.store import Store

TINY = {"backbone": "cnn", "input_px": 16, "epochs": 2, "threads": 1}


@pytest.fixture(scope="module")
def made(photos_112px: Path, tmp_path_factory: pytest.TempPathFactory):
    """(photos, runs, dense, pruned)"""
    root = tmp_path_factory.mktemp("api")
    for name in ("cane", "ragno"):
        (root / "photos" / name).mkdir(parents=True)
        for photo in sorted((photos_112px / "raw-img" / name).iterdir())[:24]:
            (root / "photos" / name / photo.name).write_bytes(photo.read_bytes())
    snapshot = secateur.scan(root / "photos", runs=root / "runs")
    dense = secateur.train(snapshot, runs=root / "runs", **TINY)
    return snapshot, root / "runs", dense, secateur.prune(dense, "filter-l1", 0.5)


def test_the_lazy_names_are_those_of_the_package():
    import secateur.api

    assert secateur.__all__ == secateur.api.__all__
    assert all(callable(getattr(secateur, name)) for name in secateur.__all__)
    assert [name for name in dir(secateur) if not name.startswith("_")] == sorted(secateur.__all__)
    misspelt = "trian"
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        getattr(secateur, misspelt)


def test_other_epochs_train_the_network_that_was_given(made):
    _, _, dense, pruned = made
    for epochs in (1, 3):
        again = secateur.retrain(pruned, epochs=epochs)
        assert len(again.history.epochs) == epochs
        assert again.keys[pruned.step] == pruned.keys[pruned.step] and again.keys[dense.step] == dense.keys[dense.step]
    assert sum(p.numel() for p in again.module().parameters()) < sum(p.numel() for p in dense.module().parameters())
    figures = secateur.evaluate(again)
    assert figures.n == len(secateur.split(made[0]).test)


def test_a_regime_and_the_control_of_pruning(made):
    _, _, dense, _ = made
    gradual = secateur.retrain(dense, "magnitude-gradual", 0.8, epochs=1)
    zeros = [float((p == 0).float().mean()) for n, p in gradual.module().named_parameters() if n == "conv3.weight"]
    assert gradual.config == "cnn/magnitude-gradual/0.8" and 0.7 < zeros[0] < 0.9
    assert secateur.retrain(dense, epochs=1).config == "cnn/dense-longer"


def test_the_same_call_finds_what_was_made(made):
    snapshot, runs, dense, pruned = made
    again = secateur.train(snapshot, runs=runs, **TINY)
    assert again.folder == dense.folder
    assert secateur.prune(again, "filter-l1", 0.5).folder == pruned.folder
    a, b = (m.module()(torch.zeros(2, 3, 16, 16)) for m in (again, dense))
    assert torch.equal(a, b)


def test_gc_keeps_what_was_made_and_lists_no_run(made):
    _, runs, dense, pruned = made
    kept = {dense.folder.name, pruned.folder.name}
    assert not kept & {p.name for p in Store(runs).removable()} and Store(runs).names() == []


def test_photos_from_elsewhere_stand_beside_its_own_test_photos(made):
    snapshot, _, dense, _ = made
    judged = secateur.evaluate(dense, snapshot.root)
    own = secateur.evaluate(dense)
    assert judged.trained.accuracy == own.accuracy and judged.shift is not None
    assert judged.seen_before == judged.evaluation.n


def test_a_model_answers_without_a_file(made, tmp_path):
    snapshot, _, dense, _ = made
    file = secateur.export(dense, tmp_path / "out")
    here, there = (secateur.predict(m, snapshot.root, top=2) for m in (dense, file))
    assert [a.said for a in here] == [a.said for a in there] and len(here) == len(snapshot.photos)


def test_an_exported_file_knows_what_was_measured_of_it(photos_112px, tmp_path):
    """Validation alone until its test photos were opened, which `export` does not do; then those; without the runs."""
    for name in ("cane", "ragno"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for photo in sorted((photos_112px / "raw-img" / name).iterdir())[30:54]:
            (tmp_path / "photos" / name / photo.name).write_bytes(photo.read_bytes())
    dense = secateur.train(tmp_path / "photos", runs=tmp_path / "runs", **TINY)
    before = secateur.export(dense, tmp_path / "before")
    assert not (tmp_path / "runs" / ".looks").exists()
    judged = secateur.evaluate(before, tmp_path / "photos", runs=tmp_path / "none")
    assert judged.trained and judged.shift and judged.trained.photos == "validation"
    parity = next((tmp_path / "runs/.store/parity").glob("*/parity.json"))
    assert judged.trained.accuracy.value == json.loads(parity.read_text())["val_accuracy"]["value"]
    own = secateur.evaluate(dense)
    after, eight = (secateur.export(dense, tmp_path / to, to=to) for to in ("onnx", "onnx-int8"))
    for file, form in ((after, ""), (eight, "onnx")):
        said = secateur.evaluate(file, tmp_path / "photos", runs=tmp_path / "none").trained
        assert said and said.accuracy == own.accuracy and (said.photos, said.form) == ("test", form)


def test_folders_that_are_split_already_stay_so(photos_112px, tmp_path):
    photos = sorted((photos_112px / "raw-img" / "cane").iterdir())[:24]
    for i, photo in enumerate(photos):
        part = ("train", "train", "val", "test")[i % 4]
        place = tmp_path / "photos" / part / ("a" if i % 8 < 4 else "b")
        place.mkdir(parents=True, exist_ok=True)
        (place / photo.name).write_bytes(photo.read_bytes())
    snapshot = secateur.scan(tmp_path / "photos", runs=tmp_path / "runs")
    sides = secateur.split(snapshot)
    assert sides.rule == "folders" and all(snapshot.photos[i].part == "test" for i in sides.test)
    assert secateur.train(snapshot, runs=tmp_path / "runs", **TINY).study.split == "folders"
    assert secateur.split(snapshot, rule="stratified").rule == "stratified"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s, d, p: secateur.prune(d, "filter-l2"), "name one target"),
        (lambda s, d, p: secateur.prune(d, "filter-l2", 0.5, macs=0.5), "name one target"),
        (lambda s, d, p: secateur.prune(d, "filter-l2", macs=[0.5, 0.3]), "macs is one number"),
        (lambda s, d, p: secateur.prune(d, "filter-l2", 1.5), "between 0 and 1"),
        (lambda s, d, p: secateur.prune(d, "filter-l2", 0.5, spar=["conv1"]), "did you mean 'spare'"),
        (lambda s, d, p: secateur.prune(p, "filter-l2", 0.5), "is pruned already"),
        (lambda s, d, p: secateur.prune(d, "magnitude-gradual", 0.5), "prunes while it trains"),
        (lambda s, d, p: secateur.retrain(d, "filter-l2", 0.5), "prunes at once"),
        (lambda s, d, p: secateur.retrain(p, learning_rate=1e-3), "learning_rate: only with a method"),
        (lambda s, d, p: secateur.retrain(d, sparsity=0.9), "sparsity: only with a method"),
        (lambda s, d, p: secateur.retrain(p, epochs=-1), "must not be negative"),
        (lambda s, d, p: secateur.train(s, backbne="cnn"), "did you mean 'backbone'"),
        (lambda s, d, p: secateur.scan(s.root, group_by="folde:1"), "did you mean 'folder'"),
        (lambda s, d, p: secateur.scan(s.root, classes="cane"), "old=new"),
        (lambda s, d, p: secateur.evaluate("m.onnx"), "name a folder"),
        (lambda s, d, p: secateur.export(d, s.root), "exists already"),
        (lambda s, d, p: secateur.split(s, rule="stratifed"), "did you mean 'stratified'"),
    ],
)
def test_mistakes(made, call, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    snapshot, _, dense, pruned = made
    with pytest.raises(secateur.UserError, match=words):
        call(snapshot, dense, pruned)


def test_words_do_for_rules_and_classes(made):
    snapshot, runs, _, _ = made
    found = secateur.scan(snapshot.root, group_by="folder:1", classes="cane=dog", runs=runs)
    assert found.classes == ("dog", "ragno") and [t.rule for t in found.ties] == ["near-duplicates", "folder:1"]


def looks(runs: Path) -> list[str]:
    files = list((runs / ".looks").glob("*.json"))
    return [look["who"] for file in files for look in json.loads(file.read_text())["looks"]]


def test_a_network_is_shown_its_test_photos_once_and_that_is_counted(made):
    _, runs, dense, _ = made
    other = secateur.retrain(dense, epochs=2)
    before = looks(runs)
    secateur.predict(other, dense.snapshot.root)
    assert looks(runs) == before
    secateur.evaluate(other)
    secateur.evaluate(other)  # the figure is there
    assert len(looks(runs)) == len(before) + 1
