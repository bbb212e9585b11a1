"""A class is one class in whichever form its name is written: in folders, in a table of classes, in a model's file."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from PIL import Image
from test_predict import colours

from secateur.data.scan import scan
from secateur.drawing import run_of
from secateur.errors import UserError
from secateur.forms import runtime
from secateur.judging import judge
from secateur.measure.entries import entries
from secateur.models.foreign import read_labels
from secateur.records import Reading, Results
from secateur.serving.models import of_run
from secateur.study_file import make

FOX, OWL = "Füchsin", "Große Eule"
APART = {name: unicodedata.normalize("NFD", name) for name in (FOX, OWL)}
N = 4
DIGEST = "bb6570ee2521c159eb65c08d1271d5316c62ae1489c244d316ea09ffd3614e77"


def season(root: Path, names: dict[str, str]) -> Path:
    """Red foxes and blue owls, as the model of `colours` tells them, under the names given."""
    rng = np.random.default_rng(0)
    for name, colour in ((FOX, (200, 30, 30)), (OWL, (30, 30, 200))):
        (root / names[name]).mkdir(parents=True, exist_ok=True)
        for i in range(N):
            low = np.clip(rng.normal(0, 25, (8, 8, 3)) + colour, 0, 255).astype(np.uint8)
            Image.fromarray(low).resize((48, 48)).save(root / names[name] / f"{i}.png")
    return root


@pytest.mark.parametrize("folders", ["NFC", "NFD"])
@pytest.mark.parametrize("model", ["NFC", "NFD"])
def test_evaluate_takes_all_photos_of_a_class(tmp_path: Path, folders: str, model: str):
    colours(tmp_path / "m.onnx", [unicodedata.normalize(model, name) for name in (FOX, OWL)])
    root = season(tmp_path / "season", {name: unicodedata.normalize(folders, name) for name in (FOX, OWL)})
    made = judge(tmp_path / "m.onnx", root, runs=tmp_path / "runs")
    assert made.evaluation.n == 2 * N and made.evaluation.accuracy.value == 1
    assert made.labels == (FOX, OWL) and not made.unknown and not made.renamed


def test_both_forms_in_one_folder_are_one_class_with_all_photos(tmp_path: Path):
    root = season(tmp_path / "season", {FOX: FOX, OWL: OWL})
    (root / APART[FOX]).mkdir(exist_ok=True)
    for i in range(2):
        (root / FOX / f"{i}.png").rename(root / APART[FOX] / f"{i}.png")
    found = scan(root)
    assert found.classes == (FOX, OWL) and found.counts() == (N, N)
    plain = scan(season(tmp_path / "plain", {FOX: FOX, OWL: OWL}))
    assert found.digest == plain.digest == scan(season(tmp_path / "apart", APART)).digest


def test_the_digest_of_a_composed_folder_is_what_it_was(tmp_path: Path):
    """Held from the release before names were composed: no study of today's folders begins anew."""
    root = tmp_path / "photos"
    for label, name in enumerate(("Zebra", FOX, "Ärger", "eel")):
        (root / name).mkdir(parents=True)
        for i in range(3):
            pixels = np.arange(12 * 12 * 3, dtype=np.int64) * (7 * label + i + 3) % 251
            Image.fromarray(pixels.astype(np.uint8).reshape(12, 12, 3)).save(root / name / f"{i}.ppm")
    found = scan(root)
    assert found.digest == DIGEST


def test_a_table_of_classes_may_use_either_form(tmp_path: Path):
    root = season(tmp_path / "season", APART)
    for name in (FOX, APART[FOX]):
        found = scan(root, reading=Reading(classes=((name, "fox"),)))
        assert found.classes == (OWL, "fox")
        assert (
            make({"classes": f"{name}=x"}, "test").classes
            == make({"classes": {name: "x"}}, "test").classes
            == {FOX: "x"}
        )


def test_a_model_that_learnt_a_class_twice_adds_up_what_it_says(tmp_path: Path):
    labels, together = runtime.one_each([FOX, OWL, APART[FOX]])
    assert labels == (FOX, OWL)
    logits = np.array([[1.0, 2.0, 0.5], [-3.0, 0.0, 4.0]], np.float32)
    apart = runtime.softmax(logits)
    joined = runtime.softmax(together(logits))
    assert joined == pytest.approx(np.stack([apart[:, 0] + apart[:, 2], apart[:, 1]], axis=1), abs=1e-6)
    same, as_it_is = runtime.one_each([OWL, FOX])
    assert same == (OWL, FOX) and as_it_is(logits) is logits


def test_a_name_that_is_near_to_two_classes_of_the_model_is_neither(tmp_path: Path):
    colours(tmp_path / "m.onnx", ["Fox", "fox"])
    root = season(tmp_path / "season", {FOX: "FOX", OWL: "fox"})
    made = judge(tmp_path / "m.onnx", root, runs=tmp_path / "runs")
    assert [u.name for u in made.unknown] == ["FOX"] and made.evaluation.n == N


def test_classes_further_down_are_said_with_their_level(tmp_path: Path):
    colours(tmp_path / "m.onnx", [FOX, OWL])
    season(tmp_path / "seasons/north", APART)
    with pytest.raises(UserError, match="further down: --label-level 2"):
        judge(tmp_path / "m.onnx", tmp_path / "seasons", runs=tmp_path / "runs")
    made = judge(tmp_path / "m.onnx", tmp_path / "seasons", runs=tmp_path / "runs", reading=Reading(label_level=2))
    assert made.evaluation.n == 2 * N


def test_files_of_models_are_named_in_either_form_and_macs_leavings_are_none(tmp_path: Path):
    folder = tmp_path / "models"
    folder.mkdir()
    colours(folder / f"{APART[FOX]}.onnx", [APART[FOX], OWL])
    (folder / f"._{APART[FOX]}.onnx").write_bytes(b"Mac OS X")
    (found,) = entries([folder])
    assert found.name == FOX
    (served,) = of_run(folder, cast(Results, SimpleNamespace(models=(), summaries=())))
    assert served.name == f"{FOX}.onnx" and served.classifier.labels == (FOX, OWL)


def test_a_run_is_found_by_its_name_in_either_form(tmp_path: Path):
    (tmp_path / APART[OWL]).mkdir()
    (tmp_path / APART[OWL] / "results.json").write_text("{}")
    for name in (OWL, APART[OWL]):
        assert (run_of(name, tmp_path) / "results.json").is_file()


def test_a_list_of_labels_is_composed_and_says_each_once(tmp_path: Path):
    file = tmp_path / "labels.txt"
    file.write_text(f"{APART[FOX]}\n{OWL}\n", encoding="utf-8")
    assert read_labels(file) == (FOX, OWL)
    file.write_text(f"{APART[FOX]}\n{FOX}\n", encoding="utf-8")
    with pytest.raises(UserError, match="stands there twice"):
        read_labels(file)
