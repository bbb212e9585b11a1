"""Options that say how photos get their labels and what belongs together: the same for every command."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import typer

from secateur import grouped, prepare
from secateur.records import Reading
from secateur.study_file import make

LABELS = typer.Option(None, "--labels", help="Labels: a CSV, or COCO-CameraTraps JSON; unset: the class folders.")
PATH_COLUMN = typer.Option("", "--path-column", help="Of a CSV: the paths; else by usual names.")
LABEL_COLUMN = typer.Option("", "--label-column", help="Of a CSV: the classes; else by usual names.")
CLASSES = typer.Option("", "--classes", help="Rename, merge or drop: 'hare=lagomorph,human='.")
EMPTY = typer.Option("", "--empty", help="Class of photos with a blank label or no annotation.")
GROUP_BY = typer.Option("", "--group-by", help=grouped.HELP[0].upper() + grouped.HELP[1:] + ".")


def reading_of(command: str, **words: Any) -> Reading:
    """What the options say. Raises UserError."""
    return prepare.reading(make(words, command))


def index_of(folder: Path, runs: Path) -> Path:
    """The file that remembers what a scan of this folder read."""
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:24]
    index = runs / ".store" / "index" / f"{name}.json"
    index.parent.mkdir(parents=True, exist_ok=True)
    return index
