"""Do the steps of a plan: make what is missing, keep what is there, go past what fails.

Several processes may walk one plan at once, and several studies may share one store: each takes the first step that is
ready and that nobody else holds, so they help one another. All they know of each other is the store.
"""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from secateur import catalogue, ledger
from secateur.budget import Estimate
from secateur.errors import is_disk_full
from secateur.files import dump, why_failed
from secateur.plan import given
from secateur.records import Outcome, Step
from secateur.settings import Study
from secateur.steps import STEPS
from secateur.store import Store, key

TOOK = "seconds.txt"  # in every result: what making it cost


OPENS = ("evaluate", "robustness")  # test photos
LAST = ("bench", "evaluate", "robustness", "collect")  # not before it is known which networks there are
WAITS = {
    "rival": tuple(kind for kind in STEPS if kind not in (*LAST, "rival")),
    "evaluate": ("choose", "bench"),
    "robustness": ("choose", "bench"),
    "bench": tuple(kind for kind in STEPS if kind not in LAST),
}


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


def key_of(step: Step, inputs: Mapping[str, str]) -> str:
    """Of a step, from the keys of its inputs; with the versions of the libraries that its kind names."""
    row = STEPS[step.kind]
    versions = {name: importlib.metadata.version(name) for name in (*row.libraries, *_converter(step))}
    local = catalogue.load("secateur.steps.bench:here")() if row.local else None
    return key(step.kind, row.version, dict(step.params) | {"libraries": versions or None, "machine": local}, inputs)


def _converter(step: Step) -> tuple[str, ...]:
    """The package that writes the form of file which a step makes or checks."""
    name = step.params.get("format", "") if step.kind in ("convert", "parity") else ""
    package = catalogue.export(name).package if name else ""
    return (package,) if package else ()


def planned_keys(steps: list[Step], keys: Mapping[str, str]) -> list[str]:
    """Of every result that a plan will make, if nothing fails: what must not be freed while it runs."""
    return sorted(_planned(steps, keys).values())


def look_of(steps: list[Step], keys: Mapping[str, str]) -> str:
    """The key of a plan as a look at test photos; "" for one that opens none."""
    known = _planned(steps, keys)
    own = [known[s.id] for s in steps if s.kind == OPENS[0]]
    return ledger.key_of_plan(own) if own else ""


def _planned(steps: list[Step], keys: Mapping[str, str]) -> dict[str, str]:
    known = dict(keys)
    for step in steps:
        known[step.id] = key_of(step, {role: known[i] for role, i in step.inputs.items()})
    return known


