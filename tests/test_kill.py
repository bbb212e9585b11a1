"""A study killed with `kill -9` at ten random moments ends with the figures of one left alone."""

from __future__ import annotations

import json
import random
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import forked

STUDY = """
folder = "{folder}"
backbone = "cnn"
input_px = 16
epochs = 6
retrain_epochs = 3
seeds = [0]
sparsities = [0.6]
methods = ["magnitude", "magnitude-gradual", "filter-l1"]
precision = "fp32"
bench = 0
"""
KILLS = 10


def begin(runs: Path, file: Path) -> BaseProcess:
    """The study under way, on one thread, with a checkpoint after every batch."""
    told = {"SECATEUR_CHECKPOINT_SECONDS": "0", "OMP_NUM_THREADS": "1"}
    out, err = runs.with_suffix(".out"), runs.with_suffix(".err")
    return forked.start("study", file, "--runs", runs, cwd=file.parent, out=out, err=err, env=told)


def ended(runs: Path, file: Path) -> int:
    process = begin(runs, file)
    process.join()
    return process.exitcode or 0


def figures(runs: Path) -> dict[str, Any]:
    """results.json without what may differ: times, dates, the command, and where the runs lie."""
    content = json.loads((runs / "small" / "results.json").read_text())
    for name in ("date", "command", "commit", "machine"):
        del content[name]
    content["outcomes"] = [(o["id"], o["key"]) for o in content["outcomes"]]
    return content


def state(runs: Path) -> tuple[int, int]:
    """Finished results, and the newest checkpoint of the work under way."""
    results = len([p for p in (runs / ".store").glob("*/*") if p.is_dir() and p.parent.name != "tmp"])
    return results, max([int(p.stem) for p in (runs / ".work").glob("*/*.ckpt")], default=-1)


def test_killed_ten_times_it_ends_with_the_same_figures(few_photos: Path, tmp_path: Path):
    file = tmp_path / "small.toml"
    file.write_text(STUDY.format(folder=few_photos))
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    assert ended(alone, file) == 0, alone.with_suffix(".err").read_text()

    chance = random.Random(20261122)
    for _ in range(KILLS):
        process = begin(killed, file)
        # a random moment is a random amount of progress: seconds would tell how busy the machine is
        seen, changes = state(killed), chance.randint(1, 3)
        while changes:
            now = state(killed)
            changes, seen = changes - (now != seen), now
            assert process.is_alive(), "it ended before its tenth kill: the study is too small"
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.15))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    assert ended(killed, file) == 0, killed.with_suffix(".err").read_text()
    assert figures(killed) == figures(alone)
    assert not [p for p in (killed / ".work").iterdir() if p.is_dir()], "checkpoints of finished work stayed"
