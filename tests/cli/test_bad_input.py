"""Every mistake of a user: one clear line and exit code 2; nothing lost."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import forked
from forked import run as secateur


def one_line(done: subprocess.CompletedProcess[str], said: str) -> None:
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert lines[-1].startswith("secateur: ")
    assert said in lines[-1], lines[-1]
    assert "Traceback" not in done.stderr


def colours(folder: Path, name: str, n: int, px: int = 24) -> None:
    """Real pictures, each its own noise: no photo needed to test a mistake."""
    (folder / name).mkdir(parents=True)
    for i in range(n):
        picture = Image.effect_noise((px, px), 60 + i).convert("RGB")
        picture.save(folder / name / f"{i}.png")


@pytest.mark.parametrize("command", ["scan", "study"])
def test_no_such_folder(tmp_path: Path, command: str):
    one_line(secateur(command, tmp_path / "nowhere", cwd=tmp_path), "nowhere")


@pytest.mark.parametrize("command", ["scan", "study"])
def test_no_photos(tmp_path: Path, command: str):
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    one_line(secateur(command, tmp_path / "photos", cwd=tmp_path), "no photos")


@pytest.mark.parametrize("command", ["scan", "study"])
def test_one_class(tmp_path: Path, command: str):
    colours(tmp_path / "photos", "cat", 3)
    one_line(secateur(command, tmp_path / "photos", cwd=tmp_path), "class")


def test_a_class_with_a_single_photo(tmp_path: Path):
    colours(tmp_path / "photos", "cat", 12)
    colours(tmp_path / "photos", "dog", 1)
    one_line(secateur("study", tmp_path / "photos", cwd=tmp_path), "dog")


def test_too_few_photos_for_the_split(tmp_path: Path):
    colours(tmp_path / "photos", "cat", 2)
    colours(tmp_path / "photos", "dog", 2)
    one_line(secateur("study", tmp_path / "photos", cwd=tmp_path), "cat")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sparsities", "1.0"], "got 1.0"),
        (["--sparsities", "-0.5"], "got -0.5"),
        (["--sparsities", "nan"], "finite"),
        (["--methods", "magnitud"], "did you mean 'magnitude'?"),
        (["--backbone", "cn"], "did you mean 'cnn'?"),
        (["--input-px", "3"], "input_px"),
        (["--budget", "soon"], "soon"),
        (["--sparsites", "0.5"], "--sparsities"),
    ],
)
def test_impossible_flags(tmp_path: Path, arguments: list[str], said: str):
    colours(tmp_path / "photos", "cat", 2)
    colours(tmp_path / "photos", "dog", 2)
    one_line(secateur("study", tmp_path / "photos", *arguments, cwd=tmp_path), said)


def test_a_misspelt_key_of_a_study_names_the_nearest(tmp_path: Path):
    (tmp_path / "s.toml").write_text('folder = "demo"\nsparsitys = [0.5]\n')
    one_line(secateur("study", "s.toml", "--plan", cwd=tmp_path), "did you mean 'sparsities'?")


def test_a_study_without_a_folder(tmp_path: Path):
    (tmp_path / "s.toml").write_text('name = "x"\n')
    one_line(secateur("study", "s.toml", "--plan", cwd=tmp_path), "folder")


def test_a_folder_that_is_split_already_stays_so(tmp_path: Path):
    for part in ("train", "val", "test"):
        for name in ("cat", "dog"):
            colours(tmp_path / "photos" / part, name, 3)
    done = secateur("study", "photos", "--plan", cwd=tmp_path)
    assert "split folders" in done.stdout


def test_an_unknown_command_and_an_unknown_run(tmp_path: Path):
    one_line(secateur("stdy", cwd=tmp_path), "Did you mean 'study'?")
    one_line(secateur("report", "nothing", cwd=tmp_path), "run 'nothing' is not known")
    one_line(secateur("report", "../../etc", cwd=tmp_path), "cannot name a run")
    one_line(secateur("methods", "magnitud", cwd=tmp_path), "did you mean 'magnitude'?")
    one_line(secateur("inspect", "cnnn", cwd=tmp_path), "did you mean 'cnn'?")


def test_paths_that_cannot_be_written(tmp_path: Path):
    colours(tmp_path / "photos", "cat", 2)
    colours(tmp_path / "photos", "dog", 2)
    one_line(secateur("scan", "photos", "--csv", "nowhere/x.csv", cwd=tmp_path), "nowhere")
    (tmp_path / "file").write_text("")
    one_line(secateur("scan", "photos", "--runs", "file/runs", cwd=tmp_path), "file")


def test_a_device_that_is_not_here(tmp_path: Path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    colours(tmp_path / "photos", "cat", 9)
    colours(tmp_path / "photos", "dog", 9)
    one_line(secateur("study", "photos", "--device", "cuda", cwd=tmp_path), "no NVIDIA GPU")


def test_without_torch_it_says_what_to_install(tmp_path: Path):
    absent = "sys.modules['torch'] = None"
    code = f"import sys\n{absent}\nfrom secateur.cli import main\nmain(['inspect', 'cnn'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    one_line(done, "secateur[train]")


def test_predict_with_what_is_no_model(tmp_path: Path):
    (tmp_path / "m.onnx").write_bytes(b"nothing")
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    one_line(secateur("predict", "m.onnx", "a.png", cwd=tmp_path), "no ONNX model")
    one_line(secateur("predict", "none.onnx", "a.png", cwd=tmp_path), "no such file")


def test_a_layer_to_spare_that_is_not_there(tmp_path: Path):
    colours(tmp_path / "photos", "cat", 9)
    colours(tmp_path / "photos", "dog", 9)
    text = f'folder = "{tmp_path / "photos"}"\nbackbone = "cnn"\ninput_px = 8\n'
    text += 'methods = [{name = "magnitude", spare = ["con1"]}]\n'
    (tmp_path / "s.toml").write_text(text)
    one_line(secateur("study", "s.toml", cwd=tmp_path), "did you mean 'conv1'?")


def test_class_names_with_anything_in_them_come_through(tmp_path: Path):
    names = ["a b", "c+d", "ünïcödé", "<script>alert(1)<_script>"]
    for name in names:
        colours(tmp_path / "photos", name, 4)
    done = secateur("scan", tmp_path / "photos", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    import json

    assert sorted(json.loads(done.stdout)["classes"]) == sorted(names)


def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path: Path):
    """A real one: a file system of 3 MiB, which only root may mount."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(small)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"cannot mount a small file system: {mounted.stderr.decode().strip()}")
    try:
        for name in ("cat", "dog"):
            colours(tmp_path / "photos", name, 24)
        arguments = [tmp_path / "photos", "--backbone", "cnn", "--input-px", "16", "--epochs", "1"]
        arguments += ["--runs", small / "runs", "--budget", ""]
        told = {"SECATEUR_CHECKPOINT_SECONDS": "0"}
        one_line(secateur("study", *arguments, cwd=tmp_path, env=told), "is full")
        kept = {p.parent.name for p in (small / "runs" / ".store").glob("*/*") if p.is_dir()}
        assert "snapshot" in kept
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_photo_that_vanishes_between_scan_and_decoding_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from secateur import studying
    from secateur.engine import Silent
    from secateur.study_file import make

    for name in ("cat", "dog"):
        colours(tmp_path / "photos", name, 12)

    class Thief(Silent):
        def planned(self, *_: object) -> None:
            shutil.rmtree(tmp_path / "photos" / "cat")

    small = {"backbone": "cnn", "input_px": 8, "epochs": 1}
    asked = make({"name": "x", "folder": str(tmp_path / "photos"), **small}, "test")
    results = studying.run(asked, tmp_path / "runs", watcher=Thief())
    failed = [o for o in results.outcomes if o.state == "failed"]
    assert failed[0].kind == "pixels" and re.search(r"cat/\d+\.png", failed[0].why)
    assert not results.models and not any(o.state == "made" and o.kind == "train" for o in results.outcomes)


