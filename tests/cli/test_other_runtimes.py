"""A run's model in the form of another run-time, from hand to hand: exported, timed, judged. Each where its extra is
installed."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
from pathlib import Path

import pytest
from commands import secateur

from secateur import catalogue
from secateur.measure.machine import OTHERS

FORMS = [row for row in catalogue.EXPORTS if row.runtime in OTHERS]


@pytest.mark.heavy
@pytest.mark.parametrize("row", FORMS, ids=lambda row: row.name)
def test_it_is_handed_on_timed_and_judged(row, home: Path, tmp_path: Path):
    if importlib.util.find_spec(row.package.replace("-", "_")) is None:
        pytest.skip(f"{row.package} is not installed")
    secateur("export", "photos", "--model", "dense", "--to", row.name, "--out", tmp_path / row.name, cwd=home)
    (file,) = [p for p in (tmp_path / row.name).iterdir() if p.name == row.file]
    dense = home / "runs/photos/models/dense.onnx"
    told = secateur("bench", dense, file, "--rounds", 4, "--processes", 1, "--json", cwd=home)
    bench = json.loads(told.stdout)
    assert bench["machine"]["versions"][OTHERS[row.runtime]] == importlib.metadata.version(OTHERS[row.runtime])
    timed = {(t["model"], t["way"]["threads"]) for t in bench["timings"] if t["way"]["batch"] == 1}
    assert (f"{row.name}/model", 1) in timed and ("dense", 1) in timed
    ours, theirs = (json.loads(secateur("evaluate", f, "photos", "--json", cwd=home).stdout) for f in (dense, file))
    assert theirs["evaluation"]["accuracy"]["value"] == ours["evaluation"]["accuracy"]["value"]
