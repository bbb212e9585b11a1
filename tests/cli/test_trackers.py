"""A finished study of real photos in TensorBoard and in MLflow, read back through their own servers."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from commands import secateur
from PIL import Image

from secateur.files import read
from secateur.records import Results
from secateur.tracking.said import curves, figures, markdown, models_table

WAIT = 90.0  # seconds for a server to answer


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def ask(address: str, body: object = None) -> bytes:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read()


@pytest.fixture
def server():
    """server(words, url) → once it answers there; ended with the test."""
    begun = []

    def start(words, url, cwd):
        out = (cwd / "server.txt").open("w")
        begun.append(subprocess.Popen([sys.executable, "-m", *words], stdout=out, stderr=out, cwd=cwd))
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            try:
                return ask(url)
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                assert begun[-1].poll() is None, (cwd / "server.txt").read_text()
                time.sleep(0.2)
        raise AssertionError((cwd / "server.txt").read_text())

    yield start
    for process in begun:
        process.terminate()
        process.wait(20)


@pytest.fixture
def results(home: Path) -> Results:
    return read(Results, home / "runs/photos/results.json")


def test_a_table_is_what_the_report_says(home: Path, results: Results):
    story = json.loads((home / "runs/photos/report.json").read_text())
    table = models_table(story["models"])
    assert len({len(column) for column in table.values()}) == 1
    at = table["config"].index("cnn/dense")
    row = next(m for m in story["models"] if m["config"] == "cnn/dense")
    assert table["test_accuracy_value"][at] == row["test_accuracy"]["value"] and table["seeds"][at] == 2
    lines = markdown(table).splitlines()
    assert len(lines) == len(story["models"]) + 2 and lines[1].startswith("| --- |")
    assert markdown({"a": ["x|y"]}).splitlines()[2] == r"| x\|y |"
    dense = next(m for m in results.models if m.config == "cnn/dense")
    assert [step for step, _ in curves(dense)] == [1, 2, 3]
    assert figures(results, dense)["test_accuracy"] == dense.evaluation.accuracy.value
    assert figures(results, dense)["latency_ms_1_threads"] > 0


def test_tensorboard_shows_the_study(home: Path, results: Results, server):
    secateur("report", "photos", "--track", "tensorboard", cwd=home)
    secateur("report", "photos", "--track", "tensorboard", cwd=home)  # replaces, and adds nothing
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    words = ["tensorboard.main", "--logdir", "runs/tensorboard", "--port", port, "--host", "127.0.0.1"]
    words += ["--load_fast=false"]
    server([str(w) for w in words], f"{url}/data/environment", home)
    deadline = time.monotonic() + WAIT
    while len(runs := json.loads(ask(f"{url}/data/runs"))) < 1 + len(results.models) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert {"photos", *(f"photos/{m.config}/seed{m.seed}" for m in results.models)} == set(runs)
    for model in results.models:
        run = f"photos/{model.config}/seed{model.seed}"
        points = json.loads(ask(f"{url}/data/plugin/scalars/scalars?tag=val_accuracy&run={run}"))
        assert [step for _, step, _ in points] == [e.epoch for e in model.history.epochs]
        assert [v for _, _, v in points] == pytest.approx([e.val_accuracy for e in model.history.epochs], abs=1e-6)
        final = json.loads(ask(f"{url}/data/plugin/scalars/scalars?tag=test_accuracy&run={run}"))
        assert final[-1][2] == pytest.approx(model.evaluation.accuracy.value, abs=1e-6)
    texts = json.loads(ask(f"{url}/data/plugin/text/tags"))["photos"]
    assert {"settings/text_summary", "models/text_summary", "comparisons/text_summary"} <= set(texts)
    shown = ask(f"{url}/data/plugin/text/text?run=photos&tag=models/text_summary").decode()
    assert "magnitude 50" in shown and "<table>" in shown
    images = json.loads(ask(f"{url}/data/plugin/images/images?run=photos&tag=size%20and%20accuracy&sample=0"))
    drawn = ask(f"{url}/data/plugin/images/individualImage?{images[0]['query']}")
    with Image.open(io.BytesIO(drawn)) as image:
        assert image.width > 1000
    sessions = json.loads(
        ask(
            f"{url}/data/plugin/hparams/session_groups",
            {
                "experimentName": "",
                "startIndex": 0,
                "sliceSize": 100,
                "allowedStatuses": ["STATUS_SUCCESS", "STATUS_UNKNOWN"],
                "colParams": [],
            },
        )
    )
    assert len(sessions["sessionGroups"]) == len(results.models)


def test_a_folder_that_is_not_ours_is_left_alone(home: Path, tmp_path: Path):
    (tmp_path / "logs" / "photos").mkdir(parents=True)
    (tmp_path / "logs" / "photos" / "mine.txt").write_text("dear")
    done = secateur("report", "photos", "--track", "tensorboard", "--track-to", tmp_path / "logs", cwd=home, code=2)
    assert "holds no log of Secateur's" in done.stderr and (tmp_path / "logs" / "photos" / "mine.txt").is_file()


def test_a_tracker_misspelt_is_said_before_anything_runs(home: Path):
    done = secateur("study", "photos", "--track", "mlflo", cwd=home, code=2)
    assert "did you mean 'mlflow'?" in done.stderr
    done = secateur("report", "photos", "--track", "wandb", cwd=home, code=2)
    assert "tracker 'wandb' is not known" in done.stderr


@pytest.fixture
def mlflow_server(server, tmp_path: Path) -> str:
    pytest.importorskip("mlflow", reason="MLflow is not installed: pip install 'secateur[mlflow]'")
    port = free_port()
    words = ["mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", 1]
    words += ["--backend-store-uri", f"sqlite:///{tmp_path}/m.db", "--artifacts-destination", tmp_path / "artifacts"]
    server([str(w) for w in words], f"http://127.0.0.1:{port}/health", tmp_path)
    return f"http://127.0.0.1:{port}"


@pytest.mark.heavy
def test_mlflow_shows_the_study(home: Path, results: Results, mlflow_server: str):
    words = ("report", "photos", "--track", "mlflow", "--track-to", mlflow_server)
    secateur(*words, cwd=home)
    again = secateur(*words, cwd=home)
    assert "logged before" in again.stderr
    api = f"{mlflow_server}/api/2.0/mlflow"
    experiment = json.loads(ask(f"{api}/experiments/get-by-name?experiment_name=photos"))["experiment"]
    runs = json.loads(ask(f"{api}/runs/search", {"experiment_ids": [experiment["experiment_id"]]}))["runs"]
    assert len(runs) == 1 + len(results.models)
    assert all(r["info"]["status"] == "FINISHED" for r in runs)
    names = {r["info"]["run_name"]: r for r in runs}
    for model in results.models:
        run = names[f"{model.name}, seed {model.seed}"]
        metrics = {m["key"]: m["value"] for m in run["data"]["metrics"]}
        assert metrics["test_accuracy"] == model.evaluation.accuracy.value
        params = {p["key"]: p["value"] for p in run["data"]["params"]}
        assert params["config"] == model.config and params["seed"] == str(model.seed)
        id = run["info"]["run_id"]
        points = json.loads(ask(f"{api}/metrics/get-history?run_id={id}&metric_key=val_accuracy"))["metrics"]
        assert [(int(p.get("step", 0)), p["value"]) for p in points] == [
            (e.epoch, e.val_accuracy) for e in model.history.epochs
        ]
    parent = next(r for name, r in names.items() if re.match(r"photos 20\d\d-", name))
    params = {p["key"]: p["value"] for p in parent["data"]["params"]}
    assert params["backbone"] == "cnn" and params["seeds"] == "[0, 1]"
    id = parent["info"]["run_id"]
    files = {f["path"] for f in json.loads(ask(f"{api}/artifacts/list?run_id={id}"))["files"]}
    assert {"report.html", "report.json", "results.json", "models", "models.json", "comparisons.json"} <= files
    report = ask(f"{mlflow_server}/get-artifact?run_id={id}&path=report.html")
    assert report == (home / "runs/photos/report.html").read_bytes()
    models = json.loads(ask(f"{api}/artifacts/list?run_id={id}&path=models"))["files"]
    assert {f["path"] for f in models} == {f"models/{p.name}" for p in (home / "runs/photos/models").iterdir()}


@pytest.mark.heavy
def test_mlflow_without_a_server_keeps_a_database_beside_the_runs(home: Path):
    pytest.importorskip("mlflow", reason="MLflow is not installed: pip install 'secateur[mlflow]'")
    done = secateur("report", "photos", "--track", "mlflow", cwd=home)
    assert "tracked: sqlite:///" in done.stderr and (home / "runs" / "mlflow.db").is_file()
    assert (home / "runs" / "mlartifacts").is_dir() and not (home / "mlruns").exists()


@pytest.mark.heavy
def test_a_server_that_does_not_answer_is_one_line(home: Path):
    pytest.importorskip("mlflow", reason="MLflow is not installed: pip install 'secateur[mlflow]'")
    address = f"http://127.0.0.1:{free_port()}"
    done = secateur("report", "photos", "--track", "mlflow", "--track-to", address, cwd=home, code=2)
    assert f"MLflow at {address} cannot be written to" in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("secateur:")]) == 1


def test_without_mlflow_the_extra_is_named(home: Path):
    if importlib.util.find_spec("mlflow"):
        pytest.skip("MLflow is installed here: what is said without it cannot be seen")
    done = secateur("report", "photos", "--track", "mlflow", cwd=home, code=2)
    assert "pip install 'secateur[mlflow]'" in done.stderr


os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
