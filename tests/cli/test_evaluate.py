"""`secateur evaluate`: a model on photos that its study never had, beside what its study measured."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from commands import secateur
from PIL import Image

from secateur import beside
from secateur.data.images import square
from secateur.files import read
from secateur.forms import runtime
from secateur.measure.accuracy import evaluate
from secateur.measure.shift import shift
from secateur.measure.statistics import wilson
from secateur.records import Results, Trained

BROKEN = 10


@pytest.fixture(scope="module")
def others(photos_112px: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 photos that the study did not have: 200 and 60 of its two classes, 40 of two that it does not know; and ten
    broken files."""
    root = tmp_path_factory.mktemp("new") / "season"
    for name, n in (("cane", 200), ("ragno", 60), ("gatto", 25), ("mucca", 15)):
        (root / name).mkdir(parents=True)
        for photo in sorted((photos_112px / "raw-img" / name).iterdir())[100 : 100 + n]:
            shutil.copy(photo, root / name)
    for i in range(BROKEN):
        (root / "cane" / f"broken{i}.jpg").write_bytes(b"\xff\xd8\xff" + bytes([i]) * 40)
    return root


def test_what_was_taken_of_a_file_of_labels_is_said(home: Path, tmp_path: Path):
    rows = [f"{p.relative_to(home / 'photos').as_posix()},Animalia,{p.parent.name}" for p in home.glob("photos/*/*")]
    (tmp_path / "labels.csv").write_text("\n".join(["file,kingdom,species", *rows]))
    ask = ("evaluate", home / "runs/photos/models/dense.onnx", "photos", "--labels", tmp_path / "labels.csv")
    said = secateur(*ask, cwd=home).stdout
    assert "labels.csv: paths from 'file'; labels from 'species' (--label-column for 'kingdom' 1 class)" in said
    assert json.loads(secateur(*ask, "--json", cwd=home).stdout)["taken"]["label"] == "species"


