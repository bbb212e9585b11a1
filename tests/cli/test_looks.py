"""Looks at test photos, counted over commands: what adds one and what does not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from commands import SMALL, secateur

from secateur.files import read
from secateur.records import Outcome, Snapshot, Split


def looks(home: Path, run: str = "photos") -> dict[str, Any]:
    content: dict[str, Any] = json.loads((home / "runs" / run / "results.json").read_text())["looks"]
    return content


def who(home: Path) -> list[str]:
    """Of every look in the one ledger."""
    (file,) = (home / "runs" / ".looks").glob("*.json")
    return [look["who"] for look in json.loads(file.read_text())["looks"]]


@pytest.fixture(scope="module")
def tested(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test photos of the finished run, in a folder of their own; and what it was trained on, beside it."""
    outcomes = read(tuple[Outcome, ...], home / "runs/photos/outcomes.json")
    key = next(o.key for o in outcomes if o.kind == "split")
    split = read(Split, home / "runs/.store/split" / key / "split.json")
    (file,) = (home / "runs/.store/snapshot").glob("*/snapshot.json")
    photos = read(Snapshot, file).photos
    folder = tmp_path_factory.mktemp("sides")
    for side in ("train", "test"):
        for i in getattr(split, side):
            target = folder / side / photos[i].path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(home / "photos" / photos[i].path, target)
    return folder


def test_a_study_is_one_look_however_often_it_is_given(home: Path):
    """By two processes, too: the run was made with --jobs 2."""
    assert (looks(home)["plans"], looks(home)["place"]) == (1, 1)
    secateur("study", "photos", *SMALL.split(), "--budget", "", cwd=home)
    secateur("study", "photos", *SMALL.split(), "--budget", "", "--name", "again", "--margin", 2, cwd=home)
    secateur("report", "photos", cwd=home)
    assert looks(home)["plans"] == looks(home, "again")["plans"] == 1
    assert who(home) == ["run photos"]
    told = json.loads((home / "runs/photos/report.json").read_text())["looks"]
    assert told == "The test photos of this split were opened by 1 plan."


def test_a_file_on_the_test_photos_is_a_look_and_on_other_photos_none(home: Path, tested: Path):
    model = home / "runs/photos/models/dense.onnx"
    before = who(home)
    assert json.loads(secateur("evaluate", model, tested / "train", "--json", cwd=home).stdout)["looks"] is None
    secateur("predict", model, tested / "test", cwd=home)
    assert who(home) == before
    for _ in range(2):  # the same file again sees nothing new
        made = json.loads(secateur("evaluate", model, tested / "test", "--json", cwd=home).stdout)
        assert made["looks"]["plans"] == len(before) + 1
    assert who(home) == [*before, "evaluate dense.onnx"]
    elsewhere = tested / "elsewhere"  # its own runs know it, whatever --runs says
    other = home / "runs/photos/models/magnitude-0.5.onnx"
    words = secateur("evaluate", other, tested / "test", "--runs", elsewhere, cwd=home).stdout
    assert "are test photos of a split. Those were opened by 3 different plans" in " ".join(words.split())
    assert who(home)[-1] == "evaluate magnitude-0.5.onnx"


def test_from_the_third_plan_on_a_report_doubts_itself_and_gc_forgets_nothing(home: Path, tested: Path):
    for name in ("dense", "magnitude-0.5"):
        secateur("evaluate", home / f"runs/photos/models/{name}.onnx", tested / "test", cwd=home)
    before = len(who(home))
    assert before >= 3
    page = secateur("report", "photos", cwd=home).stdout.splitlines()[-1].removeprefix("report: ")
    doubt = f"The test photos of this split were opened by {before} different plans"
    told = json.loads((home / page).with_suffix(".json").read_text())
    assert any(line.startswith(doubt) for line in told["answer"]["not_known"])
    assert doubt in (home / page).read_text()
    for run in (p for p in (home / "runs").iterdir() if not p.name.startswith(".")):
        shutil.rmtree(run)
    secateur("gc", cwd=home)
    assert len(who(home)) == before
    other = "--backbone cnn --input-px 16 --epochs 1 --seeds 0 --bench 0 --methods magnitude --sparsities 0.5"
    other += " --no-controls --no-rivals --robustness 0"
    secateur("study", "photos", *other.split(), "--budget", "", "--name", "other", cwd=home)
    assert (looks(home, "other")["plans"], looks(home, "other")["place"]) == (before + 1, before + 1)
