"""What a record says of itself in one line, whatever its size: a snapshot of 20,517 photos is no page of text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import MISSING, fields, is_dataclass
from functools import singledispatch
from typing import Any

from secateur.records.numbers import Measured

MOST = 240  # characters of a line
WORDS = 48  # characters of a text in it
SHORT = 40  # characters of a list whose items are shown, not counted
FIRST: dict[str, tuple[str, ...]] = {  # what is said of records with many fields; of others, their fields in order
    "Snapshot": ("root", "photos", "classes", "problems", "ties", "synthetic"),
    "Results": ("name", "models", "summaries", "comparisons", "outcomes", "version", "date"),
    "ModelResult": ("config", "seed", "role", "val_accuracy", "evaluation", "target"),
    "Summary": ("config", "role", "seeds", "chosen", "test_accuracy", "val_accuracy"),
    "Evaluation": ("n", "accuracy", "balanced_accuracy", "macro_f1", "worst_class", "classes"),
    "Judged": ("model", "folder", "evaluation", "labels", "unknown", "problems", "shift"),
    "Bench": ("label", "reference", "candidates", "timings", "rounds", "processes", "doubts", "left_out", "date"),
    "Profile": ("parameters", "nonzero", "macs", "sparsity_of_model", "input_shape", "layers"),
    "DataFacts": ("folder", "classes", "train", "val", "test", "split_rule", "problems"),
}


def brief(record: Any) -> str:
    """`Name(field=value, …)`: at most MOST characters. What is long is counted; what is at its default is left out."""
    own = {f.name: f for f in fields(record)}
    named = [name for name in FIRST.get(type(record).__name__, tuple(own)) if name in own]
    shown = [(name, getattr(record, name)) for name in named if not _usual(own[name], getattr(record, name))]
    return line(type(record).__name__, shown, more=len(named) < len(own))


def line(name: str, pairs: Iterable[tuple[str, Any]], more: bool = False) -> str:
    """The same of any names and values; `more`: there are others."""
    said, left = "", more
    for key, value in pairs:
        part = f"{', ' if said else ''}{key}={short(value)}"
        if len(name) + len(said) + len(part) + len("(, …)") > MOST:
            left = True
            break
        said += part
    return f"{name}({said}{', …' if left and said else '…' if left else ''})"


def short(value: Any) -> str:
    """A value in a few words."""
    if isinstance(value, bool | int) or value is None:
        return repr(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, str):
        return repr(value if len(value) <= WORDS else f"{value[: WORDS // 2]}…{value[-WORDS // 2 + 1 :]}")
    if isinstance(value, Mapping | Set) or (isinstance(value, Sequence) and not isinstance(value, bytes)):
        return _several(value)
    if isinstance(value, Measured):
        ends = "" if value.low is None or value.high is None else f" [{value.low:.4g}, {value.high:.4g}]"
        return f"{value.value:.4g}{ends}"
    if is_dataclass(value):
        return f"{type(value).__name__}(…)"
    return clipped(repr(value), WORDS)


def clipped(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _several(values: Any) -> str:
    """All of a few, or how many, of what."""
    if not values:
        return "()"
    first = next(iter(values))
    plain = not isinstance(values, Mapping) and all(isinstance(v, str | int | float) for v in list(values)[:SHORT])
    said = (
        f"({', '.join(map(short, values))}{',' if len(values) == 1 else ''})"
        if plain and len(values) <= SHORT // 3
        else ""
    )
    if said and len(said) <= SHORT:
        return said
    what = "items" if isinstance(values, Mapping) else type(first).__name__
    return f"<{len(values):,} {what}>"


def _usual(field: Any, value: Any) -> bool:
    """Is it what it is unless somebody says otherwise?"""
    if field.default is not MISSING:
        return bool(value == field.default)
    return bool(field.default_factory is not MISSING and value == field.default_factory())


@singledispatch
def html(record: object) -> str | None:
    """A record as a notebook shows it. Records import nothing above them, so what draws one is registered from there
    (`secateur.showing`); None, where nothing is: the line above stands for it."""
    return None
