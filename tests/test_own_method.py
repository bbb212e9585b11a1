"""A method that another package brings: found by its entry point, listed, taught, and pruned with; or refused."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[1] / "examples" / "own-method"

PRUNE = """
import torch
from secateur import catalogue
from secateur.models.build import build
from secateur.pruning import channels, groups
row = catalogue.method("filter-spread")
model = build("cnn", 10, 16, seed=1)
found = groups.cuttable(channels.trace(model, torch.zeros(1, 3, 16, 16)))
rated = groups.channel_scores(model, found, catalogue.load(row.where), torch.Generator())
kept = channels.kept_after(rated, 0.5)
channels.cut(model, kept, torch.zeros(1, 3, 16, 16))
print(len(model.conv1.weight), model(torch.rand(2, 3, 16, 16)).shape[1])
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The example as pip lays it out."""
    shutil.copy(EXAMPLE / "own_method.py", tmp_path)
    about = tmp_path / "own_method-0.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: own-method\nVersion: 0.1\n")
    (about / "entry_points.txt").write_text("[secateur.methods]\nfilter-spread = own_method:ROW\n")
    return tmp_path


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    import os

    env = os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"}
    return subprocess.run([sys.executable, *words], env=env, capture_output=True, text=True, check=False)


def test_the_example_is_short():
    assert len((EXAMPLE / "own_method.py").read_text().splitlines()) < 60


def test_it_is_listed_taught_planned_and_pruned_with(installed: Path, tmp_path: Path):
    listed = run(installed, "-m", "secateur", "methods")
    assert "filter-spread" in listed.stdout and "differ least" in listed.stdout
    assert "std(w)" in run(installed, "-m", "secateur", "methods", "filter-spread").stdout
    (tmp_path / "s.toml").write_text('folder = "demo"\nbackbone = "cnn"\nmethods = ["filter-spread"]\nseeds = [0]\n')
    planned = run(installed, "-m", "secateur", "study", str(tmp_path / "s.toml"), "--plan")
    assert planned.returncode == 0, planned.stderr
    pruned = run(installed, "-c", PRUNE)
    assert pruned.stdout.split() == ["16", "10"], pruned.stderr


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("mine = own_method:spread", "is no secateur.methods.Method"),
        ("mine = nowhere:ROW", "does not load: ModuleNotFoundError"),
    ],
)
def test_what_is_no_method_is_one_clear_line(installed: Path, line: str, words: str):
    (installed / "own_method-0.1.dist-info" / "entry_points.txt").write_text(f"[secateur.methods]\n{line}\n")
    done = run(installed, "-m", "secateur", "methods")
    assert done.returncode == 2
    assert "the method 'mine' of own-method" in done.stderr and words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_name_that_is_taken(installed: Path):
    module = installed / "own_method.py"
    module.write_text(module.read_text().replace('name="filter-spread"', 'name="filter-l1"'))
    done = run(installed, "-m", "secateur", "methods")
    assert done.returncode == 2 and "is called 'filter-l1', as another is" in done.stderr