class Walk:
    """One walk over a plan. `keys` begins with those of what is given and grows with every finished step. `before`: how
    steps of this plan ended in a walk over a part of it. `kinds`: of what else is there, in `keys`, when it begins.
    `helpers`: processes that walk it as well: to wait for one of them is nothing to be told of."""

    def __init__(
        self,
        steps: list[Step],
        keys: dict[str, str],
        store: Store,
        home: Path,
        watcher: Watcher,
        before: Iterable[Outcome] = (),
        kinds: Mapping[str, str] | None = None,
        helpers: Collection[int] = (),
    ) -> None:
        self.helpers = helpers
        self.steps, self.keys, self.store, self.home, self.watcher = steps, keys, store, home, watcher
        self.kinds = {name: given(name) for name in keys if given(name)} | {s.id: s.kind for s in steps}
        self.kinds = dict(kinds or {}) | self.kinds
        self.outcomes = {outcome.id: outcome for outcome in before}
        self.places = {step.id: i for i, step in enumerate(steps)}
        self.searches = [i for i, step in enumerate(steps) if step.kind == "search"]
        self.noted: set[Path] = set()  # the splits whose test photos this plan is known to open

    def run(self, record: bool = True) -> tuple[Outcome, ...]:
        """Until every step has an outcome; `record`: keep outcomes.json in the run's folder up to date."""
        while len(self.outcomes) < len(self.steps):
            if not self._round(record, wait=False):
                self._round(record, wait=True)  # all that is left is in other hands, or needs what is
        outcomes = tuple(self.outcomes[s.id] for s in self.steps)
        if record:
            dump(outcomes, self.home / "outcomes.json")
        return outcomes

    def _round(self, record: bool, wait: bool) -> bool:
        """Every step that is ready and free, in order; with `wait`, the first one once its holder is done."""
        progress = False
        for number, step in enumerate(self.steps, start=1):
            if step.id in self.outcomes or not self._ready(step):
                continue
            self.watcher.began(step.title, number, len(self.steps))
            outcome = self._tried(step, wait)
            if outcome is None:
                continue
            self.outcomes[step.id] = outcome
            if outcome.state in ("made", "found"):
                self.keys[step.id] = outcome.key
            self.watcher.ended(outcome)
            progress = True
            if record and outcome.state != "found":
                done = tuple(self.outcomes[s.id] for s in self.steps if s.id in self.outcomes)
                dump(done, self.home / "outcomes.json")
            if wait:
                return True
        return progress

    def _ready(self, step: Step) -> bool:
        """Its inputs have outcomes. No test photo is opened before every choice was made; and while files are timed
        nothing else is under way: all that comes before has ended, and what comes after waits."""
        if not self._in_turn(step):
            return False
        waits_for = WAITS.get(step.kind, ())
        if any(s.kind in waits_for and s.id not in self.outcomes for s in self.steps):
            return False
        return all(i in self.outcomes or i not in self.places for i in step.inputs.values())

    def _in_turn(self, step: Step) -> bool:
        """A search times files while steps are still to come: it has the machine to itself, what stands before it in
        the plan has ended, and what stands behind it waits."""
        at = self.places[step.id]
        if step.kind == "search":
            return all(s.id in self.outcomes for s in self.steps[:at])
        return all(self.steps[i].id in self.outcomes for i in self.searches if i < at)

    def _tried(self, step: Step, wait: bool) -> Outcome | None:
        """A step that fails, however it does, costs itself and what needs it. A full disk alone ends the study: no
        other step would fare better. What a whole study lacks is said before it walks."""
        try:
            return self._one(step, wait)
        except Exception as error:
            if is_disk_full(error):
                raise
            return Outcome(step.id, step.kind, step.title, "failed", why=why_failed(error, step.id, self.home))

    def _one(self, step: Step, wait: bool) -> Outcome | None:
        """None: another process is making it."""
        row = STEPS[step.kind]
        gone = [i for i in step.inputs.values() if i not in self.keys]
        if gone and not row.tolerant:
            return Outcome(step.id, step.kind, step.title, "skipped", why=f"needs '{gone[0]}', which is not there")
        inputs = {role: i for role, i in step.inputs.items() if i in self.keys}
        name = key_of(step, {role: self.keys[i] for role, i in inputs.items()})
        found = Outcome(step.id, step.kind, step.title, "found", name)
        if self.store.has(step.kind, name):
            return self._found(found)

        def waiting(who: str) -> None:
            if not any(who.startswith(f"process {helper},") for helper in self.helpers):
                self.watcher.say(f"waiting for another study ({who}), which is making this: {step.title}")

        with self.store.working(name, wait, waiting) as work:
            if work is None:
                return None
            if self.store.has(step.kind, name):  # the one we waited for, or met, has just made it
                self.store.done(name)
                return self._found(found)
            folders = {role: self.store.folder(self.kinds[i], self.keys[i]) for role, i in inputs.items()}
            self._note(step, folders)
            try:
                self._make(step, name, folders, work)
            except Exception as error:
                if is_disk_full(error):
                    raise
                return replace(found, state="failed", why=why_failed(error, step.id, self.home))
            self.store.done(name)
        return replace(self._found(found), state="made")

    def _note(self, step: Step, folders: Mapping[str, Path]) -> None:
        """That this plan is about to open test photos, once a split."""
        if step.kind not in OPENS or "split" not in folders or folders["split"] in self.noted:
            return
        plan = look_of(self.steps, self.keys)
        photos = ledger.test_photos(folders["snapshot"], folders["split"])
        if ledger.note(self.store, photos, plan, f"run {self.home.name}").damaged:
            self.watcher.say(f"{self.store.looks}: looks at test photos are counted as far as a damaged ledger says")
        self.noted.add(folders["split"])

    def _found(self, outcome: Outcome) -> Outcome:
        """With the seconds that making it took, whenever and by whomever it was made."""
        took = self.store.folder(outcome.kind, outcome.key) / TOOK
        try:
            return replace(outcome, seconds=float(took.read_text(encoding="utf-8")))
        except (OSError, ValueError):  # of an older release, or torn: the result is there all the same
            return outcome

    def _make(self, step: Step, name: str, inputs: Mapping[str, Path], work: Path) -> None:
        """Its files, whole or not at all. Raises whatever the step does."""
        context = catalogue.load("secateur.steps.context:Context")
        with self.store.making(step.kind, name) as out:
            function = catalogue.load(STEPS[step.kind].where)
            began = time.monotonic()
            function(context(step.params, inputs, out, work, self.watcher.progress))
            (out / TOOK).write_text(f"{time.monotonic() - began:.3f}", encoding="utf-8")
