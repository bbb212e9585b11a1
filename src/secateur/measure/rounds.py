"""Processes started afresh, one a file, and rounds in which each runs its file once, in an order drawn anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from secateur.measure.entries import Entry
from secateur.measure.helper import Helper
from secateur.records import Way

WARM_UPS = 10
LONG_MS = 100.0  # a call that takes longer is not run once more, untimed, before it is timed: caches matter less
LEAST = 2  # rounds, however long they take


@dataclass(slots=True)
class Found:
    """What one set of processes gave."""

    times: dict[str, list[float]] = field(
        default_factory=dict
    )  # name → ms, one a round; the rounds of all are the same
    lost: dict[str, str] = field(default_factory=dict)  # name → why it does not run in this way
    loaded: dict[str, tuple[float, int]] = field(default_factory=dict)  # name → (ms that loading took, px)
    processor_seconds: float = 0.0


def rounds_of(
    entries: Mapping[str, Entry], way: Way, rounds: int, seconds: float, chance: np.random.Generator
) -> Found:
    """At most `rounds`, and at most as many as fit into `seconds` (LEAST at least). Source of the order: `chance`."""
    found = Found()
    helpers: dict[str, Helper] = {}
    try:
        for name, entry in entries.items():
            helpers[name] = Helper(entry.file, entry.runtime, way.threads)
        usual = {}
        for name, helper in helpers.items():
            ms = _met(name, helper, way, found)
            if ms:
                usual[name] = ms
        before = {n: 0 if ms > LONG_MS else 1 for n, ms in usual.items()}
        each = sum(ms * (1 + before[n]) for n, ms in usual.items()) / 1000
        names = list(usual)
        found.times = {n: [] for n in names}
        for _ in range(min(rounds, max(int(seconds / max(each, 1e-9)), LEAST))):
            for i in chance.permutation(len(names)):
                name = names[i]
                if name in found.lost:
                    continue
                answer = helpers[name].ask(batch=way.batch, runs=1, before=before[name])
                if "error" in answer:
                    found.lost[name] = answer["error"]
                else:
                    found.times[name].append(answer["ns"][0] / 1e6)
        found.times = {n: t for n, t in found.times.items() if n not in found.lost}
    finally:
        found.processor_seconds = sum(helper.close() for helper in helpers.values())
    return found


def _met(name: str, helper: Helper, way: Way, found: Found) -> float:
    """Milliseconds of a call, roughly, once it is warm; 0 for a file that does not run."""
    said = helper.hello()
    fixed = said.get("fixed_batch", 0)
    if "error" not in said and fixed and fixed != way.batch:
        said = {"error": f"it takes {fixed} at a time, not {way.batch}"}
    if "error" not in said:
        found.loaded[name] = (said["load_ms"], said["input_px"])
        said = helper.ask(batch=way.batch, runs=1, before=0)
    if "error" not in said:
        long = said["ns"][0] / 1e6 > LONG_MS
        said = helper.ask(batch=way.batch, runs=1 if long else 5, before=0 if long else WARM_UPS)
    if "error" in said:
        found.lost[name] = said["error"]
        return 0.0
    return float(np.median(said["ns"])) / 1e6
