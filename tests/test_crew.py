"""Several processes on one study, as a user sees their end: nothing is printed that a person has to understand."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from secateur.crew import crew
from secateur.store import Store

STUDY = "--backbone cnn --input-px 16 --epochs 400 --seeds 0,1 --sparsities 0.5 --methods magnitude --bench 0"
STUDY += " --precision fp32 --no-controls --no-rivals --robustness 0 --jobs 2 --name two"


def _works(runs: Path) -> set[str]:
    """Who works on something right now."""
    return {file.read_text(encoding="utf-8").split(",")[0] for file in (runs / ".work").glob("*.owner")}


def test_ctrl_c_ends_all_of_it_with_one_line(few_photos: Path, tmp_path: Path):
    """As a terminal sends it: to every process of the group at once, whatever each is doing."""
    runs = tmp_path / "runs"
    words = [sys.executable, "-m", "secateur", "study", str(few_photos), *STUDY.split(), "--budget", "", "--runs", runs]
    with (tmp_path / "err").open("wb") as err:
        process = subprocess.Popen(words, stdout=err, stderr=err, start_new_session=True)
    while len(_works(runs)) < 2:
        assert process.poll() is None, (tmp_path / "err").read_text()
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait() == 130
    said = (tmp_path / "err").read_text().splitlines()
    assert said[-1] == "secateur: interrupted; nothing finished is lost: the same command goes on from here"
    assert not [line for line in said if "Traceback" in line or "waiting" in line or "Warning" in line], said
    try:
        os.killpg(process.pid, 0)
        raise AssertionError("a helper was left behind")
    except ProcessLookupError:
        pass
    assert not list((runs / ".work").glob("*.owner")), "a note of one that is no more"
    assert not list((runs / ".store" / "tmp").iterdir())
    assert not (runs / "two" / "errors").exists()


def test_a_helper_that_breaks_keeps_its_reason_and_costs_nothing_else(tmp_path: Path):
    """What a helper says goes to no terminal; where it failed, into a file of the run."""
    with crew([None], "broken", tmp_path, {}, 2) as helpers:  # type: ignore[list-item]  # no step has no id
        (number,) = helpers
        os.waitid(os.P_PID, number, os.WEXITED | os.WNOWAIT)
    assert "AttributeError" in (tmp_path / "broken" / "errors" / "helper1.txt").read_text()


def test_what_a_dead_process_left_half_made_is_taken_away_and_nothing_else(tmp_path: Path):
    store = Store(tmp_path)
    mine, others = (store.results / "tmp" / f"{'a' * 24}-{pid}-00000000" for pid in (7, 77))
    held = store.results / "tmp" / f"{'b' * 24}-7-00000000"
    for folder in (mine, others, held):
        folder.mkdir(parents=True)
    store.works.mkdir()
    for letter, pid in (("a", 7), ("c", 77)):
        (store.works / f"{letter * 24}.owner").write_text(f"process {pid}, since then")
    with store.working("b" * 24):
        store.take_away(7)
        assert sorted((store.results / "tmp").iterdir()) == sorted([others, held])
        assert sorted(p.name[0] for p in store.works.glob("*.owner")) == ["b", "c"]
