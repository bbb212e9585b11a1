"""The ledger of looks at test photos: what counts as one, and that nothing loses or hides it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from secateur import ledger
from secateur.engine import look_of
from secateur.errors import UserError
from secateur.plan import plan
from secateur.resolve import settle
from secateur.store import Store
from secateur.study_file import make


def photos(first: int, n: int = 20) -> list[str]:
    return [hashlib.sha256(str(i).encode()).hexdigest() for i in range(first, first + n)]


def key(name: str) -> str:
    return ledger.key_of_plan([name])


def only(store: Store) -> Path:
    (file,) = store.looks.glob("*.json")
    return file


def test_every_plan_counts_once_whatever_its_run_is_called(tmp_path: Path):
    store = Store(tmp_path)
    first = ledger.note(store, photos(0), key("a"), "run one")
    assert (first.photos, first.plans, first.place) == (20, 1, 1)
    assert ledger.note(store, reversed(photos(0)), key("a"), "run two").plans == 1  # in any order
    second = ledger.note(store, photos(0), key("b"), "run one")
    assert (second.plans, second.place) == (2, 2)
    assert ledger.note(store, photos(0), key("a"), "run one").place == 1


def test_other_photos_are_another_set_and_a_part_of_them_is_said(tmp_path: Path):
    store = Store(tmp_path)
    ledger.note(store, photos(0), key("a"), "run one")
    assert ledger.note(store, photos(100), key("a"), "run two").partly == ()
    ledger.note(store, photos(15), key("b"), "run three")  # five of the twenty
    ledger.note(store, photos(-5, 60), key("c"), "run four")  # all of them, and more
    found = ledger.note(store, photos(0), key("d"), "run five")
    assert (found.plans, found.place, found.partly) == (3, 3, (0.25,))


def test_a_plan_that_opens_two_sets_is_one_plan(tmp_path: Path):
    """As a study does that also tests on a random split, whose test photos are partly the same."""
    store = Store(tmp_path)
    ledger.note(store, photos(10), key("a"), "run one")
    found = ledger.note(store, photos(0), key("a"), "run one")
    assert (found.plans, found.partly) == (1, ())


def test_gc_never_frees_it(tmp_path: Path):
    store = Store(tmp_path)
    ledger.note(store, photos(0), key("a"), "run one")
    assert store.removable() == [] and store.names() == []


@pytest.mark.parametrize("cut", [0.0, 0.3, 0.7, 0.95])
def test_a_damaged_ledger_counts_what_is_legible_and_says_that_it_is_damaged(tmp_path: Path, cut: float):
    store = Store(tmp_path)
    for name in ("a", "b", "c"):
        ledger.note(store, photos(0), key(name), "run one")
    whole = only(store).read_bytes()
    only(store).write_bytes(whole[: int(cut * len(whole))])
    legible = only(store).read_bytes().count(b'"plan"')
    found = ledger.note(store, photos(0), key("d"), "run one")
    assert found.damaged and legible <= found.plans <= 4 and found.plans >= 1
    assert ledger.note(store, photos(0), key("e"), "run one").plans == found.plans + 1
    assert ledger.note(store, photos(0), key("e"), "run one").damaged  # for ever: nobody knows what was lost
    assert list(store.looks.glob("*.damaged-*"))


def test_a_ledger_that_is_no_ledger_is_damaged(tmp_path: Path):
    store = Store(tmp_path)
    ledger.note(store, photos(0), key("a"), "run one")
    for content in (b"[]", b"\xff\x00", b'{"photos": 3}'):
        only(store).write_bytes(content)
        assert ledger.note(store, photos(0), key("b"), "run one").damaged
        only(store).write_bytes(content)
        assert ledger.seen(store, photos(0)) == ()  # and nobody falls over it


def test_a_ledger_that_cannot_be_written_stops_who_wants_to_look(tmp_path: Path):
    store = Store(tmp_path)
    store.looks.write_text("a file where the folder should be")
    with pytest.raises(UserError, match="a look at test photos has to be written down"):
        ledger.note(store, photos(0), key("a"), "run one")


NOTE = """
import sys
from pathlib import Path
from secateur import ledger
from secateur.store import Store
photos = [f"{i:064x}" for i in range(3000)]
for i in range(int(sys.argv[3])):
    ledger.note(Store(Path(sys.argv[1])), photos, ledger.key_of_plan([sys.argv[2], str(i)]), "run")
    print(i, flush=True)
"""


def begin(runs: Path, name: str, n: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", NOTE, str(runs), name, str(n)], stdout=subprocess.PIPE, text=True)


def test_processes_side_by_side_lose_no_look(tmp_path: Path):
    own = [begin(tmp_path, name, 15) for name in ("a", "b")]
    assert [process.wait() for process in own] == [0, 0]
    found = json.loads(only(Store(tmp_path)).read_text())
    assert len({look["plan"] for look in found["looks"]}) == 30 and not found["damaged"]


def test_kill_9_leaves_a_whole_ledger(tmp_path: Path):
    killed = begin(tmp_path, "a", 100_000)
    seen = [killed.stdout.readline() for _ in range(5)]  # type: ignore[union-attr]
    killed.kill()
    killed.wait()
    assert len(seen) == 5
    found = ledger.note(Store(tmp_path), [f"{i:064x}" for i in range(3000)], key("b"), "run")
    assert not found.damaged and found.plans >= 6


def test_a_redrawn_report_counts_the_looks_since_and_never_fewer(tmp_path: Path):
    store = Store(tmp_path / "runs")
    before = ledger.note(store, photos(0), key("a"), "run one")
    ledger.note(store, photos(0), key("b"), "run two")
    now = ledger.again(store, before)
    assert (now.plans, now.place) == (2, 1)
    assert ledger.again(Store(tmp_path / "moved"), now) == now


def looked(**changes: object) -> str:
    asked = {
        "name": "s",
        "folder": "x",
        "backbone": "cnn",
        "bench": 0,
        "rivals": False,
        "input_px": 16,
        "epochs": 1,
        "seeds": [0],
    }
    asked |= {"sparsities": [0.5], "methods": ["magnitude"], "threads": 1, "precision": "fp32", "device": "cpu"}
    study = settle(make(asked | changes, "test"))
    return look_of(plan(study), {"snapshot": "1" * 24})


def test_the_key_of_a_plan_is_that_of_what_it_tests():
    assert looked() == looked(name="other", margin=2.0)
    assert len({looked(), looked(sparsities=[0.6]), looked(seeds=[0, 1]), looked(epochs=2)}) == 4
