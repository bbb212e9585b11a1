"""The answer of a report, printed: what it says, ten rows, what it doubts, and where everything lies."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from secateur import catalogue
from secateur.cli.common import console, paper
from secateur.report.terminal import MOST_DOUBTS, Told

WORDS = ("verdict",)  # columns that hold no figure


def of_run(home: Path) -> Told:
    """What the report of a run says: its own story, read back."""
    story = json.loads((home / "report.json").read_text(encoding="utf-8"))
    told: Told = catalogue.load("secateur.report.terminal:study")(story)
    return told


def facts(told: Told) -> dict[str, Any]:
    """For --json: everything that is printed, every doubt, and figures as numbers."""
    said = asdict(told)
    return {"headlines": said["headlines"], "rows": said["figures"], "rows_left": told.left} | {
        key: said[key] for key in ("legend", "doubts", "notes")
    }


def show(told: Told, paths: Mapping[str, Path], more: str = "the report has all") -> None:
    """On standard output; the paths also where the user looks, if that is another place. `more`: where the rest is."""
    out = paper()
    out.print()
    for line in told.headlines:
        out.print(line, markup=False, style="bold")
    if told.rows:
        out.print()
        out.print(table(told, out))
    if told.left:
        out.print(f"… and {told.left:,} more: {more}", markup=False)
    for line in told.legend:
        out.print(line, markup=False, style="dim")
    if told.doubts:
        out.print("\nWhat this does not know", markup=False, style="bold")
    for line in told.doubts[:MOST_DOUBTS]:
        out.print(_item(line, out))
    if len(told.doubts) > MOST_DOUBTS:
        out.print(f"- and {len(told.doubts) - MOST_DOUBTS} more: {more}", markup=False)
    for note in told.notes:
        out.print(f"note: {note}", markup=False)
    out.print()
    for name, path in paths.items():
        out.print(f"{name}: {path}", markup=False, soft_wrap=True)
    if not _same_place():
        for name, path in paths.items():
            console().print(f"{name}: {path}", markup=False, soft_wrap=True)


def table(told: Told, out: Console) -> Table:
    """Words give way, figures never do."""
    from rich.text import Text

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, heading in enumerate(told.columns):
        figure = i > 0 and heading not in WORDS
        made.add_column(heading, justify="right" if figure else "left", no_wrap=i > 0, overflow="fold")
    for row in told.rows:
        made.add_row(*(Text(cell) for cell in row))
    return made


def _item(line: str, out: Console) -> Any:
    """A line with a dash before it, and under the dash nothing."""
    from rich.text import Text

    if not out.is_terminal:
        return Text(f"- {line}")
    made = Table(box=None, pad_edge=False, padding=0, show_header=False)
    made.add_column(width=2)
    made.add_column(overflow="fold")
    made.add_row("-", Text(line))
    return made


def _same_place() -> bool:
    """Whether both streams go to one terminal or into one file."""
    try:
        return os.path.sameopenfile(sys.stdout.fileno(), sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        return False
