"""`secateur study`: its options are the fields of Study."""

from __future__ import annotations

import inspect
import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from secateur import catalogue, prepare
from secateur.budget import Estimate, estimate, expected, photos_of, shrink
from secateur.cli.common import JSON, RUNS, TRACK, TRACK_TO, console, echo_json, paper
from secateur.cli.helped import MATTERING, Grouped, help_all, looks, matters, panel
from secateur.detectable import can_show
from secateur.drawing import can_track, tracked
from secateur.errors import UserError, first_line
from secateur.files import why_failed
from secateur.plan import plan
from secateur.records import Outcome
from secateur.resolve import bare, run_name, settle
from secateur.settings import Study
from secateur.sizing import refused
from secateur.study_file import demo, make, read

HELP = """Train, prune, retrain, measure and compare; end with one report that says what to deploy.

FOLDER holds class folders of photos, STUDY.toml says everything that flags say, and `demo` is ten animals drawn
into small scenes, for a machine without photos.

The plan is printed before anything runs. Finished steps are kept: the same command goes on where it was
stopped, however it was stopped.
"""


def _options() -> list[inspect.Parameter]:
    """A flag for every field of Study that is one word or a list of words."""
    made = []
    for name, field in Study.model_fields.items():
        if name in ("published", "also"):
            continue
        flag = f"--{name.replace('_', '-')}"
        switch = field.annotation is bool
        flag = f"{flag}/--no-{name.replace('_', '-')}" if switch else flag
        said = field.description or ""
        words = said[:1].upper() + said[1:] + (" (comma-separated)" if isinstance(field.default, tuple) else "")
        kind: Any = bool | None if switch else str | None
        option = typer.Option(
            None, flag, help=words, show_default=False, metavar=looks(field), rich_help_panel=panel(field)
        )
        made.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=option, annotation=kind))
    return made


def _values(given: dict[str, Any]) -> dict[str, Any]:
    """Flags as the plain values a study file would hold."""
    values: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            continue
        if isinstance(Study.model_fields[name].default, tuple) and name != "group_by":  # patterns hold commas
            value = [v.strip() for v in value.split(",") if v.strip()]
        values[name] = value
    return values


def request(what: str, given: dict[str, Any]) -> Study:
    """The study that a command line asks for. Raises UserError."""
    values = _values(given)
    if values.get("folder", prepare.DEMO) != prepare.DEMO:
        values["folder"] = str(Path(values["folder"]).resolve())
    if values.get("labels"):
        values["labels"] = str(Path(values["labels"]).resolve())
    if what == prepare.DEMO:
        return make(demo() | values, "secateur study demo")
    path = Path(what)
    if path.suffix == ".toml":
        study = read(path)
        return make(study.model_dump(mode="json") | values, what)
    if "folder" in values:
        raise UserError(f"--folder is for study files; '{what}' is a folder already")
    name = run_name(path.resolve())
    asked = make({"name": name, "folder": str(path.resolve())} | values, what)
    seen = prepare.glance(asked)
    usual = bare(str(path.resolve()), seen.photos, seen.split, bool(asked.group_by))
    return make({"name": name} | usual | values, what)


def add(app: typer.Typer) -> None:
    """The command."""
    fixed = inspect.signature(_study).parameters
    parameters = [p for p in fixed.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    command: Callable[..., Any] = lambda *args, **kwargs: _study(*args, **kwargs)  # noqa: E731
    command.__signature__ = inspect.Signature([*parameters, *_options()])  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in (*parameters, *_options())}
    epilog = "Example:  secateur study raw-img --input-px 64 --sparsities 0.5,0.7 --budget 2h"
    MATTERING.update({"plan_only", "jobs"} | {name for name, field in Study.model_fields.items() if matters(field)})
    app.command("study", help=HELP, epilog=epilog, cls=Grouped)(command)


