"""The embedded study, whole: what `make study` runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.heavy
def test_the_demo_is_neither_too_easy_nor_too_hard_and_high_sparsity_costs(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "secateur", "study", "demo", "--jobs", "2"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "runs" / "demo" / "results.json").read_text())
    accuracy = {m["config"]: m["evaluation"]["accuracy"]["value"] for m in report["models"]}
    assert 0.80 <= accuracy["cnn/dense"] <= 0.97
    dense = next(m for m in report["models"] if m["config"] == "cnn/dense")
    assert dense["history"]["converged"]  # else the first report that anyone sees begins with a doubt
    for method in ("magnitude", "filter-l1"):
        assert accuracy[f"cnn/{method}/0.9"] < accuracy["cnn/dense-longer"] - 0.03
    assert "OpenMoji" in report["data"]["synthetic"]
