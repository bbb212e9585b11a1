"""A whole study: photos, size, plan, steps, results."""

from __future__ import annotations

import datetime
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from secateur import __version__, catalogue, ledger, prepare
from secateur.arms import is_transfer
from secateur.budget import estimate, expected
from secateur.chains import packed
from secateur.checking import SNAPSHOT
from secateur.crew import crew
from secateur.detectable import can_show
from secateur.engine import LAST, OPENS, Silent, Walk, Watcher, look_of, planned_keys
from secateur.errors import StepFailed, UserError, is_disk_full
from secateur.files import dump, read, why_failed
from secateur.handing import hand_over, not_made, with_failed
from secateur.plan import given, missing_controls, plan
from secateur.quantities import in_bytes, milliseconds
from secateur.records import Choice, Limits, Looks, Outcome, Results, Rival, Snapshot, Step
from secateur.resolve import settle
from secateur.settings import Study, networks
from secateur.sizing import sized
from secateur.store import KEYS, Store


def run(request: Study, runs: Path, *, watcher: Watcher | None = None, command: str = "", jobs: int = 1) -> Results:
    """Do a whole study and write results.json into its run folder. What is already there is not made again.

    `jobs` processes share the steps, the cores divided among them.

    Raises UserError for the user's mistakes, before anything is trained, and for a full disk; nothing that was
    finished is lost. Whatever else fails costs itself alone, and stands in the outcomes.
    """
    watcher = watcher or Silent()
    store = Store(runs)
    with _disk_full_is_said(runs):
        study = settle(request, jobs)
        home = store.begin(study.name)
        if any(is_transfer(net) for net in networks(study)):
            watcher.began("fetching the weights", 0, 0)
        begun = prepare.given(study, store)  # first: nobody should wait for a scan to be told that there are none
        watcher.began("reading the photos", 0, 0)
        scanned = prepare.photos(study, store, lambda done, total: watcher.progress(done, total, "photos"))
        _can_be_split(study, scanned)
        prepare.same_classes(study, scanned)
        study, costs, notes = sized(study, request, home, scanned, jobs, watcher)
        snapshot = scanned
        if study.photos and study.photos < len(scanned.photos):
            snapshot = catalogue.load("secateur.data.dealing:subset")(scanned, study.photos, study.split_seed)
        steps = plan(study)
        likely = expected(study)
        rows = estimate(likely, costs, len(snapshot.photos), study.fractions)
        notes = (*notes, *filter(None, [can_show(study, len({p.group for p in snapshot.photos}))]))
        notes = (*notes, *prepare.remarks(snapshot.problems))
        watcher.planned(study, likely, rows, (*notes, snapshot.taken.said()) if snapshot.taken else notes)
        keys = {SNAPSHOT: prepare.keep(snapshot, store)} | begun
        steps, rivals, before, lost = _decided(steps, study, runs, keys, jobs, watcher)
        dump(planned_keys(steps, keys), home / KEYS)
        with crew(steps, study.name, runs, keys, jobs) as helpers:
            outcomes = Walk(steps, keys, store, home, watcher, before, helpers=helpers).run()
        outcomes += lost
        results = _results(study, snapshot, store, keys, (steps, outcomes), notes, command, rivals)
        results = replace(results, looks=_looks(steps, store, home, keys, outcomes, watcher))
        dump(results, home / "results.json")
        small = {config for net in networks(study) for config in packed(net)}
        gone = hand_over(results, store, keys, home, small)
        if gone:
            results = replace(results, outcomes=(*outcomes, *gone))
            dump(results, home / "results.json")
    return results


Decided = tuple[list[Step], tuple[Rival, ...], tuple[Outcome, ...], tuple[Outcome, ...]]


def _decided(steps: list[Step], study: Study, runs: Path, keys: dict[str, str], jobs: int, watcher: Watcher) -> Decided:
    """The plan with what validation chose and what that is to be held against in it, those rivals, how the steps that
    say so ended, and what was lost between both walks. `keys` grows. Nothing is done where the plan does not depend on
    it."""
    store, name = Store(runs), study.name
    deciding = [s for s in steps if s.kind in ("rival", "choose")] if study.controls else []
    if not deciding:
        return steps, (), (), ()
    before = [s for s in steps if s.kind not in LAST]
    dump(planned_keys(steps, keys), store.run(name) / KEYS)
    with crew(before, name, runs, keys, jobs) as helpers:
        outcomes = Walk(before, keys, store, store.run(name), watcher, helpers=helpers).run()
    lost: list[Outcome] = []
    rivals: list[Rival] = []
    choices: list[Choice] = []
    for step in (s for s in deciding if s.id in keys):
        file = store.folder(step.kind, keys[step.id]) / f"{step.kind.replace('choose', 'choice')}.json"
        try:
            found: Any = read(Rival if step.kind == "rival" else Choice, file)
            plan(study, *(((found,), ()) if step.kind == "rival" else ((), (found,))))
        except Exception as error:
            lost.append(_lost(f"plan/{step.id}", f"what follows from: {step.title}", error, store.run(name)))
            continue
        (rivals if step.kind == "rival" else choices).append(found)
    return plan(study, rivals, choices), tuple(rivals), outcomes, tuple(lost)