def _study(
    what: str = typer.Argument(
        ...,
        metavar="FOLDER|STUDY.toml|demo",
        help="A folder of class folders of photos, a study file, or drawn animals.",
    ),
    plan_only: bool = typer.Option(False, "--plan", help="Print the plan and stop; nothing is read or made."),
    estimated: bool = typer.Option(False, "--estimate", help="With --plan: minutes and disk, from a short probe."),
    jobs: int = typer.Option(
        1, "--jobs", "-j", min=1, metavar="INTEGER", help="Processes that share the steps and the cores."
    ),
    help_everything: bool = help_all(),
    track: list[str] = TRACK,
    track_to: str = TRACK_TO,
    runs: Path = RUNS,
    as_json: bool = JSON,
    **given: Any,
) -> int:
    asked = request(what, given)
    can_track(track, track_to)
    if plan_only:
        return _plan(asked, jobs, estimated, as_json)
    from secateur import studying
    from secateur.cli.answer import facts, of_run, show
    from secateur.cli.watch import Shown
    from secateur.drawing import drawn

    catalogue.load("secateur.report.published:check")(asked.published)
    shown = Shown(console())
    command = "secateur " + shlex.join(sys.argv[1:])
    try:
        results = studying.run(asked, runs, watcher=shown, command=command, jobs=jobs)
    finally:
        shown.close()
    failed = [o for o in results.outcomes if o.state in ("failed", "skipped")]
    page, undrawn = _drawn(drawn, runs, results.name)
    failed += [Outcome("report", "report", "draw the report", "failed", why=undrawn)] if undrawn else []
    if as_json:
        said = facts(of_run(page.parent)) if page.is_file() else None
        files = {"report": str(page), "models": str(page.parent / "models")}
        echo_json(files | {"failed": [asdict(o) for o in failed], "answer": said})
    else:
        for outcome in failed:
            shown.say(f"{outcome.state}: {outcome.id}: {outcome.why}")
        places = {"models": page.parent / "models"}
        if page.is_file():
            show(of_run(page.parent), places | {"report": page})
        else:
            shown.say(f"models: {places['models']}")
    for name in track:
        try:
            shown.say(f"tracked: {tracked(results, page.parent, name, track_to)}")
        except Exception as error:  # of another program: the study is done, and so is its report
            failed.append(Outcome(f"track/{name}", "track", f"log in {name}", "failed", why=first_line(error)))
            shown.say(f"failed: track/{name}: {first_line(error)}")
    return 1 if failed else 0


def _drawn(draw: Callable[[Path, str], tuple[Path, str]], runs: Path, name: str) -> tuple[Path, str]:
    """The page of a run that is done, and what of it could not be drawn: its results and models are there whatever
    becomes of it."""
    try:
        return draw(runs, name)
    except Exception as error:
        home = runs / name
        return home / "report.html", f"{why_failed(error, 'report', home)}; again: secateur report {name}"


def _plan(asked: Study, jobs: int, estimated: bool, as_json: bool) -> int:
    from secateur.cli.watch import print_plan

    if not asked.folder:
        raise UserError("the study names no folder of photos: set `folder`")
    seen = prepare.glance(asked)
    settled = settle(asked, jobs)
    refused(settled, max(len(seen.classes), 2))
    rows: list[Estimate] = []
    notes: tuple[str, ...] = ()
    if estimated:
        from secateur.engine import Silent
        from secateur.sizing import probed

        costs = probed(settled, len(seen.classes), Silent())
        settled, said = shrink(settled, costs, seen.photos, len(seen.classes), jobs)
        notes = tuple(said)
        rows = estimate(expected(settled), costs, photos_of(settled, seen.photos), settled.fractions)
    notes = (*notes, *filter(None, [can_show(settled, photos_of(settled, seen.photos))]), *seen.remarks)
    notes += (seen.taken.said(),) if seen.taken else ()
    if as_json:
        made = {"study": settled.model_dump(mode="json"), "steps": [asdict(s) for s in plan(settled)]}
        echo_json(made | {"estimates": [asdict(r) for r in rows], "notes": list(notes)})
        return 0
    print_plan(paper(), settled, expected(settled), rows, notes)
    return 0
