"""`secateur export`: a folder that answers without Secateur, says what was measured, and notices if it was altered."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import secateur

from secateur.files import read
from secateur.records import Results

# Modules that the one who gets the folder has not got; importing one ends the script.
BLOCK = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("secateur", "torch", "onnx", "scipy", "zstandard", "simplejpeg", "pydantic"):
            raise ImportError(f"{name} is not here")
sys.meta_path.insert(0, Refuse())
sys.argv = sys.argv[1:]
import runpy, pathlib
sys.path.insert(0, str(pathlib.Path(sys.argv[0]).parent))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def handed(folder: Path, *photos: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BLOCK, str(folder / "predict.py"), *map(str, photos)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )


@pytest.mark.parametrize("to", ["onnx", "packed", "packed-int8"])
def test_it_answers_where_nothing_is_installed(home: Path, tmp_path: Path, to: str):
    out = tmp_path / "handed"
    made = json.loads(
        secateur("export", "photos", "--model", "magnitude-0.5", "--to", to, "--out", out, "--json", cwd=home).stdout
    )
    photos = sorted((home / "photos").rglob("*.webp"))[:12]
    done = handed(out, *photos)
    assert done.returncode == 0, done.stderr
    said = {line.rpartition(": ")[0]: line.rpartition(": ")[2].split()[0] for line in done.stdout.splitlines()}
    assert said.keys() == {str(p) for p in photos}
    ours = json.loads(
        secateur("predict", home / "runs/photos/models/magnitude-0.5.onnx", *photos, "--json", cwd=home).stdout
    )
    sure = [r for r in ours if r["classes"][0]["probability"] > 0.6]  # photos are resized by another library
    agree = sum(said[r["photo"]] == r["said"] for r in sure)
    assert agree >= 0.9 * len(sure)
    there = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in out.iterdir() if p.name != "SHA256SUMS"}
    assert there == made["sha256"]
    assert bool(made["doubts"]) == (to == "packed-int8")  # ten validation photos show little of what rounding costs
    sums = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=out, capture_output=True, text=True)
    assert sums.returncode == 0, sums.stdout


def test_the_card_says_what_was_measured(home: Path, tmp_path: Path):
    secateur("export", "photos", "--model", "magnitude-0.5", "--out", tmp_path / "a", cwd=home)
    card = (tmp_path / "a" / "README.md").read_text()
    results = read(Results, home / "runs/photos/results.json")
    model = next(m for m in results.models if m.config == "cnn/magnitude/0.5")
    assert model.evaluation
    assert f"**{100 * model.evaluation.accuracy.value:.1f}\u202f%" in card
    for row in model.evaluation.classes:
        assert f"| {row.name} | {row.n} | {100 * row.recall.value:.1f}" in card
    assert f"{(tmp_path / 'a' / 'model.onnx').stat().st_size:,} bytes" in card
    assert "1 thread" in card and "not on your device" in card and "Licence: none" in card
    assert "of `photos`, " in card and str(home) not in card  # nobody is handed where it lay
    assert "`secateur evaluate`" in card
    assert "magnitude 50" in card and results.data.snapshot_digest[:16] in card
    secateur("export", "photos", "--model", "magnitude-0.5", "--to", "packed-int8", "--out", tmp_path / "b", cwd=home)
    rounded = (tmp_path / "b" / "README.md").read_text()
    assert "of the ONNX file" in rounded and "decide alike on" in rounded and "largest error of a weight" in rounded
    assert "In doubt: 10 validation photos do not show that packed-int8 loses at most 1 point: " in rounded


def test_what_was_altered_does_not_answer(home: Path, tmp_path: Path):
    secateur("export", "photos", "--model", "dense", "--out", tmp_path / "a", cwd=home)
    model = tmp_path / "a" / "model.onnx"
    model.write_bytes(model.read_bytes()[:-100] + b"x" * 100)
    done = handed(tmp_path / "a", next((home / "photos").rglob("*.webp")))
    assert done.returncode == 1 and "altered or truncated" in done.stderr and "Traceback" not in done.stderr


def test_a_reader_that_has_seen_enough_ends_it_quietly(home: Path, tmp_path: Path):
    secateur("export", "photos", "--model", "dense", "--out", tmp_path / "a", cwd=home)
    ours, theirs = os.pipe()
    os.close(ours)  # as `| head` does
    words = [sys.executable, str(tmp_path / "a/predict.py"), str(next((home / "photos").rglob("*.webp")))]
    done = subprocess.run(words, stdout=theirs, stderr=subprocess.PIPE, text=True)
    os.close(theirs)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_broken_photo_is_a_line(home: Path, tmp_path: Path):
    secateur("export", "photos", "--model", "dense", "--out", tmp_path / "a", cwd=home)
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    good = next((home / "photos").rglob("*.webp"))
    lines = handed(tmp_path / "a", tmp_path / "bad.jpg", good).stdout.splitlines()
    assert "cannot be read" in lines[0] and lines[1].startswith(str(good))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("photos", "--model", "magnitud-0.5", "--out", "x"), "did you mean 'magnitude-0.5'?"),
        (("photo", "--model", "dense", "--out", "x"), "did you mean 'photos'?"),
        (("photos", "--model", "dense", "--out", "photos"), "exists already"),
        (("photos", "--model", "dense", "--out", "runs/photos/results.json/x"), "cannot be written"),
        (("photos", "--model", "dense", "--to", "tflite", "--out", "x"), "tflite"),
    ],
)
def test_mistakes_are_one_line(home: Path, words: tuple[str, ...], said: str):
    done = secateur("export", *words, cwd=home, code=2)
    assert said in done.stderr and done.stderr.strip().count("\n") == 0
    assert not (home / "x").exists()
