"""What else the machine did, seen from counters that are handed in."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from secateur.measure import busy


def machine(monkeypatch: pytest.MonkeyPatch, *, used: float, stolen: float = 0.0, clocks: tuple[float, ...] = ()):
    """Ten seconds pass, in which all processes together use so much."""
    now = [0.0, 10.0]
    cpu = [(100.0, 5.0), (100.0 + used, 5.0 + stolen)]
    speeds = iter(clocks)
    monkeypatch.setattr(busy.time, "monotonic", lambda: now[0] if len(now) == 1 else now.pop(0))
    monkeypatch.setattr(busy, "_busy", lambda: cpu[0])
    monkeypatch.setattr(busy.psutil, "cpu_freq", lambda: SimpleNamespace(current=next(speeds)))
    monkeypatch.setattr(busy, "_text", lambda _: "performance")
    watch = busy.Watch()
    for _ in clocks:
        watch.look()
    monkeypatch.setattr(busy, "_busy", lambda: cpu[1])
    return watch


def test_a_machine_that_did_nothing_else_has_no_doubt(monkeypatch: pytest.MonkeyPatch):
    assert machine(monkeypatch, used=10.5, clocks=(3000, 2950)).doubts(own=10.0) == ()


def test_another_process_is_seen(monkeypatch: pytest.MonkeyPatch):
    (doubt,) = machine(monkeypatch, used=20.0).doubts(own=10.0)
    assert "others used 1.0 cores" in doubt


def test_a_host_that_takes_its_processor_back_is_seen(monkeypatch: pytest.MonkeyPatch):
    (doubt,) = machine(monkeypatch, used=10.0, stolen=4.0).doubts(own=10.0)
    assert "took 0.4 cores" in doubt


def test_a_clock_that_moves_is_seen(monkeypatch: pytest.MonkeyPatch):
    (doubt,) = machine(monkeypatch, used=10.0, clocks=(1500, 600)).doubts(own=10.0)
    assert "between 600 and 1500 MHz" in doubt


def test_a_governor_that_saves_is_named(monkeypatch: pytest.MonkeyPatch):
    watch = machine(monkeypatch, used=10.0)
    monkeypatch.setattr(busy, "_text", lambda _: "ondemand")
    (doubt,) = watch.doubts(own=10.0)
    assert "'ondemand'" in doubt
