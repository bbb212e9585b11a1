"""A whole study: photos, size, plan, steps, results."""

from __future__ import annotations

import datetime
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from secateur import __version__, catalogue, prepare
from secateur.budget import Costs, estimate, shrink
from secateur.crew import crew
from secateur.engine import Silent, Walk, Watcher, is_disk_full
from secateur.errors import UserError
from secateur.files import dump, read
from secateur.plan import SNAPSHOT, missing_controls, plan
from secateur.records import Outcome, Results, Snapshot
from secateur.resolve import settle
from secateur.settings import Study
from secateur.store import Store, key


def run(request: Study, runs: Path, *, watcher: Watcher | None = None, command: str = "", jobs: int = 1) -> Results:
    """Do a whole study and write results.json into its run folder. What is already there is not made again.

    `jobs` processes share the steps, the cores divided among them.

    Raises UserError for the user's mistakes, a full disk among them; nothing that was finished is lost.
    """
    watcher = watcher or Silent()
    store = Store(runs)
    with _disk_full_is_said(runs):
        study = settle(request)
        home = store.run(study.name)
        home.mkdir(parents=True, exist_ok=True)
        watcher.began("reading the photos", 0, 0)
        scanned = prepare.photos(study, store, lambda done, total: watcher.progress(done, total, "photos"))
        _can_be_split(study, scanned)
        study, costs, notes = _sized(study, request, store, home, scanned, watcher)
        snapshot = scanned
        if study.photos and study.photos < len(scanned.photos):
            snapshot = catalogue.load("secateur.data.dealing:subset")(scanned, study.photos, study.split_seed)
        steps = plan(study)
        rows = estimate(steps, costs, len(snapshot.photos), study.fractions)
        watcher.planned(study, steps, rows, notes)
        keys = {SNAPSHOT: prepare.keep(snapshot, store)}
        with crew(study, runs, keys, jobs):
            outcomes = Walk(steps, keys, store, home, watcher).run()
        results = _results(study, snapshot, store, keys, outcomes, notes, command)
        dump(results, home / "results.json")
    return results


def _can_be_split(study: Study, snapshot: Snapshot) -> None:
    """Raises UserError for too few photos now, not after minutes of probing and decoding."""
    split = catalogue.load("secateur.data.split:split")
    split(snapshot, rule=study.split, fractions=study.fractions, seed=study.split_seed)


def _sized(
    study: Study, request: Study, store: Store, home: Path, snapshot: Snapshot, watcher: Watcher
) -> tuple[Study, Costs, tuple[str, ...]]:
    """The study shrunk to its budget. A run that was begun keeps the size it was given: it resumes."""
    costs = _costs(study, store, len(snapshot.classes), watcher)
    asked = request.model_dump(mode="json")
    path = home / "sized.json"
    if path.is_file():
        before = read(dict[str, Any], path)
        if before.get("asked") == asked and before.get("photos") == len(snapshot.photos):
            return Study(**before["study"]), costs, tuple(before["notes"])
    study, notes = shrink(study, costs, len(snapshot.photos), len(snapshot.classes))
    sized = {"asked": asked, "photos": len(snapshot.photos), "study": study.model_dump(mode="json"), "notes": notes}
    dump(sized, path)
    return study, costs, tuple(notes)


def probed(study: Study, runs: Path, classes: int) -> Costs:
    """What this machine costs, for an estimate without a run."""
    return _costs(study, Store(runs), classes, Silent())


def _costs(study: Study, store: Store, classes: int, watcher: Watcher) -> Costs:
    """From a probe of this machine, made once for a kind of network and kept."""
    machine = catalogue.load("secateur.measure.machine:machine")()
    params = {
        "backbone": study.backbone,
        "classes": classes,
        "px": study.input_px,
        "recipe": study.recipe,
        "precision": study.precision,
        "device": study.device,
        "cpu": machine.cpu,
        "cores": machine.cores,
    }
    name = key("probe", 1, params, {})
    if not store.has("probe", name):
        watcher.began("probing this machine", 0, 0)
        catalogue.load("secateur.steps.probe:check_layers")(study, classes)
        made = catalogue.load("secateur.steps.probe:probe")(study, classes)
        with store.making("probe", name) as folder:
            dump(made, folder / "probe.json")
    return read(Costs, store.folder("probe", name) / "probe.json")


@contextmanager
def _disk_full_is_said(runs: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not is_disk_full(error):
            raise
        raise UserError(
            f"the disk that holds {runs} is full; nothing finished is lost: free some space "
            "(`secateur gc` may help) and run the same command again"
        ) from error


def _results(
    study: Study,
    snapshot: Snapshot,
    store: Store,
    keys: Mapping[str, str],
    outcomes: tuple[Outcome, ...],
    notes: tuple[str, ...],
    command: str,
) -> Results:
    if "collect" not in keys:
        failed = next(o for o in outcomes if o.state == "failed")
        raise UserError(f"nothing to report: step '{failed.id}' failed: {failed.why}")
    file = store.folder("collect", keys["collect"]) / "collected.json"
    collected = read(catalogue.load("secateur.steps.judge:Collected"), file)
    machine = catalogue.load("secateur.measure.machine:machine")()
    data = replace(collected.data, folder=snapshot.root, problems=snapshot.problems)
    said = study.model_dump(mode="json")
    published = said.pop("published")
    return Results(
        name=study.name,
        study=said,
        command=command,
        version=__version__,
        commit=_commit(),
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        data=data,
        machine=machine,
        models=collected.models,
        summaries=collected.summaries,
        choices=collected.choices,
        comparisons=collected.comparisons,
        missing_controls=missing_controls(study),
        outcomes=outcomes,
        notes=notes,
        published=published,
    )


def _commit() -> str:
    """Of the checkout that this package runs from; empty where it was installed without one."""
    where = Path(__file__).resolve().parent
    try:
        answer = subprocess.run(
            ["git", "-C", str(where), "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
