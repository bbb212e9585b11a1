"""What several commands share: where runs lie, progress on a terminal, JSON."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

NO_WIDTH = 10_000  # columns
STOP = threading.Event()  # the user asked to stop
RUNS = typer.Option(Path("runs"), "--runs", envvar="SECATEUR_RUNS", help="Folder that holds runs and their results.")
TRACK = typer.Option([], "--track", help="Log the run in tensorboard or mlflow, too; may be given twice.")
TRACK_TO = typer.Option("", "--track-to", help="MLflow's address, or TensorBoard's folder; unset: beside the runs.")
JSON = typer.Option(False, "--json", help="Print JSON, for programs.")


def console() -> Console:
    """For people, on standard error: standard output is for results."""
    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def paper() -> Console:
    """For results that people read, on standard output: on a terminal as wide as that is. A file and a pipe have no
    width: there a line is as long as it is, and no cell is cut."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, soft_wrap=True, width=NO_WIDTH)


def echo_json(content: Any) -> None:
    """On standard output."""
    typer.echo(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))


@contextmanager
def bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar for one piece of work; silent where nobody looks."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(), transient=True) as drawn:
        task = drawn.add_task(title, total=None)
        yield lambda done, total: drawn.update(task, completed=done, total=total)


def mebibytes(n: float) -> str:
    """Bytes for people: 1,234,567 → '1.2 MiB'."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if n < 1024 or unit == "GiB":
            return f"{n:.0f} {unit}" if unit == "B" else f"{n:.1f} {unit}"
        n /= 1024
    return ""


def duration(seconds: float) -> str:
    """Seconds for people: 3700 → '1 h 02 min'."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
