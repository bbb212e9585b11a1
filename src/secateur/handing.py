"""What a finished study hands over: the files that a user would take, and what became of those that were asked for."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from secateur import beside, catalogue, writing
from secateur.arms import title
from secateur.errors import is_disk_full
from secateur.files import why_failed
from secateur.limits import picks
from secateur.records import Exported, Outcome, Results, Summary
from secateur.safe_names import safe_name
from secateur.store import Store

TURNS = 64  # tries to put a folder where others put theirs


def with_failed(made: Iterable[Exported], outcomes: Iterable[Outcome]) -> tuple[Exported, ...]:
    """Files in further forms, with the reason of each that was not made or does not answer as it should."""
    found = {f"{e.config}/seed{e.seed}@{e.format}": e for e in made}
    for outcome in outcomes:
        kind, _, at = outcome.id.partition("/")
        if kind not in ("convert", "parity") or "@" not in at or outcome.state in ("made", "found"):
            continue
        name, _, form = at.rpartition("@")
        config, _, seed = name.rpartition("/seed")
        known = found.get(at, Exported(config, int(seed), form))
        found[at] = replace(known, why=known.why or outcome.why)
    return tuple(found.values())


def not_made(summaries: Iterable[Summary], outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """INT8 files that a decision about files lacks, each once with its reason: one that could not be written, and one
    that does not answer as it should."""
    names = {s.config: s.name for s in summaries}
    found: dict[str, str] = {}
    for outcome in outcomes:
        kind, _, name = outcome.id.partition("/")
        config, _, seed = name.rpartition("/seed")
        if outcome.state != "failed" or "@" in name or (kind != "quantize" and config not in names):
            continue
        if kind == "quantize":
            found.setdefault(title(config), f"was not written (seed {seed}): {outcome.why}")
        elif kind == "parity" and any(s.config == config and s.form == "int8" for s in summaries):
            found.setdefault(names[config], f"was not accepted (seed {seed}): {outcome.why}")
    return tuple(f"{name}: its file {why}" for name, why in found.items())


def hand_over(
    results: Results, store: Store, keys: Mapping[str, str], home: Path, small: set[str]
) -> tuple[Outcome, ...]:
    """RUN/models/: the ONNX files a user would take, by name: dense ones, what validation chose of each method, and
    what is picked within the limits; of several seeds, the one that did best on validation. `small`: packed, too.
    What was measured of each lies beside them, in figures.json: they know it wherever they are taken with that.

    What could not be put there, each with its reason. Raises OSError where the disk is full.
    """
    fresh = home / f".models-{uuid.uuid4().hex[:8]}"
    fresh.mkdir()
    try:
        lost = _copy(results, store, keys, fresh, small)
        put(fresh, home / "models")
    finally:
        shutil.rmtree(fresh, ignore_errors=True)  # where a copy failed, on a full disk for one
    return tuple(lost)


def _copy(results: Results, store: Store, keys: Mapping[str, str], fresh: Path, small: set[str]) -> list[Outcome]:
    lost: list[Outcome] = []
    within = {pick.config for pick in picks(results)}
    for summary in results.summaries:
        own = [m for m in results.models if m.config == summary.config]
        best = max(own, key=lambda m: m.val_accuracy)
        kind = "quantize" if best.id.startswith("quantize/") else "export"
        exported = f"{kind}/{best.config}/seed{best.seed}"
        stay = summary.role in ("dense", "quantized") or (
            summary.role == "control" and not summary.method
        )  # trained on
        wanted = summary.chosen or stay or summary.config in within
        if wanted and exported in keys:
            several = len({s.backbone for s in results.summaries}) > 1
            name = summary.config.replace("/", "-") if several else summary.config.split("/", 1)[1].replace("/", "-")
            model = store.folder(kind, keys[exported]) / "model.onnx"
            name = safe_name(name)
            measured = beside.trained(results, best)
            shapes: dict[str, Callable[[Path, Path], Any]] = {f"{name}.onnx": shutil.copy}
            if summary.config in small:
                shapes[f"{name}.packed"] = _pack
            for file, make in shapes.items():
                try:
                    make(model, fresh / file)
                    beside.keep(fresh / file, measured)  # packed: the same numbers, every one
                except Exception as error:  # of one file; whatever packs it may raise its own
                    if is_disk_full(error):
                        raise
                    (fresh / file).unlink(missing_ok=True)
                    why = why_failed(error, f"models/{file}", fresh.parent)
                    lost.append(Outcome(f"models/{file}", "models", f"hand over {file}", "failed", why=why))
    return lost


def _pack(model: Path, target: Path) -> None:
    target.write_bytes(catalogue.load("secateur.forms.packing:pack")(model.read_bytes()).content)


def put(fresh: Path, folder: Path) -> None:
    """`fresh` takes the place of `folder`, whatever another run of the same study puts there at the same moment."""
    for turn in range(TURNS):
        old = fresh.with_name(f"{fresh.name}-old{turn}")
        with suppress(OSError):  # none yet, or another run has just moved it
            writing.move(folder, old)
        try:
            writing.move(fresh, folder)
            return
        except OSError:
            if turn == TURNS - 1:
                raise
        finally:
            shutil.rmtree(old, ignore_errors=True)
