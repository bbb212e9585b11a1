"""Keys that move only when they must; results whole or absent; work that one process does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from secateur.errors import UserError
from secateur.store import KEYS, Store, key


def test_a_stored_old_key_is_found_again():
    """Change this only together with a version: it would forget every result that users have."""
    params = {"recipe": {"lr": 0.001, "new": None}, "epochs": 30, "seed": 0, "new": None}
    assert key("train", 1, params, {"split": "abc", "pixels": "def"}) == "9f7351e4a115b1f30b764cb5"


def test_a_key_depends_on_everything():
    keys = {
        key("a", 1, {"x": 1}, {"m": "k"}),
        key("b", 1, {"x": 1}, {"m": "k"}),
        key("a", 2, {"x": 1}, {"m": "k"}),
        key("a", 1, {"x": 2}, {"m": "k"}),
        key("a", 1, {"x": 1}, {"n": "k"}),
        key("a", 1, {"x": 1}, {"m": "l"}),
    }
    assert len(keys) == 6


def test_the_order_of_parameters_does_not_matter_and_none_is_left_out():
    assert key("a", 1, {"x": 1, "y": 2}, {}) == key("a", 1, {"y": 2, "x": 1, "z": None}, {})


@pytest.mark.parametrize("value", [Path("x"), {1, 2}, object()])
def test_what_is_no_json_has_no_key(value: object):
    with pytest.raises(TypeError):
        key("a", 1, {"x": value}, {})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_has_no_key(value: float):
    with pytest.raises(ValueError):
        key("a", 1, {"x": value}, {})


def test_whole_or_absent(tmp_path: Path):
    store = Store(tmp_path)
    with pytest.raises(RuntimeError), store.making("train", "k") as out:
        (out / "half").write_text("x")
        raise RuntimeError
    assert not store.has("train", "k")
    assert not list((tmp_path / ".store" / "tmp").iterdir())
    with store.making("train", "k") as out:
        (out / "file").write_text("x")
    assert (store.folder("train", "k") / "file").read_text() == "x"


def test_the_first_writer_wins(tmp_path: Path):
    store = Store(tmp_path)
    with store.making("train", "k") as first:
        (first / "file").write_text("first")
        with store.making("train", "k") as second:
            (second / "file").write_text("second")
    assert (store.folder("train", "k") / "file").read_text() == "second"


HOLD = """
import sys, time
from pathlib import Path
from secateur.store import Store
with Store(Path(sys.argv[1])).working("k"):
    print("holding", flush=True)
    time.sleep(60)
"""


def test_a_second_process_waits_and_takes_over_from_a_dead_one(tmp_path: Path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline().strip() == "holding"
    said = []

    def waiting(who: str) -> None:
        said.append(who)
        holder.kill()
        holder.wait()

    with Store(tmp_path).working("k", waiting=waiting) as work:
        assert work.is_dir()
    assert f"process {holder.pid}" in said[0]


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "..", "a\\b"])
def test_a_run_has_a_plain_name(tmp_path: Path, name: str):
    with pytest.raises(UserError):
        Store(tmp_path).run(name)


def test_what_a_living_process_works_on_is_not_removable(tmp_path: Path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline().strip() == "holding"
    store = Store(tmp_path)
    scratch = store.results / "tmp" / "k-123-abc"
    scratch.mkdir(parents=True)
    assert store.removable() == []
    holder.kill()
    holder.wait()
    assert sorted(p.name for p in store.removable()) == ["k", "k-123-abc"]


def test_runs_that_are_one_folder_elsewhere(tmp_path: Path):
    store = Store(tmp_path)
    for name in ("Traps", "F\u00fcchse"):
        (store.begin(name) / KEYS).write_text("[]")
    assert store.begin("Traps") == tmp_path / "Traps", "it goes on"
    with pytest.raises(UserError, match="'Traps' is there, and on Windows and macOS 'traps' is the same"):
        store.begin("traps")
    assert store.begin("Fu\u0308chse").is_dir(), "the same word as macOS writes it is no other name"
    (tmp_path / "traps").mkdir()
    (tmp_path / "traps" / KEYS).write_text("[]")
    assert store.begin("traps") == tmp_path / "traps", "one that was begun before this was asked"
