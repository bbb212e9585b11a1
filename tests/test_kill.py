"""A study killed with `kill -9` at ten random moments ends with the figures of one left alone."""

from __future__ import annotations

import json
import os
import random
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
    moments, kills = [], 0
    for _ in range(200):
        process = subprocess.Popen(
            command(killed, file), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        if kills == KILLS:
            assert process.wait() == 0, process.stderr.read().decode()
            break
        # a process needs some seconds to begin; a kill before that would test nothing
        wait = chance.uniform(0.1, 0.9) * took / 2
        try:
            process.wait(timeout=wait)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            moments.append(wait)
            continue
        # it ended before its moment came: begin again, so that there are ten kills in all
        if kills < KILLS:
            subprocess.run(["rm", "-rf", str(killed)], check=True)
    assert kills == KILLS, f"only {kills} kills, at {moments}"
    assert figures(killed) == figures(alone)
    assert not [p for p in (killed / ".work").iterdir() if p.is_dir()], "checkpoints of finished work stayed"
