"""Records as JSON files: written whole or not at all, read back checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from secateur import writing
from secateur.errors import UserError

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
