"""Records as JSON files: written whole or not at all, read back checked; and the traceback of what failed."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from secateur import writing
from secateur.errors import SecateurError, UserError, first_line
from secateur.safe_names import safe_name

Record = TypeVar("Record")


def as_json_text(record: Any) -> str:
    """A record as JSON."""
    return TypeAdapter(type(record)).dump_json(record, indent=1).decode()


def dump(record: Any, path: Path) -> None:
    """Write a record as JSON; whole or not at all."""
    writing.whole(path, as_json_text(record))


def read(kind: type[Record], path: Path) -> Record:
    """Read a record back, checked field by field. Raises UserError for a file that is none."""
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise UserError(f"{path} cannot be read as {getattr(kind, '__name__', kind)}: {first}") from error


def why_failed(error: Exception, what: str, home: Path) -> str:
    """One line for the report. A reason of the step's own is enough; for a bug the traceback is kept beside."""
    if isinstance(error, SecateurError):
        return str(error)
    file = home / "errors" / safe_name(f"{what}.txt")
    said = f"{type(error).__name__}: {first_line(error)[:300]}" if str(error).strip() else type(error).__name__
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError:  # a run's folder that takes no file: the line has to do
        return said
    return f"{said} (errors/{file.name})"
