"""A study killed with `kill -9` at ten random moments ends with the figures of one left alone."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

STUDY = """
folder = "{folder}"
input_px = 16
epochs = 6
retrain_epochs = 3
seeds = [0]
sparsities = [0.6]
methods = ["magnitude", "magnitude-gradual", "filter-l1"]
precision = "fp32"
"""
KILLS = 10


def command(runs: Path, file: Path) -> list[str]:
    return [sys.executable, "-m", "secateur", "study", str(file), "--runs", str(runs)]


def environment() -> dict[str, str]:
    return os.environ | {"SECATEUR_CHECKPOINT_SECONDS": "0", "OMP_NUM_THREADS": "1"}


def figures(runs: Path) -> dict[str, Any]:
    """results.json without what may differ: times, dates, the command, and where the runs lie."""
    content = json.loads((runs / "small" / "results.json").read_text())
    for name in ("date", "command", "commit", "machine"):
        del content[name]
    content["outcomes"] = [(o["id"], o["key"]) for o in content["outcomes"]]
    return content


def test_killed_ten_times_it_ends_with_the_same_figures(few_photos: Path, tmp_path: Path):
    file = tmp_path / "small.toml"
    file.write_text(STUDY.format(folder=few_photos))
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    began = time.monotonic()
    done = subprocess.run(command(alone, file), env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    took = time.monotonic() - began

    chance = random.Random(20261122)
    moments: list[float] = []
    slower = 0.3  # of the time that the whole took: the share a process lives, at most; the rest is its beginning
    while len(moments) < KILLS:
        process = subprocess.Popen(
            command(killed, file), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        moment = chance.uniform(0.2, 1.0) * slower * took
        try:
            process.wait(timeout=moment)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            moments.append(moment)
            continue
        # it ended before its tenth kill, and well: begin again, with less time between the kills
        assert process.returncode == 0, process.stderr.read().decode()
        shutil.rmtree(killed)
        moments, slower = [], slower * 0.8
    last = subprocess.run(command(killed, file), env=environment(), capture_output=True, text=True)
    assert last.returncode == 0, last.stderr
    assert figures(killed) == figures(alone)
    assert not [p for p in (killed / ".work").iterdir() if p.is_dir()], "checkpoints of finished work stayed"
