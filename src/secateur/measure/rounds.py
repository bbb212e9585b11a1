"""Processes started afresh, one a file, and rounds in which each runs its file once, in an order drawn anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from secateur.measure.entries import Entry
from secateur.measure.helper import Helper

WARM_UPS = 10
LONG_MS = 100.0  # a call that takes longer is run once a round: caches matter less
CALLS = 3  # a round: a small file's first two are slower than all others, by a tenth, once its process has slept
LEAST = 2  # rounds, however long they take


@dataclass(slots=True)
class Found:
    """What one set of processes gave in one way."""

    times: dict[str, list[float]] = field(default_factory=dict)  # name → ms, one a round, as many for all
    first: dict[str, list[float]] = field(
        default_factory=dict
    )  # of the call before it, which found other files' traces
    lost: dict[str, str] = field(default_factory=dict)  # name → why it does not run in this way


@dataclass(slots=True)
class Met:
    """One set of processes."""

    found: list[Found]  # one for each batch
    loaded: dict[str, tuple[float, int]] = field(default_factory=dict)  # name → (ms that loading took, px)
    made_for: dict[str, str] = field(default_factory=dict)  # INT8 files → the processors they were calibrated for
    processor_seconds: float = 0.0


def rounds_of(
    entries: Mapping[str, Entry],
    threads: int,
    batches: Sequence[tuple[int, int]],
    seconds: float,
    chance: np.random.Generator,
) -> Met:
    """Start a process for every entry, and let them take turns.

    `batches`: (photos at a time, rounds at most), one after the other in the same processes. `seconds`: for each of
    them; fewer rounds where calls are long, LEAST at least. `chance` draws the order of every round.
    """
    met = Met([])
    helpers: dict[str, Helper] = {}
    try:
        for name, entry in entries.items():
            helpers[name] = Helper(entry.file, entry.runtime, threads)
        hello = {name: helper.hello() for name, helper in helpers.items()}
        met.loaded = {n: (said["load_ms"], said["input_px"]) for n, said in hello.items() if "error" not in said}
        met.made_for = {n: said["made_for"] for n, said in hello.items() if said.get("made_for")}
        for batch, rounds in batches:
            met.found.append(_turns(helpers, hello, batch, rounds, seconds, chance))
    finally:
        met.processor_seconds = sum(helper.close() for helper in helpers.values())
    return met


def _turns(
    helpers: Mapping[str, Helper],
    hello: Mapping[str, dict[str, Any]],
    batch: int,
    rounds: int,
    seconds: float,
    chance: np.random.Generator,
) -> Found:
    found = Found()
    usual = {}
    for name, helper in helpers.items():
        said = _warmed(helper, hello[name], batch)
        if "error" in said:
            found.lost[name] = said["error"]
        else:
            usual[name] = float(np.median(said["ns"])) / 1e6
    runs = {n: 1 if ms > LONG_MS else CALLS for n, ms in usual.items()}
    each = sum(ms * runs[n] for n, ms in usual.items()) / 1000
    names = list(usual)
    times: dict[str, list[tuple[float, float]]] = {n: [] for n in names}  # the first and the last call of a round
    for _ in range(min(rounds, max(int(seconds / max(each, 1e-9)), LEAST))):
        for i in chance.permutation(len(names)):
            name = names[i]
            if name in found.lost:
                continue
            answer = helpers[name].ask(batch=batch, runs=runs[name], before=0)
            if "error" in answer:
                found.lost[name] = answer["error"]
            else:
                times[name].append((answer["ns"][0] / 1e6, answer["ns"][-1] / 1e6))
    found.times = {n: [last for _, last in t] for n, t in times.items() if n not in found.lost}
    found.first = {n: [first for first, _ in times[n]] for n in found.times}
    return found


def _warmed(helper: Helper, hello: dict[str, Any], batch: int) -> dict[str, Any]:
    """The last of its first calls, or why there are none."""
    if "error" in hello:
        return hello
    fixed = hello["fixed_batch"]
    if fixed and fixed != batch:
        return {"error": f"it takes {fixed} at a time, not {batch}"}
    said = helper.ask(batch=batch, runs=1, before=0)
    if "error" in said:
        return said
    long = said["ns"][0] / 1e6 > LONG_MS
    return helper.ask(batch=batch, runs=1 if long else 5, before=0 if long else WARM_UPS)