def test_damaged_and_deep_photos_are_said(home: Path, tmp_path: Path):
    rng = np.random.default_rng(0)
    for name in ("cane", "ragno"):
        (tmp_path / "season" / name).mkdir(parents=True)
        for i in range(4):
            Image.fromarray(rng.integers(0, 256, (90, 120, 3), dtype=np.uint8)).save(
                tmp_path / "season" / name / f"{i}.jpg"
            )
        Image.fromarray(rng.integers(0, 4096, (90, 120), dtype=np.uint16)).save(tmp_path / "season" / name / "deep.png")
    whole = (tmp_path / "season/cane/0.jpg").read_bytes()
    (tmp_path / "season/cane/0.jpg").write_bytes(whole[: len(whole) // 2] + b"\xff\xd9")
    model = home / "runs/photos/models/dense.onnx"
    done = secateur("evaluate", model, tmp_path / "season", cwd=home)
    assert "9 photos of 2 classes" in done.stdout and "damaged: 1, left out: cane/0.jpg" in done.stdout
    assert "no depth stored: 2, kept: " in done.stdout and "read as 16 bits" in done.stdout
    kept = secateur("evaluate", model, tmp_path / "season", "--keep-damaged", cwd=home)
    assert "10 photos of 2 classes" in kept.stdout and "damaged: 1, kept: cane/0.jpg" in kept.stdout
    listed = secateur("scan", tmp_path / "season", "--rare-below", 0, cwd=home).stdout
    assert "4,095 is white (12 bits)" in listed and "damaged: 1, left out" in listed
    assert "damaged: 1, kept" in secateur("scan", tmp_path / "season", "--keep-damaged", cwd=home).stdout


def test_figures_shift_and_lists(home: Path, others: Path, tmp_path: Path):
    model = home / "runs/photos/models/dense.onnx"
    done = secateur("evaluate", model, others, "--json", "--csv", tmp_path / "said.csv", cwd=home)
    made = json.loads(done.stdout)
    said = made["evaluation"]
    left_out = [p for p in made["problems"] if p["left_out"]]
    assert sum(p["path"].startswith("cane/broken") for p in left_out) == BROKEN
    known = 260 - sum(p["what"] == "exact duplicate" and p["path"].split("/")[0] in ("cane", "ragno") for p in left_out)
    assert said["n"] == known == len(made["paths"]) == len(made["true"])
    assert [(u["name"], u["n"]) for u in made["unknown"]] == [("gatto", 25), ("mucca", 15)]
    assert all(sum(n for _, n in u["said"]) == u["n"] for u in made["unknown"])
    # by hand, by another way through the same file
    loaded = runtime.load(model)
    right = 0
    for path, true in zip(made["paths"], made["true"], strict=True):
        assert loaded.labels[true] == path.split("/")[0]
        pixels = square((others / path).read_bytes(), loaded.input_px).pixels
        right += int(loaded.logits(pixels[None])[0].argmax() == true)
    assert said["accuracy"]["value"] == right / known
    assert (said["accuracy"]["low"], said["accuracy"]["high"]) == pytest.approx(wilson(right, known))
    results = read(Results, home / "runs/photos/results.json")
    own = max((m for m in results.models if m.config == "cnn/dense"), key=lambda m: m.val_accuracy)
    assert own.evaluation and made["trained"]["accuracy"]["value"] == own.evaluation.accuracy.value
    points = 100 * (right / known - own.evaluation.accuracy.value)
    assert made["shift"]["accuracy"]["value"] == pytest.approx(points)
    assert made["seen_before"] == 0
    rows = list(csv.DictReader((tmp_path / "said.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) == known and sum(r["right"] == "True" for r in rows) == right
    words = secateur("evaluate", model, others, cwd=home).stdout
    assert "unknown class 'gatto': 25 photos, in no figure" in words and "10, left out: cane/broken0.jpg" in words
    assert "recall of cane" in words and "in its study" in words


def test_the_studys_own_photos_are_no_new_test(home: Path):
    model = home / "runs/photos/models/dense.onnx"
    made = json.loads(secateur("evaluate", model, home / "photos", "--json", cwd=home).stdout)
    assert made["seen_before"] == made["evaluation"]["n"]


def test_a_saved_model_an_exported_folder_and_a_packed_file_say_the_same(home: Path, others: Path, tmp_path: Path):
    results = read(Results, home / "runs/photos/results.json")
    best = max((m for m in results.models if m.config == "cnn/dense"), key=lambda m: m.val_accuracy)
    kept = {o.id: o for o in results.outcomes}
    saved = home / "runs/.store/train" / kept[best.id].key
    secateur("export", "photos", "--model", "dense", "--out", tmp_path / "handed", cwd=home)
    secateur("pack", home / "runs/photos/models/dense.onnx", "--out", tmp_path / "small.packed", cwd=home)
    alone = tmp_path / "elsewhere"  # no run is at hand
    models = (home / "runs/photos/models/dense.onnx", saved, tmp_path / "handed", tmp_path / "small.packed")
    made = [
        json.loads(secateur("evaluate", model, others, "--json", "--runs", alone, cwd=home).stdout) for model in models
    ]
    assert len({json.dumps(m["evaluation"]["predictions"]) for m in made}) == 1
    assert [bool(m["trained"]) for m in made] == [True, False, True, True]
    assert made[0]["trained"] == made[2]["trained"] == made[3]["trained"]


def test_a_file_knows_its_figures_wherever_it_is_taken_with_them(home: Path, others: Path, tmp_path: Path):
    """Each of a run's files, by its contents: in another folder, under another name, with no run at hand; and a file
    that was not measured gets no figures of another."""
    results = read(Results, home / "runs/photos/results.json")
    by_digest = {m.file_sha256: m for m in results.models}
    moved, season = tmp_path / "stick", tmp_path / "season"
    shutil.copytree(home / "runs/photos/models", moved)
    shutil.copytree(others / "ragno", season / "ragno")
    files = sorted(moved.glob("*.onnx"))
    assert len(files) == 6  # dense, dense trained on, what was chosen, and each in INT8
    words = ("--json", "--runs", tmp_path / "none")
    for i, file in enumerate(files):
        model = by_digest[hashlib.sha256(file.read_bytes()).hexdigest()]
        said = beside.of(file.rename(moved / f"{i}.onnx"))
        assert said and model.evaluation and (said.run, said.model) == ("photos", model.name)
        assert said.accuracy == model.evaluation.accuracy and not said.form and said.photos == "test"
    made = json.loads(secateur("evaluate", moved / "2.onnx", season, *words, cwd=home).stdout)
    assert made["trained"]["model"] and made["shift"]
    stranger = moved / "stranger.onnx"
    stranger.write_bytes((moved / "0.onnx").read_bytes() + b"\x00")
    assert beside.of(stranger) is None
    (moved / "figures.json").write_text("another program's")
    made = secateur("evaluate", moved / "2.onnx", season, *words[1:], cwd=home).stdout
    assert "no figures.json beside this file knows it" in " ".join(made.split())


def test_a_file_of_another_form_says_whose_figures_stand_beside_it(home: Path, tmp_path: Path):
    for form, said in (("packed", ""), ("packed-int8", "onnx"), ("onnx-int8", "onnx")):
        out = tmp_path / form
        secateur("export", "photos", "--model", "dense", "--to", form, "--out", out, cwd=home)
        found = beside.of(next(p for p in out.iterdir() if p.suffix in (".onnx", ".packed")))
        assert found and found.form == said


def test_labels_of_a_table_and_classes_by_other_names(home: Path, others: Path, tmp_path: Path):
    lines = ["path,label"]
    for path in sorted(others.rglob("*.webp")):
        name = path.relative_to(others).as_posix()
        lines.append(f"{name},{ {'cane': 'Cane ', 'ragno': 'spiderling'}.get(path.parent.name, 'other') }")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    model = home / "runs/photos/models/dense.onnx"
    words = ("--labels", tmp_path / "labels.csv", "--classes", "spiderling=ragno,other=")
    made = json.loads(secateur("evaluate", model, others, *words, "--json", cwd=home).stdout)
    assert made["renamed"] == [["Cane", "cane"]]
    assert made["unknown"] == [] and made["evaluation"]["n"] > 250


def test_one_class_is_enough(home: Path, others: Path, tmp_path: Path):
    shutil.copytree(others / "ragno", tmp_path / "season" / "ragno")
    model = home / "runs/photos/models/dense.onnx"
    made = json.loads(secateur("evaluate", model, tmp_path / "season", "--json", cwd=home).stdout)
    assert made["absent"] == ["cane"] and made["evaluation"]["n"] >= 50


@pytest.mark.parametrize(
    ("model", "folder", "words"),
    [
        ("none.onnx", "photos", "no such file"),
        ("photos", "photos", "holds no model"),
        ("runs/photos/models/dense.onnx", "none", "no such folder"),
        ("runs/photos/models/dense.onnx", "unknown", "has no photo of a class that"),
        ("a.tflite", "photos", "labels.json is needed beside a.tflite"),
        ("a.pt2", "photos", "read with pickle"),
    ],
)
def test_bad_input(home: Path, model: str, folder: str, words: str):
    (home / "unknown" / "x").mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)).save(home / "unknown/x/a.png")
    (home / "a.tflite").write_bytes(b"x")
    (home / "a.pt2").write_bytes(b"x")
    done = secateur("evaluate", model, folder, cwd=home, code=2)
    assert words in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_what_another_mix_explains():
    """Two classes, recalls of 0.9 and 0.5: half and half gives 0.7, nine to one gives 0.86."""
    true = np.repeat([0, 1], [100, 100])
    said = np.concatenate([np.repeat([0, 1], [90, 10]), np.repeat([1, 0], [50, 50])])
    there = evaluate(true, said, ("a", "b"), "")
    study = Trained("run", "dense", there.accuracy, there.balanced_accuracy, there.classes)
    true = np.repeat([0, 1], [180, 20])
    said = np.concatenate([np.repeat([0, 1], [162, 18]), np.repeat([1, 0], [10, 10])])
    made = shift(evaluate(true, said, ("a", "b"), ""), study)
    assert made.accuracy.value == pytest.approx(16.0) and made.of_the_mix == pytest.approx(16.0)
    assert made.looks.value == pytest.approx(0) and made.verdict == "not shown"
    assert "+16.0 points: +16.0 from another mix of classes, +0.0 [" in made.said
    assert made.mix == pytest.approx(0.4)
    # Newcombe (1998), method 10, by hand: of 172/200 and 140/200
    (l1, u1), (l2, u2) = wilson(172, 200), wilson(140, 200)
    low = 0.16 - ((0.86 - l1) ** 2 + (u2 - 0.7) ** 2) ** 0.5
    high = 0.16 + ((u1 - 0.86) ** 2 + (0.7 - l2) ** 2) ** 0.5
    assert (made.accuracy.low, made.accuracy.high) == pytest.approx((100 * low, 100 * high))


def test_a_mix_that_flatters_hides_nothing():
    """Both classes collapse, and a mix full of the easy one makes accuracy rise all the same."""
    true = np.repeat([0, 1], [100, 100])
    said = np.concatenate([np.repeat([0, 1], [95, 5]), np.repeat([1, 0], [50, 50])])
    there = evaluate(true, said, ("a", "b"), "")
    study = Trained("run", "dense", there.accuracy, there.balanced_accuracy, there.classes)
    true = np.repeat([0, 1], [580, 20])
    said = np.concatenate([np.repeat([0, 1], [452, 128]), np.repeat([1, 0], [2, 18])])
    made = shift(evaluate(true, said, ("a", "b"), ""), study)
    assert made.accuracy.value > 2 and made.verdict == "lower"
    by_hand = 580 / 600 * (452 / 580 - 0.95) + 20 / 600 * (2 / 20 - 0.5)
    assert made.looks.value == pytest.approx(100 * by_hand) and made.looks.high < 0
    assert made.balanced_accuracy.value == pytest.approx(100 * ((452 / 580 + 0.1) / 2 - 0.725))
    assert "photos of the same classes are harder here" in made.said


def test_balanced_accuracy_is_compared_over_the_classes_that_both_have():
    true = np.repeat([0, 1, 2], [100, 100, 100])
    said = np.where(np.arange(300) % 100 < [95] * 300, true, (true + 1) % 3)
    said[200:250] = 0
    there = evaluate(true, said, ("a", "b", "c"), "")
    study = Trained("run", "dense", there.accuracy, there.balanced_accuracy, there.classes)
    here = evaluate(true[200:], said[200:], ("a", "b", "c"), "")
    made = shift(here, study)
    assert (
        made.balanced_accuracy.value == 0 and "over the 1 classes that both have, of 3" in made.balanced_accuracy.doubts
    )


def test_the_same_figures_show_no_shift():
    true = np.repeat([0, 1], [50, 50])
    said = np.concatenate([np.repeat([0, 1], [40, 10]), np.repeat([1, 0], [40, 10])])
    made = evaluate(true, said, ("a", "b"), "")
    same = shift(made, Trained("run", "dense", made.accuracy, made.balanced_accuracy, made.classes))
    assert same.verdict == "not shown" and same.accuracy.value == 0 and same.mix == 0
    assert all(c.difference.value == 0 for c in same.classes)
