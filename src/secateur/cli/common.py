"""What several commands share: where runs lie, progress on a terminal, JSON."""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import typer
from rich.console import Console

T = TypeVar("T")
NO_WIDTH = 10_000  # columns
STOP = threading.Event()  # the user asked to stop
RUNS = typer.Option(Path("runs"), "--runs", envvar="SECATEUR_RUNS", help="Folder that holds runs and their results.")
TRACK = typer.Option([], "--track", help="Log the run in tensorboard or mlflow, too; may be given twice.")
TRACK_TO = typer.Option("", "--track-to", help="MLflow's address, or TensorBoard's folder; unset: beside the runs.")
JSON = typer.Option(False, "--json", help="Print JSON, for programs.")


def console() -> Console:
    """For people, on standard error: standard output is for results."""
    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


class _Paper(Console):
    def on_broken_pipe(self) -> None:
        """As everywhere: `| head` is no failure. Rich itself would exit with 1."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def paper() -> Console:
    """For results that people read, on standard output: on a terminal as wide as that is. A file and a pipe have no
    width: there a line is as long as it is, and no cell is cut."""
    if sys.stdout.isatty():
        return _Paper(highlight=False)
    return _Paper(highlight=False, soft_wrap=True, width=NO_WIDTH)


def echo_json(content: Any) -> None:
    """On standard output."""
    typer.echo(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))


def is_closed_pipe(error: OSError) -> bool:
    """The reader of our output went away, as `| head` does; Windows calls that an invalid argument."""
    return isinstance(error, BrokenPipeError) or (
        os.name == "nt" and error.errno == errno.EINVAL and not error.filename
    )


def nobody_reads() -> None:
    """What is still printed goes nowhere: else the interpreter tries once more at its end, and complains."""
    with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def while_read(write: Callable[[T], None]) -> Callable[[T], None]:
    """`write`, until nobody reads: where there is a file to write as well, `| head` does not end the work."""

    def tried(content: T) -> None:
        try:
            write(content)
        except OSError as error:
            if not is_closed_pipe(error):
                raise
            nobody_reads()

    return tried


@contextmanager
def bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar for one piece of work; silent where nobody looks."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    screen = console()
    if not screen.is_terminal:  # rich would leave an empty line behind
        yield lambda done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True) as drawn:
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
