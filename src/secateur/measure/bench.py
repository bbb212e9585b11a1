"""Exported files beside each other: how long they take, in fresh processes and interleaved rounds.

Timing one file after the other measures the machine's mood: on a two-core virtual machine it drifted by a quarter.
So every round runs every file once, in an order drawn anew, the reference twice (once as a control that should show
nothing), each in a process of its own that sleeps meanwhile; and all processes are started afresh several times, since
where a process's memory lies is part of its speed.

A file's turn is three calls: the first finds the caches as other files left them, the last as it left them itself.
Median and p95 are of the last. How much faster a file is must hold for both: one too large for the caches is as slow in
either, a small one is not. A CNN's INT8 file was 2.4 times as fast as its FP32 file in first calls and 2.8 times in
third and later ones, which is what a program that alternates files and one that repeats a file differ by.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import psutil

from secateur.errors import UserError
from secateur.measure.busy import Watch
from secateur.measure.entries import Entry, needs
from secateur.measure.machine import machine, processor_family
from secateur.measure.ratios import FEW, either, quantile, speed_verdict, speedup
from secateur.measure.rounds import Found, rounds_of
from secateur.records import Bench, Candidate, Measured, Speed, Timing, Way

PROCESSES = 5  # fresh ones a file
THROUGHPUT = 8  # photos at a time
SHARE = 4  # a call with many photos counts as so many rounds
ROOM = 0.6  # of the free memory, for processes that live at the same time
WIDE = 0.05  # half of a control's band that is worth saying
DRIFT = 0.15
CONTROL = "control"

Progress = Callable[[float, float, str], None]
Rows = dict[str, list[list[float]]]  # name → ms, a row for every fresh process


@dataclass(slots=True)
class _Times:
    """Of one way."""

    own: Rows = field(default_factory=dict)
    first: Rows = field(default_factory=dict)
    beside: Rows = field(default_factory=dict)  # the reference's times in the same rounds
    beside_first: Rows = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)

    def add(self, found: Found, reference: Entry, both: Iterable[str]) -> None:
        """One more set of processes. Raises UserError where the reference, or its control, does not run."""
        self.lost |= found.lost
        for name in both:
            if name in self.lost:
                raise UserError(f"{reference.file}, the reference, does not run: {self.lost[name]}")
        for name, row in found.times.items():
            self.own.setdefault(name, []).append(row)
            self.first.setdefault(name, []).append(found.first[name])
            self.beside.setdefault(name, []).append(found.times[reference.name])
            self.beside_first.setdefault(name, []).append(found.first[reference.name])

    def ratios(self, name: str) -> tuple[Measured, Measured]:
        """How much faster than the reference: in first calls, and in any."""
        first = _ratio(self.beside_first[name], self.first[name])
        return first, either(_ratio(self.beside[name], self.own[name]), first)


@dataclass(frozen=True, slots=True)
class Effort:
    """How much a bench may take."""

    rounds: int = FEW
    processes: int = PROCESSES
    seconds: float = 600.0  # for the timed rounds of one way; fewer rounds where calls are long


def usual_ways(cores: int) -> tuple[Way, ...]:
    """One thread, all cores, and many photos at a time on all cores."""
    return tuple(dict.fromkeys((Way(1, 1), Way(cores, 1), Way(cores, THROUGHPUT))))


def bench(
    files: Sequence[Entry],
    reference: str,
    ways: Sequence[Way],
    *,
    effort: Effort = Effort(),
    label: str = "",
    seed: int = 0,
    progress: Progress = lambda done, total, note: None,
) -> Bench:
    """Time every file in every way beside the one named `reference`.

    A file that does not run in a way is left out there and named with its reason. Raises UserError where the reference
    is not among the files, or does not run itself, and for a file that is called as the control is.
    """
    if reference not in {e.name for e in files}:
        raise UserError(f"the reference '{reference}' is not among {', '.join(e.name for e in files)}")
    if CONTROL in {e.name for e in files}:
        raise UserError(f"no model may be called '{CONTROL}': that is what the reference's second process is called")
    run = _Run(files, next(e for e in files if e.name == reference), effort, np.random.default_rng(seed))
    before = psutil.Process().cpu_times()
    threads = list(dict.fromkeys(way.threads for way in ways))
    for number, count in enumerate(threads):
        batches = [way.batch for way in ways if way.threads == count]
        said = "1 thread" if count == 1 else f"{count} threads"

        def told(part: float, number: int = number, said: str = said) -> None:
            progress(number + part, len(threads), said)

        run.ways(count, batches, told)
    own = psutil.Process().cpu_times()
    used = run.processor_seconds + own.user + own.system - before.user - before.system
    here = machine(runtimes={e.runtime for e in files})
    return Bench(
        machine=here,
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        label=label,
        reference=reference,
        candidates=tuple(
            Candidate(e.name, e.sha256, e.bytes, e.runtime, run.loaded[e.name][1], run.loaded[e.name][0])
            for e in files
            if e.name in run.loaded
        ),
        timings=tuple(run.timings),
        rounds=effort.rounds,
        processes=effort.processes,
        seconds=time.monotonic() - run.watch.began,
        doubts=tuple(dict.fromkeys([*run.watch.doubts(used), *run.doubts, *_of_int8(run.made_for, here.flags)])),
        left_out=tuple(dict.fromkeys(run.left_out)),
    )


def said_of(way: Way) -> str:
    """'1 thread, batch 8', for people."""
    return f"{way.threads} {'thread' if way.threads == 1 else 'threads'}, batch {way.batch}"


@dataclass(slots=True)
class _Run:
    """One bench under way."""

    files: Sequence[Entry]
    reference: Entry
    effort: Effort
    chance: np.random.Generator
    watch: Watch = field(default_factory=Watch)
    timings: list[Timing] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    loaded: dict[str, tuple[float, int]] = field(default_factory=dict)
    made_for: dict[str, str] = field(default_factory=dict)
    processor_seconds: float = 0.0

    def ways(self, threads: int, batches: Sequence[int], progress: Callable[[float], None]) -> None:
        """All files with so many threads, in the same processes for every batch."""
        times = [_Times() for _ in batches]
        share = [(b, -(-self.effort.rounds // (self.effort.processes * (SHARE if b > 1 else 1)))) for b in batches]
        both = {self.reference.name: self.reference, CONTROL: self.reference}
        for turn in range(self.effort.processes):
            groups = self._groups()
            for group in groups:
                named = both | {e.name: e for e in group}
                seconds = self.effort.seconds / (self.effort.processes * len(groups))
                met = rounds_of(named, threads, share, seconds, self.chance)
                self.processor_seconds += met.processor_seconds
                self.made_for |= met.made_for
                self.loaded |= {n: v for n, v in met.loaded.items() if n not in self.loaded and n != CONTROL}
                for kept, found in zip(times, met.found, strict=True):
                    kept.add(found, self.reference, both)
                self.watch.look()
            progress((turn + 1) / self.effort.processes)
        for kept, batch in zip(times, batches, strict=True):
            way = Way(threads, batch)
            self.left_out += [f"{name}, {said_of(way)}: {why}" for name, why in kept.lost.items()]
            self._judge(way, kept)

    def _groups(self) -> list[list[Entry]]:
        """Files whose processes fit into memory together; the reference and the control join each group."""
        room = full = ROOM * psutil.virtual_memory().available - 2 * needs(self.reference)
        groups: list[list[Entry]] = [[]]
        for entry in self.files:
            if entry.name == self.reference.name:
                continue
            if groups[-1] and needs(entry) > room:
                groups.append([])
                room = full
            groups[-1].append(entry)
            room -= needs(entry)
        return groups

    def _judge(self, way: Way, times: _Times) -> None:
        reference = self.reference.name
        _, control = times.ratios(CONTROL)
        own = times.own[reference]
        for name in [reference, CONTROL, *(e.name for e in self.files if e.name != reference)]:
            if name not in times.own or name in times.lost:
                continue
            first, ratio = None, Measured(1.0, "ratio", n=sum(map(len, own)), how="the reference")
            verdict: Speed = "reference"
            if name != reference:
                first, ratio = times.ratios(name)
                verdict = "control" if name == CONTROL else speed_verdict(ratio, control)
            calls = np.concatenate([np.array(row) for row in times.own[name]])
            median = quantile(calls, 0.5)
            speed = 1000 * way.batch / median.value
            self.timings.append(Timing(name, way, median, quantile(calls, 0.95), ratio, verdict, speed, first))
        self.doubts += _of_control(said_of(way), control, own)


def _ratio(reference: list[list[float]], subject: list[list[float]]) -> Measured:
    """Over as many rounds as every process has."""
    width = min(len(row) for row in [*reference, *subject])
    return speedup([row[:width] for row in reference], [row[:width] for row in subject])


def _of_int8(made_for: Mapping[str, str], flags: Sequence[str]) -> list[str]:
    """Files that were calibrated where products of eight bits are summed otherwise."""
    own = processor_family(flags)
    return [
        f"{name} was calibrated for {family}, and this is {own}: its accuracy was measured there, and may not hold here"
        for name, family in made_for.items()
        if family != own and name != CONTROL
    ]


def _of_control(where: str, control: Measured, own: list[list[float]]) -> list[str]:
    """What the reference says of the machine, in words."""
    assert control.low is not None and control.high is not None
    said = []
    half = (control.high - control.low) / 2
    if half > WIDE:
        band = f"± {half:.0%}: smaller differences cannot be seen" if half < 1 else "too wide to see any difference"
        said.append(f"{where}: the control's band is {band}")
    if control.low > 1 or control.high < 1:
        band = f"{control.value:.3f} [{control.low:.3f}, {control.high:.3f}]"
        said.append(f"{where}: the reference is not as fast as itself: {band}")
    moved = float(np.median(own[-1]) / np.median(own[0]))
    if len(own) > 1 and abs(moved - 1) > DRIFT:
        said.append(f"{where}: the machine drifted: at the end the reference took {moved:.2f} of its first time")
    return said
