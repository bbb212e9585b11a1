"""What the commands print and write, on a small study of real photos."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import SMALL, secateur

from secateur.data.pixels import decode
from secateur.methods import OWN


def test_scan_as_json_and_csv(home: Path):
    done = secateur("scan", "photos", "--json", "--csv", "photos.csv", cwd=home)
    content = json.loads(done.stdout)
    rows = list(csv.DictReader((home / "photos.csv").open()))
    assert len(content["photos"]) == len(rows) == 60
    assert {row["path"] for row in rows} == {p["path"] for p in content["photos"]}
    assert all(len(p["sha256"]) == 64 and len(p["phash"]) == 16 for p in content["photos"])


def test_scan_draws_the_label_distribution(home: Path):
    done = secateur("scan", "photos", cwd=home)
    assert "30  " in done.stdout and "█" * 40 in done.stdout


def test_inspect(home: Path):
    content = json.loads(secateur("inspect", "cnn", "--json", cwd=home).stdout)
    assert content["parameters_keras"] == 5_011_242
    text = secateur("inspect", "cnn", "--input-px", 64, cwd=home).stdout
    assert "2,389,802 as Keras counts them" in text
    assert "no: scale and shift follow" in text


def test_methods_are_listed_with_source_needs_and_cost(tmp_path: Path):
    said = " ".join(secateur("methods", cwd=tmp_path).stdout.split())
    for row in OWN:
        assert f"{row.name} {row.help}" in said
        assert f"Costs {row.cost}. {row.source}." in said
        assert all(need in said for need in row.needs)
    taught = " ".join(secateur("methods", "obs", cwd=tmp_path).stdout.split())
    assert "argmin" in taught and "2,048 inputs" in taught and "needs removals" in taught


def model_folders(home: Path) -> list[Path]:
    return sorted((home / "runs" / ".store" / "retrain").iterdir())


def test_inspect_a_saved_model(home: Path):
    profiles = [json.loads(secateur("inspect", f, "--json", cwd=home).stdout) for f in model_folders(home)[:3]]
    assert all(p["input_shape"] == [16, 16, 3] for p in profiles)


def test_a_good_run_of_two_processes_ends_with_nothing_to_understand(home: Path):
    """No traceback of a helper that was ended, no word of the one waiting for the other."""
    said = (home / "study.err").read_text(encoding="utf-8")
    for words in ("Traceback", "Exception ignored", "waiting", "Warning", "SystemExit", "process "):
        assert words not in said
    assert not (home / "runs" / "photos" / "errors").exists()


def test_a_study_and_a_report_end_with_the_answer(home: Path):
    """That of the report: headline, a table, doubts, then the paths; the same for programs."""
    secateur("report", "photos", cwd=home)
    story = json.loads((home / "runs/photos/report.json").read_text())
    said = (home / "study.out").read_text(encoding="utf-8")
    again = secateur("report", "photos", cwd=home).stdout
    for words in (said, again):
        assert story["answer"]["headline"].replace("\u202f", " ") in words.splitlines()
        assert words.splitlines()[-1].startswith("report: ") and "verdict" in words and "\x1b" not in words
        for row in story["models"][:1]:
            assert f"{100 * row['test_accuracy']['value']:.1f} % [" in words
    assert "report: " in (home / "study.err").read_text(encoding="utf-8")
    told = json.loads(secateur("report", "photos", "--json", cwd=home).stdout)
    assert told["answer"]["headlines"] == [story["answer"]["headline"].replace("\u202f", " ")]
    assert len(told["answer"]["rows"]) == min(10, len(story["models"])) and told["report"].endswith("report.html")


def test_predict_answers_as_the_file_does_and_lists_broken_photos(home: Path):
    file = next((home / "runs" / ".store" / "export").iterdir()) / "model.onnx"
    rows = json.loads(secateur("predict", file, "photos", "--json", "--top", 2, cwd=home).stdout)
    assert len(rows) == 60
    assert all(abs(sum(c["probability"] for c in r["classes"]) - 1) < 1e-4 for r in rows)
    import onnxruntime

    session = onnxruntime.InferenceSession(file)
    pixels = decode(Path(home / rows[7]["photo"]), 16)
    logits = session.run(None, {"photos": pixels[None]})[0][0]
    labels = session.get_modelmeta().custom_metadata_map["secateur.labels"]
    labels = json.loads(labels)
    assert rows[7]["classes"][0]["class"] == labels[int(np.argmax(logits))]
    (home / "broken").mkdir(exist_ok=True)
    (home / "broken" / "a.jpg").write_bytes(b"")
    done = secateur("predict", file, "broken", cwd=home, code=1)
    assert "a.jpg: " in done.stdout and "Traceback" not in done.stderr


def test_the_same_command_again_makes_nothing(home: Path):
    before = {p: p.stat().st_mtime_ns for p in (home / "runs" / ".store").glob("*/*") if p.parent.name != "snapshot"}
    secateur("study", "photos", *SMALL.split(), "--budget", "", cwd=home)
    after = {p: p.stat().st_mtime_ns for p in (home / "runs" / ".store").glob("*/*") if p.parent.name != "snapshot"}
    assert after == before


def test_moving_the_folder_retrains_nothing(home: Path, tmp_path: Path):
    shutil.copytree(home / "photos", tmp_path / "moved" / "photos")
    before = set((home / "runs" / ".store" / "train").iterdir())
    secateur("study", tmp_path / "moved" / "photos", *SMALL.split(), "--budget", "", "--name", "moved", cwd=home)
    assert set((home / "runs" / ".store" / "train").iterdir()) == before
    results = json.loads((home / "runs" / "moved" / "results.json").read_text())
    assert results["data"]["folder"] == str(tmp_path / "moved" / "photos")


def test_runs_report_and_gc(home: Path):
    assert "photos" in secateur("runs", cwd=home).stdout
    page = home / "runs" / "photos" / "report.html"
    page.unlink()
    code = (
        "import sys\nfrom secateur.cli import main\n"
        "try: main(['report', 'photos'])\nexcept SystemExit as e: assert not e.code, e.code\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=home, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert page.is_file()
    assert "freed 0 B in 0 results" in secateur("gc", cwd=home).stderr


def test_gc_leaves_the_work_of_a_study_that_was_stopped(home: Path, tmp_path: Path):
    from secateur.store import KEYS, Store

    shutil.copytree(home / "runs", tmp_path / "runs")
    store = Store(tmp_path / "runs")
    needed = json.loads((tmp_path / "runs" / "photos" / KEYS).read_text())[0]
    for name in (needed, "0" * 24):
        (store.works / name).mkdir(parents=True)
        (store.works / name / "00000000.ckpt").write_bytes(b"x" * 100)
        (store.works / f"{name}.owner").write_text("process 1, long dead")
    secateur("gc", cwd=tmp_path)
    assert [p.name for p in store.works.iterdir() if p.is_dir()] == [needed]


def test_the_models_to_take_lie_in_the_run_by_name(home: Path):
    names = {p.name for p in (home / "runs" / "photos" / "models").iterdir()}
    int8 = {"dense-int8.onnx", "dense-longer-int8.onnx", "magnitude-int8-0.5.onnx"}
    assert names == {"dense.onnx", "dense-longer.onnx", "magnitude-0.5.onnx", "figures.json"} | int8
    done = secateur("predict", home / "runs" / "photos" / "models" / "dense.onnx", "photos", cwd=home)
    assert len(done.stdout.splitlines()) == 60


def test_a_run_of_another_folder_is_not_overwritten(home: Path, tmp_path: Path):
    shutil.copytree(home / "photos", tmp_path / "photos")
    done = secateur("study", tmp_path / "photos", "--input-px", 16, cwd=home, code=2)
    assert "is of another folder" in done.stderr.splitlines()[-1]


def test_gc_frees_what_a_deleted_run_needed(home: Path, tmp_path: Path):
    shutil.copytree(home / "runs", tmp_path / "runs")
    for run in (p for p in (tmp_path / "runs").iterdir() if not p.name.startswith(".")):
        shutil.rmtree(run)
    said = secateur("gc", "--dry-run", cwd=tmp_path).stderr
    assert re.search(r"would free \S+ \S+ in [1-9]\d* results", said)
    assert model_folders(tmp_path)
    secateur("gc", cwd=tmp_path)
    assert not model_folders(tmp_path)


def test_a_plan_as_json_is_made_at_once_and_makes_nothing(home: Path, tmp_path: Path):
    content = json.loads(secateur("study", home / "photos", "--plan", "--json", cwd=tmp_path).stdout)
    assert content["study"]["budget"] == "1h"
    assert {s["kind"] for s in content["steps"]} >= {"train", "prune", "retrain", "export", "parity", "evaluate"}
    assert list(tmp_path.iterdir()) == []


def test_results_of_a_run_hold_together(home: Path):
    results = json.loads((home / "runs" / "photos" / "results.json").read_text())
    assert {m["config"] for m in results["models"] if m["role"] != "rival"} == {  # of those, what training decides
        "cnn/dense",
        "cnn/dense-int8",
        "cnn/dense-longer",
        "cnn/dense-longer-int8",
        "cnn/magnitude/0.5",
        "cnn/magnitude-int8/0.5",
        "cnn/random/0.5",
        "cnn/random-int8/0.5",
    }
    for model in results["models"]:
        assert model["parity"]["ok"]
        assert model["evaluation"]["n"] == sum(results["data"]["test"])
        if model["target"]:
            prunable = sum(r["parameters"] for r in model["profile"]["layers"] if r["kind"] in ("Conv2d", "Linear"))
            assert model["profile"]["sparsity_of_prunable"] == pytest.approx(0.5, abs=10 / prunable)
    assert results["command"].startswith("secateur study photos")
    against = {(c["subject"], c["against"]) for c in results["comparisons"]}
    assert ("cnn/magnitude/0.5", "cnn/dense-longer") in against
    assert ("cnn/magnitude/0.5", "cnn/random/0.5") in against


def test_the_packed_size_is_that_of_the_file_which_pack_writes(home: Path, tmp_path: Path):
    results = json.loads((home / "runs" / "photos" / "results.json").read_text())
    for name in ("magnitude-0.5", "dense-longer-int8"):
        model = home / "runs" / "photos" / "models" / f"{name}.onnx"
        secateur("pack", model, "--out", tmp_path / "m.packed", cwd=home)
        digest = hashlib.sha256(model.read_bytes()).hexdigest()
        sizes = next(m["sizes"] for m in results["models"] if m["file_sha256"] == digest)
        assert sizes["packed"] == (tmp_path / "m.packed").stat().st_size
        assert sizes["packed"] < sizes["zstd"] * (1 if name == "dense-longer-int8" else 1.01)


def test_bench_measures_a_runs_models_and_keeps_the_figures(home: Path):
    models = sorted((home / "runs" / "photos" / "models").glob("*.onnx"))
    arguments = ("--rounds", 4, "--processes", 2, "--against", "dense", "--out", "pc.json", "--label", "kitchen")
    done = secateur("bench", *models, *arguments, cwd=home)
    for words in ("1 thread", "dense, again", "peak for the model", "where dense spends its time, on one thread"):
        assert words in done.stdout
    found = json.loads((home / "pc.json").read_text())
    assert found["label"] == "kitchen"
    assert {c["name"] for c in found["candidates"]} == {m.stem for m in models}
    assert found["candidates"][0]["layers"][1]["layer"] == "conv1"
    page = home / "runs" / "photos" / "report.html"
    secateur("report", "photos", "--with", "pc.json", cwd=home)
    assert "kitchen" in page.read_text()
    secateur("report", "photos", cwd=home)
    assert "kitchen" in page.read_text()  # it stays
    again = secateur(
        "bench", models[0], "--threads", 1, "--rounds", 2, "--no-memory", "--no-layers", "--json", cwd=home
    )
    assert {t["model"] for t in json.loads(again.stdout)["timings"]} == {models[0].stem, "control"}
