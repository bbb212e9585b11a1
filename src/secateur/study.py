"""Run a plan: make what is missing, keep what is there, go past what fails."""

from __future__ import annotations

import datetime
import errno
import subprocess
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from secateur import __version__, catalogue, prepare
from secateur.budget import Costs, Estimate, estimate, shrink
from secateur.errors import StepFailed, UserError
from secateur.files import dump, read
from secateur.plan import SNAPSHOT, missing_controls, plan
from secateur.records import Outcome, Results, Snapshot, Step
from secateur.resolve import settle
from secateur.settings import Study
from secateur.steps import STEPS
from secateur.store import Store, key


class Watcher(Protocol):
    """Who is told how a study goes. The command line draws it; a test may listen."""

    def planned(self, study: Study, steps: list[Step], rows: list[Estimate], notes: tuple[str, ...]) -> None: ...
    def began(self, what: str, number: int, of: int) -> None: ...
    def progress(self, done: float, total: float, note: str) -> None: ...
    def ended(self, outcome: Outcome) -> None: ...
    def say(self, words: str) -> None: ...


class Silent:
    """Tells nobody."""

    def planned(self, study: Study, steps: list[Step], rows: list[Estimate], notes: tuple[str, ...]) -> None: ...
    def began(self, what: str, number: int, of: int) -> None: ...
    def progress(self, done: float, total: float, note: str) -> None: ...
    def ended(self, outcome: Outcome) -> None: ...
    def say(self, words: str) -> None: ...


def run(request: Study, runs: Path, *, watcher: Watcher | None = None, command: str = "") -> Results:
    """Do a whole study and write results.json into its run folder. What is already there is not made again.

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
        study, costs, notes = _sized(study, request, store, home, scanned, watcher)
        snapshot = scanned
        if study.photos and study.photos < len(scanned.photos):
            snapshot = catalogue.load("secateur.data.dealing:subset")(scanned, study.photos, study.split_seed)
        steps = plan(study)
        rows = estimate(steps, costs, len(snapshot.photos), study.fractions)
        watcher.planned(study, steps, rows, notes)
        keys = {SNAPSHOT: prepare.keep(snapshot, store)}
        outcomes = _all(steps, keys, store, home, watcher)
        results = _results(study, snapshot, store, keys, tuple(outcomes), notes, command)
        dump(results, home / "results.json")
    return results


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


def _all(steps: list[Step], keys: dict[str, str], store: Store, home: Path, watcher: Watcher) -> list[Outcome]:
    outcomes: list[Outcome] = []
    kinds = {SNAPSHOT: SNAPSHOT} | {s.id: s.kind for s in steps}
    for number, step in enumerate(steps, start=1):
        watcher.began(step.title, number, len(steps))
        outcome = _one(step, keys, kinds, store, home, watcher)
        if outcome.state in ("made", "found"):
            keys[step.id] = outcome.key
        outcomes.append(outcome)
        watcher.ended(outcome)
        if outcome.state != "found":
            dump(tuple(outcomes), home / "outcomes.json")
    dump(tuple(outcomes), home / "outcomes.json")
    return outcomes


def _one(
    step: Step, keys: Mapping[str, str], kinds: Mapping[str, str], store: Store, home: Path, watcher: Watcher
) -> Outcome:
    row = STEPS[step.kind]
    gone = [i for i in step.inputs.values() if i not in keys]
    if gone and not row.tolerant:
        return Outcome(step.id, step.kind, step.title, "skipped", why=f"needs '{gone[0]}', which is not there")
    inputs = {role: i for role, i in step.inputs.items() if i in keys}
    name = key(step.kind, row.version, step.params, {role: keys[i] for role, i in inputs.items()})
    found = Outcome(step.id, step.kind, step.title, "found", name)
    if store.has(step.kind, name):
        return found
    began = time.monotonic()
    with store.working(name, lambda who: watcher.say(f"waiting for {who}: it is making {step.id}")) as work:
        if store.has(step.kind, name):
            return found
        folders = {role: store.folder(kinds[i], keys[i]) for role, i in inputs.items()}
        try:
            with store.making(step.kind, name) as out:
                context = catalogue.load("secateur.steps.context:Context")
                catalogue.load(row.where)(context(step.params, folders, out, work, watcher.progress))
        except UserError:
            raise
        except Exception as error:
            if _is_disk_full(error):
                raise
            return Outcome(step.id, step.kind, step.title, "failed", name, _why(error, step, home))
        store.done(name)
    return replace(found, state="made", seconds=time.monotonic() - began)


def _why(error: Exception, step: Step, home: Path) -> str:
    """One line for the report. A reason of the step's own is enough; for a bug the traceback is kept beside."""
    if isinstance(error, StepFailed):
        return str(error)
    file = home / "errors" / f"{step.id.replace('/', '_')}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    first = str(error).strip().splitlines()
    return f"{type(error).__name__}: {first[0] if first else 'no message'} (errors/{file.name})"


def _is_disk_full(error: BaseException) -> bool:
    """torch and safetensors wrap the system's error in their own."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return True
    return "No space left on device" in str(error) or "os error 28" in str(error)


@contextmanager
def _disk_full_is_said(runs: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not _is_disk_full(error):
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
