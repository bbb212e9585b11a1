"""How a running study is shown: a live line on a terminal, a line a step elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from secateur.arms import Way, arm_id, arms, is_transfer, percent, recipe_for, targets, title, ways
from secateur.budget import Estimate, describe
from secateur.chains import links
from secateur.cli.common import STOP, duration, mebibytes
from secateur.plan import plan
from secateur.records import Outcome, Step
from secateur.report.formats import plural
from secateur.report.names import shortened
from secateur.report.retold import config_of
from secateur.report.terminal import plain
from secateur.settings import Study, networks

QUIET_SECONDS = 30.0  # between two lines about the same step, where there is no terminal


class Shown:
    """A watcher for people."""

    def __init__(self, console: Console) -> None:
        self.console = console
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.fields[note]}"))
        self.bars = Progress(*columns, TimeRemainingColumn(), console=console, transient=True)
        self.task = self.bars.add_task("", total=None, note="")
        self.title, self.last = "", 0.0
        self.totals: Counter[str] = Counter()
        self.named: Callable[[str], str] = lambda words: words
        if console.is_terminal:
            self.bars.start()

    def planned(self, study: Study, steps: list[Step], rows: list[Estimate], notes: tuple[str, ...]) -> None:
        self.named = _named(steps)
        print_plan(self.console, study, steps, rows, notes)

    def began(self, what: str, number: int, of: int) -> None:
        what = self.named(what)
        self.title = f"[{number}/{of}] {what}" if of else what
        self.last = time.monotonic()
        text = self.title.replace("[", "\\[")
        self.bars.reset(self.task, total=None, description=text, note="")

    def progress(self, done: float, total: float, note: str) -> None:
        if STOP.is_set():
            raise KeyboardInterrupt
        self.bars.update(self.task, completed=done, total=total, note=note)
        if not self.console.is_terminal and time.monotonic() - self.last > QUIET_SECONDS:
            self.last = time.monotonic()
            share = f"{done / total:.0%}" if total else ""
            self.say(f"{self.title}: {share} {note}")

    def ended(self, outcome: Outcome) -> None:
        self.totals[outcome.state] += 1
        if outcome.state == "found":
            return
        took = f" in {duration(outcome.seconds)}" if outcome.seconds >= 1 else ""
        why = f": {outcome.why}" if outcome.why else ""
        if outcome.state != "made" or outcome.seconds >= 1:
            self.say(f"{self.title}: {outcome.state}{took}{why}")

    def say(self, words: str) -> None:
        self.console.print(words, markup=False)

    def close(self) -> None:
        if self.console.is_terminal:  # elsewhere rich would leave an empty line behind
            self.bars.stop()


def _named(steps: Iterable[Step]) -> Callable[[str], str]:
    """Titles of a plan's steps, and of those that follow from its choices, in the short names of the report."""
    configs = {config for step in steps if (config := config_of(step.id))}
    said = shortened({config: title(config) for config in configs})
    return lambda words: plain(said(words))


def print_plan(
    console: Console, study: Study, steps: list[Step], rows: list[Estimate], notes: tuple[str, ...] = ()
) -> None:
    """What will be done; with minutes, disk and bytes where they were estimated."""
    out = Table(box=None, pad_edge=False, show_header=False)
    out.add_column(style="bold")
    out.add_column()
    photos = f"{study.photos:,} photos, " if study.photos else ""
    lines = [
        ("photos", f"{study.folder or '(none named)'}: {photos}{_px(study)} px, split {study.split}"),
        *(line for net in networks(study) for line in _network(net)),
        ("seeds", ", ".join(str(s) for s in study.seeds)),
    ]
    for name, value in lines:
        out.add_row(name, value.replace("[", "\\["))
    console.print(out)
    kinds = Counter(s.kind for s in steps)
    table = Table(box=None, pad_edge=False)
    for heading in ("step", "times", "each", "in all", "disk", "memory") if rows else ("step", "times"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    for kind, n in kinds.items():
        own = [r for r in rows if r.kind == kind]
        table.add_row(kind, str(n), *(_costs(own) if own else []))
    console.print(table)
    if rows:
        took, disk = sum(r.seconds for r in rows), sum(r.disk_bytes for r in rows)
        memory = max(r.memory_bytes for r in rows)
        console.print(f"about {duration(took)}, {mebibytes(disk)} of disk and {mebibytes(memory)} of memory in all")
    for note in notes:
        console.print(f"note: {note}", markup=False)


def _network(study: Study) -> list[tuple[str, str]]:
    """What is trained, and how, and what is pruned."""
    return [
        *_training(study),
        ("methods", "; ".join(describe(c) for c in study.methods) or "none"),
        ("sparsities", ", ".join(percent(t) for t in _asked(study)) or "none"),
        *[("chain", title(link.config)) for link in links(study) if not link.control],
        ("controls", _controls(study)),
    ]


def _asked(study: Study) -> list[float]:
    """What the methods take away, of whatever each of them counts."""
    return sorted({t for choice in study.methods for t in targets(study, choice)})


def _training(study: Study) -> list[tuple[str, str]]:
    trained_on = [
        f"{plural(_epochs(study, way), 'epoch')}, recipe {way.recipe}" + _WHAT[way.tune] for way in ways(study)
    ]
    retraining = ("retraining", "; ".join(trained_on))
    if study.start:
        return [("network", f"{study.backbone}, from {study.start}"), retraining]
    if not is_transfer(study):
        words = f"{study.backbone}, recipe {study.recipe}, {plural(study.epochs, 'epoch')}, {study.precision}"
        return [("network", words), retraining]
    words = f"{study.backbone}, weights: {study.weights}, {study.pool} pooling, head {study.head}"
    steps = f"{plural(study.epochs, 'epoch')} of the head (recipe {recipe_for(study, study.recipe, 'head')})"
    if study.tune == "all":
        steps += f", then {study.tune_epochs} of all of it"
    return [("network", words), ("training", f"{steps}, {study.precision}"), retraining]


def _px(study: Study) -> str:
    return " and ".join(str(px) for px in dict.fromkeys(net.input_px for net in networks(study)))


_WHAT = {"": "", "head": " (the head)", "all": " (all of the network)"}


def _epochs(study: Study, way: Way) -> int:
    return study.tune_epochs if way.tune == "all" else study.retrain_epochs


def _costs(rows: list[Estimate]) -> list[str]:
    took = sum(r.seconds for r in rows)
    disk = sum(r.disk_bytes for r in rows)
    memory = max(r.memory_bytes for r in rows)
    return [duration(took / len(rows)), duration(took), mebibytes(disk) if disk else "–", mebibytes(memory)]


def _controls(study: Study) -> str:
    if not study.controls:
        return "none: the report can recommend nothing"
    asked = {arm_id(study, c) for c in study.methods}
    own = [arm_id(study, c) for c in arms(study) if arm_id(study, c) not in asked]
    held = ["networks as fast and as small as what is chosen"] if any(s.kind == "rival" for s in plan(study)) else []
    return ", ".join(["dense trained on as long", *own, *held])
