"""Thousands of uploads, good, broken, huge and hostile: no status of 500 and up, bounded memory, nothing on disk."""

from __future__ import annotations

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from hostile import ANY_PHOTO, Act, acts, mutated, post, talk
from serving_process import Server, serving

AT_ONCE = 4
PEAK = 500 * 10**6  # bytes above what the server has when it starts


def test_three_hundred(home: Path, tmp_path: Path):
    with serving(home, tmp_path, "--max-upload", "2MB") as server:
        weathered(server, 300, 2_000_000, warm_up=230, may_grow=64 * 10**6)
    left_nothing(home, tmp_path)


@pytest.mark.heavy
def test_ten_thousand(home: Path, tmp_path: Path):
    with serving(home, tmp_path) as server:
        weathered(server, 10_000, 20_000_000, warm_up=1_000, may_grow=16 * 10**6)
    left_nothing(home, tmp_path)


def weathered(server: Server, n: int, limit: int, warm_up: int, may_grow: int) -> None:
    """Every act once, then `n` in all, drawn anew; a third of these are photos with changed bytes. `may_grow`: bytes
    between the end of the first `warm_up` and the end; decoders keep what they once needed."""
    known, chance = acts(limit), random.Random(0)
    rest = (changed(i) if chance.random() < 1 / 3 else chance.choice(known) for i in range(n - len(known)))
    done = [*known, *rest]
    process = psutil.Process(server.process.pid)
    idle, peak = process.memory_info().rss, Peak(process)
    with peak, ThreadPoolExecutor(AT_ONCE) as pool:
        said = list(pool.map(lambda act: talk(server.address, act), done[:warm_up]))
        warm = process.memory_info().rss
        said += pool.map(lambda act: talk(server.address, act), done[warm_up:])
    end = process.memory_info().rss
    print(f"{len(said):,} requests: {dict(sorted(Counter(said).items()))}")
    print("MB idle, warm, at the end, most:", *(n // 10**6 for n in (idle, warm, end, peak.seen)))
    wrong = Counter((act.name, status) for act, status in zip(done, said, strict=True) if status not in act.may)
    assert not wrong
    assert len(said) == n and max(said) < 500
    assert server.process.poll() is None
    assert talk(server.address, known[0]) == 200
    assert end - warm < may_grow
    assert peak.seen - idle < PEAK
    errors = server.errors.read_text()
    assert "Traceback" not in errors and "AUDIT" not in errors, errors


def changed(seed: int) -> Act:
    return Act("changed bytes", lambda host: [post(mutated(seed))], ANY_PHOTO)


class Peak:
    """The most memory that a process had, looked at all the while."""

    def __init__(self, process: psutil.Process) -> None:
        self.process, self.seen, self.over = process, 0, threading.Event()
        self.thread = threading.Thread(target=self._look)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def _look(self) -> None:
        while not self.over.wait(0.02):
            self.seen = max(self.seen, self.process.memory_info().rss)


def left_nothing(home: Path, scratch: Path) -> None:
    for name in ("here", "tmp", "home"):
        assert list((scratch / name).iterdir()) == []
    names = {"results.json", "models", "dense.onnx", "cut.onnx", "cut.packed", "mine.onnx"}
    assert {p.name for p in home.rglob("*")} == names
