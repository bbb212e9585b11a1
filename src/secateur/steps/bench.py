"""Exported files measured on this machine: time, memory, time a layer, and on request a limit and energy.

Needs no torch: it runs on the device itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from secateur.errors import StepFailed
from secateur.files import dump
from secateur.measure.bench import PROCESSES, Effort, bench, usual_ways
from secateur.measure.energy import energy
from secateur.measure.entries import Entry, entries, entry
from secateur.measure.layers import layer_times
from secateur.measure.limits import limited, under_limit
from secateur.measure.machine import machine
from secateur.measure.peak import peak
from secateur.names import nfc
from secateur.records import Bench, Candidate, Way
from secateur.steps.context import Context

STUDY_SECONDS = 180.0  # for one way of a study's bench
FEW = 8  # calls that are worth a process of their own


@dataclass(frozen=True, slots=True)
class Wish:
    """What to measure beside time."""

    memory: bool = True
    layers: bool = True
    energy: bool = True
    limit_bytes: int = 0  # 0: none
    cpus: int = 1


def files_of(models: Sequence[Path], runtime: str = "") -> tuple[Entry, ...]:
    """The files that are meant, by their names. Raises UserError: see `entries`."""
    return entries(models, runtime)


def measured(
    files: Sequence[Entry],
    *,
    reference: str = "",
    threads: Sequence[int] = (),
    batches: Sequence[int] = (),
    effort: Effort = Effort(),
    wish: Wish = Wish(),
    label: str = "",
    progress: Callable[[float, float, str], None] = lambda done, total, note: None,
) -> Bench:
    """All of `files` beside `reference` (the first, unless named). `threads`, `batches`: every pair of them is a way;
    without either, one thread, all cores, and all cores with a throughput batch.

    Raises UserError for what cannot be measured at all: see `bench` and `limited`.
    """
    cores = machine().cores
    ways: tuple[Way, ...] = usual_ways(cores)
    if threads or batches:
        ways = tuple(Way(t, b) for b in (batches or (1,)) for t in (threads or (1, cores)))
        ways = tuple(dict.fromkeys(ways))
    if wish.limit_bytes:
        with limited(wish.limit_bytes, wish.cpus):
            pass  # said before minutes of timing, where this machine offers no limit
    of = len({way.threads for way in ways}) + 1
    found = bench(
        files,
        nfc(reference) or files[0].name,
        ways,
        effort=effort,
        label=label,
        progress=lambda done, total, note: progress(done, of, note),
    )
    by_name = {e.name: e for e in files}
    left: list[str] = []
    candidates = []
    n = len(found.candidates)
    for number, candidate in enumerate(found.candidates, start=1):
        candidates.append(_more(candidate, by_name[candidate.name], wish, left))
        progress(of - 1 + number / n, of, f"memory and layers, file {number} of {n}")
    return replace(found, candidates=tuple(candidates), left_out=(*found.left_out, *dict.fromkeys(left)))


def _more(candidate: Candidate, entry: Entry, wish: Wish, left: list[str]) -> Candidate:
    """With what was wished for; what could not be had is named in `left`."""
    asked: tuple[tuple[bool, str, Callable[[Entry], Any]], ...] = (
        (wish.memory, "peak", peak),
        (wish.layers, "layers", layer_times),
        (wish.energy, "energy", energy),
    )
    for wished, name, measure in asked:
        if wished:
            try:
                candidate = replace(candidate, **{name: measure(entry)})
            except StepFailed as error:
                left.append(str(error))
    if wish.limit_bytes:
        candidate = replace(candidate, limited=under_limit(entry, wish.limit_bytes, wish.cpus))
    return candidate


def here() -> dict[str, Any]:
    """What makes two machines one to a result's key: nothing that a restart changes."""
    found = machine()
    return {"cpu": found.cpu, "flags": list(found.flags), "cores": found.cores, "system": found.system.split()[0]}


def time_files(ctx: Context) -> None:
    """bench.json; tolerant: a file that was not made is not timed."""
    reference, rounds = ctx.params["reference"], ctx.params["rounds"]
    files = [entry(folder / "model.onnx", role) for role, folder in ctx.inputs.items() if role != "before"]
    if reference not in {f.name for f in files}:
        raise StepFailed(f"nothing to compare times with: '{reference}' was not exported")
    effort = Effort(rounds, max(min(PROCESSES, rounds // FEW), 2), STUDY_SECONDS)
    found = measured(files, reference=reference, effort=effort, progress=ctx.progress)
    dump(found, ctx.out / "bench.json")