def test_interrupted_is_130_and_the_same_command_goes_on(tmp_path: Path):
    import signal
    import time

    for name in ("cat", "dog"):
        colours(tmp_path / "photos", name, 24)
    arguments = ["study", tmp_path / "photos", "--backbone", "cnn", "--input-px", "16", "--epochs", "400"]
    arguments += ["--budget", "", "--seeds", "0", "--bench", "0"]
    process = forked.start(*arguments, cwd=tmp_path, out=tmp_path / "out", err=tmp_path / "err")
    deadline = time.monotonic() + 120
    while not list((tmp_path / "runs" / ".store").glob("pixels/*")) and time.monotonic() < deadline:
        time.sleep(0.2)
    os.kill(process.pid or 0, signal.SIGINT)
    process.join(60)
    process.kill()
    said = (tmp_path / "err").read_text()
    assert process.exitcode == 130, said
    assert "the same command goes on" in said.splitlines()[-1]
    assert "Traceback" not in said


def test_two_studies_in_one_folder_at_once_both_end_with_the_same_report(tmp_path: Path):
    for name in ("cat", "dog"):
        colours(tmp_path / "photos", name, 24)
    arguments = ["study", tmp_path / "photos", "--backbone", "cnn", "--input-px", "8", "--epochs", "2", "--seeds", "0"]
    arguments += ["--bench", "0"]
    arguments += ["--sparsities", "0.5", "--methods", "magnitude", "--budget", ""]
    both = [forked.start(*arguments, cwd=tmp_path, out=tmp_path / f"out{n}", err=tmp_path / f"err{n}") for n in (0, 1)]
    for process in both:
        process.join()
    assert [p.exitcode for p in both] == [0, 0], (tmp_path / "err0").read_text() + (tmp_path / "err1").read_text()
    assert (tmp_path / "runs" / "photos" / "report.html").is_file()
    made = sum(len(list((tmp_path / "runs" / ".store" / kind).iterdir())) for kind in ("train", "retrain"))
    assert made == 4  # dense, longer, magnitude, random: each once


def test_a_report_with_what_is_no_bench(tmp_path: Path):
    (tmp_path / "pi.json").write_text("{}")
    one_line(secateur("report", "photos", "--with", "pi.json", cwd=tmp_path), "pi.json cannot be read as Bench")
    one_line(secateur("report", "photos", "--with", "none.json", cwd=tmp_path), "none.json cannot be read as Bench")


def test_bench_with_what_cannot_be_measured(tmp_path: Path):
    (tmp_path / "m.onnx").write_bytes(b"no model")
    one_line(secateur("bench", "m.onnx", cwd=tmp_path), "the reference, does not run")
    one_line(secateur("bench", "none.onnx", cwd=tmp_path), "no such file")
    one_line(secateur("bench", "m.onnx", "--threads", "two", cwd=tmp_path), "--threads takes whole numbers")
    one_line(secateur("bench", "m.onnx", "--limit", "much", cwd=tmp_path), "got 'much'")
    one_line(secateur("bench", "m.onnx", "--runtime", "openvin", cwd=tmp_path), "openvino")
    one_line(secateur("bench", "m.onnx", "--against", "n", cwd=tmp_path), "the reference 'n' is not among m")
    one_line(secateur("bench", "m.onnx", "--out", "no/where.json", cwd=tmp_path), "no such folder")
