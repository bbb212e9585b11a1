"""The answer in a terminal: what the page says, ten rows, no figure lost at 80 columns or in a pipe."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from results_builder import bench, results

from secateur.cli.answer import facts
from secateur.records import Results
from secateur.report.benched import benched
from secateur.report.story import tell
from secateur.report.terminal import MOST_ROWS, plain, study

LONG = "filter-random-global-like-filter-taylor-with-squirrels 90\u202f%"
SHOW = (
    "import json, sys; from pathlib import Path; from secateur.cli.answer import of_run, show; "
    "home = Path(sys.argv[1]); show(of_run(home), {'models': home / 'models', 'report': home / 'report.html'})"
)


def built() -> Results:
    found = results()
    return replace(found, benches=(bench(found),))


@cache
def story() -> dict[str, Any]:
    """One network has a name as long as a plug-in's method may have: those of our own methods are short by now."""
    told = tell(built())
    named = [row | ({"name": LONG} if row["config"] == "cnn/magnitude/0.9" else {}) for row in told["models"]]
    return told | {"models": named}


def in_terminal(columns: int, home: Path) -> str:
    """What a terminal of that many columns is sent."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR")} | {"TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-c", SHOW, str(home)], stdin=theirs, stdout=theirs, stderr=theirs, env=kept
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end was closed
            break
        if not part:
            break
        said += part
    os.close(ours)
    assert process.wait() == 0, said
    return said.decode().replace("\r\n", "\n")


def test_it_says_what_the_page_says() -> None:
    told = study(story())
    (answer,) = story()["answers"]
    assert told.headlines == (plain(answer["headline"]),)
    said = " ".join(told.doubts)  # controls that were not run stand in one line
    assert all(plain(line).removeprefix("Not run: ").removesuffix(".") in said for line in answer["not_known"])
    assert said.count("Not run: ") == 1 < sum(line.startswith("Not run: ") for line in answer["not_known"])
    by_config = {row["config"]: row for row in story()["models"]}
    assert len(told.rows) == MOST_ROWS and told.left == len(by_config) - MOST_ROWS
    for cells, figures in zip(told.rows, told.figures, strict=True):
        row = by_config[figures["config"]]
        assert cells[0].removeprefix("→ ") == plain(row["name"]) == figures["name"]
        assert cells[0].startswith("→") == (row["config"] == answer["use"])
        value, low, high = (row["test_accuracy"][key] for key in ("value", "low", "high"))
        assert cells[1] == f"{100 * value:.1f} % [{100 * low:.1f}–{100 * high:.1f}]"
        assert cells[-1] == (row["against_dense"]["verdict"] if row["against_dense"] else "–")
        assert figures["against_dense"] == row["against_dense"] and figures["file_bytes"] == row["sizes"]["onnx"]


def test_what_decides_is_among_the_ten() -> None:
    shown = {row["config"] for row in study(story()).figures}
    (answer,) = story()["answers"]
    against = {c["against"] for c in story()["claims"] if c["subject"] == answer["use"]}
    assert {answer["use"], "cnn/dense", "cnn/dense-longer"} | against <= shown
    assert {c["config"] for c in answer["candidates"]} <= shown


def test_times_are_of_the_first_machine_and_way() -> None:
    told = study(story())
    assert told.columns == ("network", "test accuracy", "file", "time", "verdict")
    timed = {row["config"]: row["ways"][0]["median"]["value"] for row in story()["speeds"][0]["rows"]}
    assert {f["config"]: f["time_ms"] for f in told.figures if f["time_ms"]} == {
        c: t for c, t in timed.items() if c in {f["config"] for f in told.figures}
    }
    assert study(tell(results())).columns == ("network", "test accuracy", "file", "verdict")


def test_json_holds_the_same() -> None:
    told = study(story())
    held = json.loads(json.dumps(facts(told), allow_nan=False))
    assert held["headlines"] == list(told.headlines) and held["doubts"] == list(told.doubts)
    assert [row["name"] for row in held["rows"]] == [cells[0].removeprefix("→ ") for cells in told.rows]
    assert held["rows_left"] == told.left


@pytest.mark.parametrize("columns", [80, 120])
def test_no_figure_is_lost_in_a_terminal(columns: int, tmp_path: Path) -> None:
    short = dict(story(), models=[r for r in story()["models"] if r["method"] in ("", "magnitude")])
    (tmp_path / "report.json").write_text(json.dumps(short))
    said = in_terminal(columns, tmp_path)
    lines = re.sub(r"\x1b\[[\d;]*m", "", said).splitlines()
    own = [line for line in lines if not line.startswith(("models: ", "report: "))]  # a path is never broken
    assert max(len(line) for line in own) <= columns
    assert "…" not in "".join(own)
    text = "\n".join(lines)
    for cells in study(short).rows:
        for figure in cells[1:]:
            assert figure in text
    first = [line.split("  ")[0] for line in lines]  # of the table: names, broken where they are longer than the column
    assert plain(LONG).replace(" ", "") in "".join(first).replace(" ", "")
    assert text.count("report: ") == 1  # both streams are one terminal


def test_in_a_pipe_it_is_plain_text_whole_lines_and_on_both_streams_where_everything_lies(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(story()))
    kept = os.environ | {"COLUMNS": "40"}
    done = subprocess.run([sys.executable, "-c", SHOW, str(tmp_path)], capture_output=True, env=kept, check=True)
    said = done.stdout.decode()
    assert not [c for c in said if c != "\n" and not c.isprintable()]
    told = study(story())
    lines = [line.rstrip() for line in said.splitlines()]
    for cells in told.rows:
        assert any(all(cell in line for cell in cells) for line in lines)
    assert set(told.headlines) <= set(lines)
    assert f"report: {tmp_path}/report.html" in lines
    assert done.stderr.decode().splitlines() == [f"models: {tmp_path}/models", f"report: {tmp_path}/report.html"]
    into_one = subprocess.run(
        [sys.executable, "-c", SHOW, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True
    )
    assert into_one.stdout.decode().count("report: ") == 1


def test_a_bench_says_which_is_faster_and_shows_ten() -> None:
    found = bench(results())
    told = benched(found)
    faster = [t for t in found.timings if t.verdict == "faster" and t.way == found.timings[0].way]
    best = max(faster, key=lambda t: t.speedup.value)
    assert told.headlines[0].startswith(f"{best.model} is {best.speedup.value:.2f} [")
    many = tuple(
        replace(t, model=f"{t.model}-{i}", median=replace(t.median, value=100.0 + i))
        for i in range(20)
        for t in faster[:1]
    )
    shown = benched(replace(found, timings=(*found.timings, *many)))
    assert len(shown.rows) == MOST_ROWS and shown.left == len(many) + len(told.rows) - MOST_ROWS
    none = benched(replace(found, timings=tuple(replace(t, verdict="slower") for t in faster)))
    assert none.headlines == (f"No file was seen to be faster than {found.reference}, 1 photo at a time on 1 thread.",)
