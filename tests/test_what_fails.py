"""A step that fails costs itself and what needs it, whatever it raises: the rest of the study ends, with a report."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import shared
from secateur import catalogue, drawing, handing, studying
from secateur.cli import main
from secateur.drawing import draw
from secateur.engine import Silent, Walk
from secateur.errors import StepFailed, UserError
from secateur.records import Outcome, Results, Step
from secateur.steps import STEPS
from secateur.store import Store
from secateur.study_file import make

RAISED: tuple[Exception, ...] = (
    RuntimeError("shapes do not fit"),
    MemoryError(),
    KeyError("weight"),
    OSError(errno.EIO, "Input/output error"),
    AssertionError(),
    UserError("a figure that cannot be had"),
    StepFailed("it has no filters"),
)
FULL = OSError(errno.ENOSPC, "No space left on device")


def stub(fails: str, error: Exception) -> Callable[[str], Any]:
    """What finds a step's function by name: one that writes nothing, or raises."""

    def load(where: str) -> Any:
        def function(ctx: Any) -> None:
            if where == STEPS[fails].where and ctx.params.get("fails"):
                raise error

        return real(where) if "context" in where else function

    real = catalogue.load
    return load


@pytest.mark.parametrize("kind", sorted(STEPS))
def test_every_kind_of_step_costs_itself_alone(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Three steps of a kind: one that fails, one that needs it, one that does not."""
    monkeypatch.setattr("secateur.engine.Walk._note", lambda *_: None)
    monkeypatch.setattr("secateur.engine.key_of", lambda step, inputs: step.id.replace("/", "-"))
    for number, error in enumerate(RAISED):
        monkeypatch.setattr(catalogue, "load", stub(kind, error))
        steps = [
            Step("first", kind, {"fails": True}, {}, "the first"),
            Step("needs", kind, {}, {"model": "first"}, "what needs it"),
            Step("other", kind, {}, {}, "the other"),
        ]
        home = tmp_path / str(number)
        outcomes = Walk(steps, {}, Store(home), home / "run", Silent()).run(record=False)
        assert [o.state for o in outcomes] == ["failed", "made" if STEPS[kind].tolerant else "skipped", "made"]
        assert (
            str(error).strip("'") in outcomes[0].why and type(error).__name__ in outcomes[0].why + "UserErrorStepFailed"
        )
        kept = list((home / "run" / "errors").glob("*.txt"))
        assert len(kept) == (not isinstance(error, UserError | StepFailed))  # the traceback of what is a bug
        monkeypatch.undo()
        monkeypatch.setattr("secateur.engine.Walk._note", lambda *_: None)
        monkeypatch.setattr("secateur.engine.key_of", lambda step, inputs: step.id.replace("/", "-"))


def test_a_full_disk_ends_the_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("secateur.engine.key_of", lambda step, inputs: step.id)
    monkeypatch.setattr(catalogue, "load", stub("train", FULL))
    steps = [Step("first", "train", {"fails": True}, {}, ""), Step("other", "train", {}, {}, "")]
    with pytest.raises(OSError, match="No space left"):
        Walk(steps, {}, Store(tmp_path), tmp_path / "run", Silent()).run(record=False)


ASKED: dict[str, Any] = {
    "name": "s",
    "backbone": "cnn",
    "input_px": 16,
    "epochs": 1,
    "retrain_epochs": 1,
    "seeds": [0],
    "bench": 0,  # it would be timed anew after every loss
    "robustness": 6,
    "rivals": False,
    "controls": False,
    "threads": 1,
    "precision": "fp32",
    "distil": 0.5,
    "max_size": "1GB",  # so that INT8 files are made
    "budget": "",
    "exports": ["packed"],
    "methods": [
        {"name": "magnitude", "sparsities": [0.5]},
        {"name": "filter-taylor", "scope": "sensitivity", "sparsities": [0.3]},
        {"name": "filter-slimming", "sparsities": [0.3]},
        {"name": "snip", "sparsities": [0.5]},
    ],
}
KINDS = (
    *("pixels", "train", "lessons", "begin", "regularise", "evidence", "scan", "prune", "retrain", "export", "convert"),
    *("quantize", "parity", "profile", "choose", "evaluate", "robustness", "collect"),
)

TRIED = (
    "pixels",
    "train",
    "scan",
    "prune",
    "quantize",
    "profile",
    "collect",
)  # each with all that is behind it


def drawn(folder: Path) -> Path:
    for kind in range(3):
        (folder / f"kind{kind}").mkdir(parents=True)
        for number in range(12):
            low = np.random.default_rng([kind, number]).normal(70 + 60 * kind, 40, (8, 8, 3))
            photo = Image.fromarray(np.clip(low, 0, 255).astype(np.uint8)).resize((24, 24), Image.Resampling.BICUBIC)
            photo.save(folder / f"kind{kind}" / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that ended well."""

    def fill(home: Path) -> None:
        asked = make(ASKED | {"folder": str(drawn(home / "photos"))}, "test")
        results = studying.run(asked, home / "runs")
        assert {o.state for o in results.outcomes} == {"made"}
        assert set(KINDS) | {"split"} == {o.kind for o in results.outcomes}

    return shared.once(tmp_path_factory, "what fails", fill)


def once_more(whole: Path, home: Path, lost: str = "") -> tuple[Any, Path]:
    """The same study beside what it made, less all results of a kind."""
    shutil.copytree(whole / "runs", home / "runs", copy_function=os.link)
    if lost:
        shutil.rmtree(home / "runs" / ".store" / lost)
    return make(ASKED | {"folder": str(whole / "photos")}, "test"), home / "runs"


@pytest.mark.parametrize(("number", "kind"), list(enumerate(TRIED)), ids=TRIED)
def test_the_rest_of_a_study_ends_with_a_report(
    number: int, kind: str, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked, runs = once_more(whole, tmp_path, kind)
    error = RAISED[number % 5]

    def broken(ctx: Any) -> None:
        raise error

    real = catalogue.load
    monkeypatch.setattr(catalogue, "load", lambda where: broken if where == STEPS[kind].where else real(where))
    results = studying.run(asked, runs)
    states = {o.id: o for o in results.outcomes}
    own = [o for o in results.outcomes if o.kind == kind]
    assert own and all(o.state in ("failed", "skipped") for o in own) and own[0].state == "failed"
    needed_by: set[str] = {o.id for o in own}
    assert all(o.state in ("found", "made") for o in results.outcomes if not _behind(o, states, needed_by))
    page = draw(runs, "s")
    text = page.read_text()
    assert own[0].why.split(" (errors/")[0].split(": ")[-1][:20] in text.replace("&#39;", "'")
    assert json.loads((runs / "s" / "results.json").read_text())["outcomes"]


def _behind(outcome: Outcome, states: dict[str, Outcome], lost: set[str]) -> bool:
    """Is it of the kind that failed, or behind it: skipped, or a failed reading of what is not there?"""
    return outcome.id in lost or outcome.state == "skipped" or outcome.kind in ("choose", "robustness")


def test_its_command_ends_with_1(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any):
    _, runs = once_more(whole, tmp_path, "robustness")

    def broken(ctx: Any) -> None:
        raise MemoryError

    real = catalogue.load
    gone = STEPS["robustness"].where
    monkeypatch.setattr(catalogue, "load", lambda where: broken if where == gone else real(where))
    file = tmp_path / "s.toml"
    told = {k: v for k, v in ASKED.items() if k != "methods"} | {"folder": str(whole / "photos")}
    lines = [f"{k} = {json.dumps(v)}" for k, v in told.items()]
    tables = ["{ " + ", ".join(f"{k} = {json.dumps(v)}" for k, v in m.items()) + " }" for m in ASKED["methods"]]
    file.write_text("\n".join([*lines, f"methods = [{', '.join(tables)}]"]))
    with pytest.raises(SystemExit) as ended:
        main(["study", str(file), "--runs", str(runs)])
    assert ended.value.code == 1
    said = "".join(capsys.readouterr())
    assert "failed: robustness/cnn: MemoryError" in said and "report.html" in said and "Traceback" not in said


def test_a_part_of_the_report_that_cannot_be_drawn(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked, runs = once_more(whole, tmp_path)
    studying.run(asked, runs)
    real = drawing.catalogue.load

    def write(results: Results, home: Path, charts: str) -> None:
        if results.harm:
            raise ZeroDivisionError("of an empty class")
        real("secateur.report.draw:write_report")(results, home, charts)

    monkeypatch.setattr(
        drawing.catalogue, "load", lambda where: write if where.endswith(":write_report") else real(where)
    )
    page, lost = drawing.drawn(runs, "s")
    assert lost.startswith("who pays could not be drawn: ZeroDivisionError: of an empty class")
    assert "who pays could not be drawn" in page.read_text()


def test_a_file_that_cannot_be_handed_over(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked, runs = once_more(whole, tmp_path)
    real = shutil.copy

    def copy(source: Path, target: Path) -> Any:
        if Path(target).name == "dense.onnx":
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(source, target)

    monkeypatch.setattr(handing.shutil, "copy", copy)
    results = studying.run(asked, runs)
    (lost,) = [o for o in results.outcomes if o.state == "failed"]
    assert lost.id == "models/dense.onnx" and "Permission denied" in lost.why
    there = {p.name for p in (runs / "s" / "models").iterdir()}
    assert "dense.onnx" not in there and "dense-int8.onnx" in there


def test_photos_that_cannot_be_split_end_it_before_anything(whole: Path, tmp_path: Path):
    with pytest.raises(UserError):
        studying.run(make(ASKED | {"folder": str(tmp_path)}, "test"), tmp_path / "runs")
