"""What earlier scans learnt, so that the next one reads only what changed. A file that may be lost."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from secateur import writing
from secateur.data.facts import THUMB_PX, Facts

VERSION = 3  # moves when facts are taken in another way
FIELDS = tuple(
    (field.name, {"int": int, "str": str, "bytes": bytes, "float": float}[str(field.type)]) for field in fields(Facts)
)


def read_index(path: Path) -> dict[str, Facts]:
    """Relative path → facts. Absent, broken or of another version: empty, and so built anew."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["version"] != VERSION:
            return {}
        return {name: _facts(row) for name, row in stored["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def write_index(path: Path, facts: Mapping[str, Facts]) -> None:
    """Whole or not at all."""
    rows = {name: [_plain(getattr(fact, field)) for field, _ in FIELDS] for name, fact in facts.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing.file(path) as file:
        text = io.TextIOWrapper(file, "utf-8")
        json.dump({"version": VERSION, "files": rows}, text)
        text.detach()  # written, and left open


def _plain(value: float | str | bytes) -> float | str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _facts(row: list[Any]) -> Facts:
    values = [base64.b64decode(v) if kind is bytes else v for v, (_, kind) in zip(row, FIELDS, strict=True)]
    if any(type(v) is not kind for v, (_, kind) in zip(values, FIELDS, strict=True)):
        raise ValueError("a field of another type")
    made: Any = values  # the types were just checked
    facts = Facts(*made)
    if not facts.what and (len(facts.thumb) != THUMB_PX**2 or len(facts.sha256) != 64):
        raise ValueError("a photo without its likeness")
    return facts