def _lost(id: str, title: str, error: Exception, home: Path) -> Outcome:
    """Of what is no step of the plan, and failed: it costs itself alone, too. Raises `error` where the disk is full."""
    if is_disk_full(error):
        raise error
    return Outcome(id, id.split("/")[0], title, "failed", why=why_failed(error, id, home))


def _can_be_split(study: Study, snapshot: Snapshot) -> None:
    """Raises UserError for too few photos now, not after minutes of probing and decoding."""
    split = catalogue.load("secateur.data.split:split")
    split(snapshot, rule=study.split, fractions=study.fractions, seed=study.split_seed)


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


def _looks(
    steps: list[Step],
    store: Store,
    home: Path,
    keys: Mapping[str, str],
    outcomes: tuple[Outcome, ...],
    watcher: Watcher,
) -> Looks | None:
    """At the test photos. A plan whose figures were all there already has seen them as well: it stands in the ledger
    from now on, which also counts runs that were made before there was one."""
    if not any(o.kind in OPENS and o.state in ("made", "found") for o in outcomes):
        return None
    try:
        photos = ledger.test_photos(store.folder("snapshot", keys[SNAPSHOT]), store.folder("split", keys["split"]))
        return ledger.note(store, photos, look_of(steps, keys), f"run {home.name}")
    except Exception as error:
        lost = _lost("looks", "count the looks at test photos", error, home)
        watcher.say(f"looks at test photos could not be counted: {lost.why}")
        return None


def _results(
    study: Study,
    snapshot: Snapshot,
    store: Store,
    keys: Mapping[str, str],
    done: tuple[list[Step], tuple[Outcome, ...]],
    notes: tuple[str, ...],
    command: str,
    rivals: tuple[Rival, ...],
) -> Results:
    steps, outcomes = done
    collected, without = _collected(study, steps, store, keys, outcomes)
    notes = notes + without
    machine = catalogue.load("secateur.measure.machine:machine")()
    of_the_split = tuple(p for p in collected.data.problems if p.what in ("large group", "straddles"))
    problems = snapshot.problems + of_the_split  # paths may have moved since the other ones were collected
    data = replace(collected.data, folder=snapshot.root, problems=problems, ties=snapshot.ties, taken=snapshot.taken)
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
        benches=collected.benches,
        harm=collected.harm,
        searches=collected.searches,
        scans=collected.scans,
        rankings=collected.rankings,
        exports=with_failed(collected.exports, outcomes),
        claims=collected.claims,
        weighed=collected.weighed,
        rivals=collected.rivals,
        limits=Limits(in_bytes(study.max_size), milliseconds(study.max_latency), in_bytes(study.max_memory)),
        missing_controls=missing_controls(study, rivals) + not_made(collected.summaries, outcomes),
        outcomes=outcomes,
        notes=notes,
        published=published,
    )


def _collected(
    study: Study, steps: list[Step], store: Store, keys: Mapping[str, str], outcomes: tuple[Outcome, ...]
) -> tuple[Any, tuple[str, ...]]:
    """What the step `collect` found; where it failed, all of its parts that can be had, and which cannot. Raises
    StepFailed where there is nothing to report."""
    kind = catalogue.load("secateur.steps.judge:Collected")
    if "collect" in keys:
        return read(kind, store.folder("collect", keys["collect"]) / "collected.json"), ()
    failed = [o for o in outcomes if o.state == "failed"] or list(outcomes)
    if "split" not in keys:
        raise StepFailed(f"nothing to report: step '{failed[0].id}' {failed[0].state}: {failed[0].why}")
    step = next(s for s in steps if s.kind == "collect")
    kinds = {s.id: s.kind for s in steps}
    inputs = {r: store.folder(kinds.get(i, given(i)), keys[i]) for r, i in step.inputs.items() if i in keys}
    found: tuple[Any, tuple[str, ...]] = catalogue.load("secateur.steps.judge:parts_of")(step.params, inputs)
    return found


def _commit() -> str:
    """Of the checkout that this package runs from; empty where it was installed without one."""
    where = Path(__file__).resolve().parent
    try:
        command = ["git", "-C", str(where), "rev-parse", "--short=12", "HEAD"]
        answer = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
