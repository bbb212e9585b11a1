"""What the fields of a study say of themselves to --help: `labels: Photos[First[File]]` stands in the panel of photos
and labels, is among the ten that matter most, and is written as a FILE. Nothing else reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar


@dataclass(frozen=True, slots=True)
class Group:
    """Of a field: the panel of --help that shows it."""

    title: str


@dataclass(frozen=True, slots=True)
class Says:
    """Of a field: what its value looks like, where its type does not tell."""

    words: str


@dataclass(frozen=True, slots=True)
class Matters:
    """Of a field: that it is among the ten flags that --help shows first."""


def one_of(rows: Sequence[Any]) -> Says:
    return Says("|".join(row.name for row in rows))


TITLES = ("Photos and labels", "Network", "Pruning", "Measuring", "Limits", "Running")  # in the order of --help
T = TypeVar("T")
Photos = Annotated[T, Group("Photos and labels")]
Network = Annotated[T, Group("Network")]
Pruning = Annotated[T, Group("Pruning")]
Measuring = Annotated[T, Group("Measuring")]
Limits = Annotated[T, Group("Limits")]
Running = Annotated[T, Group("Running")]
First = Annotated[T, Matters()]
Name = Annotated[str, Says("NAME")]
File = Annotated[str, Says("FILE")]
Folder = Annotated[str, Says("FOLDER")]
Column = Annotated[str, Says("COLUMN")]
Size = Annotated[str, Says("SIZE")]
Time = Annotated[str, Says("TIME")]
