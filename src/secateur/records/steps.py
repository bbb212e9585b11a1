"""Pieces of work, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

State = Literal["made", "found", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of work. Its key follows from kind, version, parameters and the keys of its inputs."""

    id: str  # unique in a plan, readable: "retrain/cnn/filter-l1/0.5/seed0"
    kind: str  # a row of secateur.steps.STEPS
    params: dict[str, Any]  # JSON
    inputs: dict[str, str]  # role → id of another step
    title: str  # for people


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step."""

    id: str
    kind: str
    title: str
    state: State
    key: str = ""
    why: str = ""  # for failed: the reason; for skipped: the step it needed
    seconds: float = 0.0
