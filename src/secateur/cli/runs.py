"""`secateur report`, `secateur runs` and `secateur gc`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import typer

from secateur.cli.common import JSON, RUNS, TRACK, TRACK_TO, console, echo_json, mebibytes
from secateur.drawing import BENCHES, can_track, drawn, placed, tracked
from secateur.errors import StepFailed, UserError
from secateur.files import dump, read
from secateur.quantities import in_bytes, milliseconds
from secateur.records import Bench, Limits, Outcome, Results
from secateur.safe_names import safe_name
from secateur.store import Store


def _keep(home: Path, file: Path) -> None:
    """A copy beside the run's results, so that every later report has it. Raises UserError for a file that is no bench,
    or one that knows no model of this run."""
    found = read(Bench, file)
    if not (home / "results.json").is_file():
        return  # `draw` says so
    own = {m.file_sha256 for m in read(Results, home / "results.json").models}
    if not own.intersection(c.sha256 for c in found.candidates):
        raise UserError(
            f"{file} measured no model of this run: {', '.join(c.name for c in found.candidates) or 'none'}"
        )
    (home / BENCHES).mkdir(exist_ok=True)
    dump(found, home / BENCHES / safe_name(f"{file.stem}.json"))


def _limits(size: str, latency: str, memory: str) -> Limits:
    try:
        return Limits(in_bytes(size), milliseconds(latency), in_bytes(memory))
    except ValueError as error:
        raise UserError(str(error)) from error


def add(app: typer.Typer) -> None:
    """The three commands."""

    @app.command(epilog="Example:  secateur report photos --with pi.json")
    def report(
        run: str = typer.Argument(..., help="Name of a run, or its folder."),
        benches: list[Path] = typer.Option(
            [], "--with", help="Figures that `secateur bench --out` wrote, on this machine or another. They stay."
        ),
        max_size: str = typer.Option("", help="Such as 1MB: the file may be no larger."),
        max_latency: str = typer.Option("", help="Such as 20ms: one photo on one thread may take no longer."),
        max_memory: str = typer.Option("", help="Such as 200MiB: a process that predicts may take no more."),
        track: list[str] = TRACK,
        track_to: str = TRACK_TO,
        runs: Path = RUNS,
        as_json: bool = JSON,
    ) -> None:
        """Draw a run's report again from its results, report.html and report.json, and print its answer."""
        from secateur.cli.answer import facts, of_run, show

        can_track(track, track_to)
        where, name = placed(run, runs)
        limits = _limits(max_size, max_latency, max_memory)
        for file in benches:
            _keep(Store(where).run(name), file)
        page, undrawn = drawn(where, name, limits)
        told, models = of_run(page.parent), page.parent / "models"
        if as_json:
            echo_json({"report": str(page), "models": str(models), "answer": facts(told)})
        else:
            show(told, ({"models": models} if models.is_dir() else {}) | {"report": page})
        if undrawn:
            raise StepFailed(undrawn)
        for tracker in track:
            results = read(Results, page.parent / "results.json")
            console().print(f"tracked: {tracked(results, page.parent, tracker, track_to)}", markup=False)

    @app.command("runs")
    def list_runs(runs: Path = RUNS, as_json: bool = JSON) -> None:
        """List the runs that were begun here."""
        store = Store(runs)
        rows = [_row(store, name) for name in store.names()]
        if as_json:
            echo_json(rows)
            return
        for row in rows:
            typer.echo(
                f"{row['name']:<24} {row['steps']} steps, {row['failed']} failed  {row['report'] or '(unfinished)'}"
            )
        if not rows:
            console().print(f"no runs in {runs}")

    @app.command()
    def gc(
        runs: Path = RUNS,
        dry: bool = typer.Option(False, "--dry-run", help="Say what would be freed; free nothing."),
    ) -> None:
        """Free what no run needs: results of deleted runs, and checkpoints that nobody works on.

        Delete a run's folder first, then call this. How often test photos were opened stays known: nothing frees that.
        """
        freed, n = _collect(Store(runs), dry)
        console().print(f"{'would free' if dry else 'freed'} {mebibytes(freed)} in {n} results")


def _row(store: Store, name: str) -> dict[str, Any]:
    file = store.run(name) / "outcomes.json"
    outcomes = read(tuple[Outcome, ...], file) if file.is_file() else ()
    page = store.run(name) / "report.html"
    return {
        "name": name,
        "steps": len(outcomes),
        "failed": sum(o.state in ("failed", "skipped") for o in outcomes),
        "report": str(page) if page.is_file() else "",
    }


def _collect(store: Store, dry: bool) -> tuple[int, int]:
    freed = n = 0
    for folder in store.removable():
        freed += sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
        n += 1
        if not dry:
            shutil.rmtree(folder, ignore_errors=True)
    return freed, n
