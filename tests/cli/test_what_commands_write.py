"""Every command that writes: the output is asked for first, and is whole or absent."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from test_predict import BLUE, RED, colours, photo

import forked

FEW = "--rounds 2 --processes 1 --threads 1 --batch 1 --no-memory --no-layers --no-energy"
COMMANDS = {
    "predict": ("predict {model} labelled --csv", "said"),
    "evaluate": ("evaluate {model} labelled --csv", "said"),
    "scan": ("scan labelled --labels {labels} --csv", "class"),
    "bench": (f"bench {{model}} {FEW} --out", "timings"),
    "pack": ("pack {model} --out", ""),
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    colours(tmp_path / "m.onnx", ["fox", "jay"])
    for n in range(4):
        photo(tmp_path / f"labelled/fox/{n}.png", (RED[0] + 9 * n, 30, 30))
        photo(tmp_path / f"labelled/jay/{n}.png", (30, 30, BLUE[2] + 9 * n))
    rows = [f"{kind}/{n}.png,{kind}" for kind in ("fox", "jay") for n in range(4)]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label", *rows]))
    return tmp_path


def words(command: str, target: str, model: str = "m.onnx", labels: str = "labels.csv") -> list[str]:
    return [*COMMANDS[command][0].format(model=model, labels=labels).split(), target]


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and ".store" not in p.parts)


@pytest.mark.parametrize("command", COMMANDS)
def test_what_cannot_be_written_is_the_first_thing_said(home: Path, command: str):
    """The model is none and the labels are none, so whatever is said of the output was said before any work."""
    (home / "none.onnx").write_text("no model")
    (home / "none.csv").write_text("no labels")
    read = "none.csv" if command == "scan" else "none.onnx"
    before = files(home)
    wrong = {"nodir/out.csv": "no such folder", "labelled": "is a folder", read: "is", "m.onnx/out.csv": "cannot be"}
    if command == "scan":
        wrong["labelled/fox/1.png"] = "which is read"
    for target, said in wrong.items():
        done = forked.run(*words(command, target, "none.onnx", "none.csv"), cwd=home)
        assert done.returncode == 2, done.stderr
        assert done.stderr.count("\n") == 1 and target in done.stderr and said in done.stderr, done.stderr
        assert not done.stdout and files(home) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_written_takes_the_place_of_what_was_there(home: Path, command: str):
    (home / "out.csv").write_text("old")
    before = files(home)
    done = forked.run(*words(command, "out.csv"), cwd=home)
    assert done.returncode == 0, done.stderr
    assert done.stdout and files(home) == before
    content = (home / "out.csv").read_bytes()
    assert COMMANDS[command][1].encode() in content and content != b"old"


@pytest.mark.parametrize("command", ["evaluate", "scan"])
def test_a_disk_that_fills_costs_the_file_and_not_the_answer(home: Path, command: str):
    """RLIMIT_FSIZE stands for the disk: a table of 8 long rows is more, what is printed is less."""
    for file in sorted((home / "labelled").rglob("*.png")):
        file.rename(file.with_name(f"{'x' * 240}{file.name}"))
    (home / "labels.csv").write_text((home / "labels.csv").read_text().replace("/", f"/{'x' * 240}"))
    (home / "out.csv").write_text("old")
    before = files(home)
    done = forked.run(*words(command, "out.csv"), cwd=home, most_bytes=1800)
    assert done.returncode == 2, done.stderr
    assert done.stderr == "secateur: out.csv cannot be written: File too large\n"
    assert "fox" in done.stdout, "what was found is said all the same"
    assert files(home) == before and (home / "out.csv").read_text() == "old"


@pytest.mark.parametrize("command", ["predict", "evaluate", "scan"])
def test_a_reader_that_goes_away_takes_no_file_along(home: Path, command: str):
    """As `| head` does: the table is whole, and nothing is said."""
    os.mkfifo(home / "pipe")
    away = threading.Thread(target=lambda: (home / "pipe").open("rb").close())
    away.start()
    process = forked.start(*words(command, "out.csv"), cwd=home, out=home / "pipe", err=home / "err")
    process.join()
    away.join()
    assert process.exitcode == 0 and (home / "err").read_text() in ("", "8 photos: fox 4, jay 4\n")
    with (home / "out.csv").open(encoding="utf-8-sig", newline="") as content:
        assert [row[COMMANDS[command][1]] for row in csv.DictReader(content)] == ["fox"] * 4 + ["jay"] * 4


def test_the_end_of_the_interpreter_adds_nothing(home: Path):
    """What fits into one buffer is noticed when that is emptied: with an answer, not with Python's own complaint."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "secateur", "runs"]
    for name in ("one", "two"):
        (home / "runs" / name).mkdir(parents=True)
        (home / "runs" / name / "keys.json").write_text("[]")
    done = subprocess.run(command, cwd=home, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, cwd=home, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "No space left" in done.stderr, done.stderr


@pytest.mark.parametrize("command", ["predict", "evaluate", "scan"])
def test_a_table_on_standard_output_is_a_table(home: Path, command: str):
    done = forked.run(*words(command, "-"), cwd=home)
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(done.stdout.removeprefix("\ufeff").splitlines()))
    assert len(rows) == 8 and {row[COMMANDS[command][1]] for row in rows} == {"fox", "jay"}
    assert "photos" in done.stderr and not (home / "-").exists()
    assert "set one" in forked.run(*words(command, "-"), "--json", cwd=home).stderr


def test_figures_on_standard_output_are_json(home: Path):
    done = forked.run(*words("bench", "-"), cwd=home)
    assert done.returncode == 0 and json.loads(done.stdout)["reference"] == "m" and "median" in done.stderr


def test_names_that_are_no_text_and_terminals_without_signs(home: Path):
    odd = os.fsdecode(b"f\xff.png")
    os.link(home / "labelled/fox/0.png", home / odd)
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "secateur", "predict", "m.onnx", odd, "--csv", "out.csv"]
    done = subprocess.run(command, cwd=home, capture_output=True, env=environment)
    assert done.returncode == 0 and b".png: fox" in done.stdout, done.stderr
    assert r"f\udcff.png,fox" in (home / "out.csv").read_text(encoding="utf-8-sig")
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}  # as Windows has it where output goes to a file
    command = [sys.executable, "-m", "secateur", "scan", "labelled"]
    done = subprocess.run(command, cwd=home, capture_output=True, env=environment)
    assert done.returncode == 0 and rb"\u2588" in done.stdout, done.stderr


def test_a_table_may_lie_among_the_copies(home: Path):
    words = ("predict", "m.onnx", "labelled", "--copy-to", "sorted", "--csv", "sorted/out.csv")
    done = forked.run(*words, cwd=home)
    assert done.returncode == 0, done.stderr
    copies = [f"{kind}/{kind}/{n}.png" for kind in ("fox", "jay") for n in range(4)]
    assert files(home / "sorted") == [*copies, "out.csv"]
