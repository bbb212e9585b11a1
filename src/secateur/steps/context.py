"""What a step is handed: its parameters, the folders of its inputs, an empty folder for what it makes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKPOINT_SECONDS = 20.0  # at the end of an epoch, when so much time passed since the last checkpoint
CHECKPOINT_SECONDS_INSIDE = 240.0  # inside an epoch
CHECKPOINT_VARIABLE = "SECATEUR_CHECKPOINT_SECONDS"  # for tests: one number for both


@dataclass(frozen=True, slots=True)
class Context:
    """`progress(done, total, note)` may be called as often as one likes."""

    params: Mapping[str, Any]
    inputs: Mapping[str, Path]  # role → folder of a finished result
    out: Path  # empty; becomes the result
    work: Path  # survives a kill: checkpoints
    progress: Callable[[float, float, str], None]

    def checkpoint_seconds(self) -> tuple[float, float]:
        """Seconds between checkpoints: at the end of an epoch, inside one."""
        told = os.environ.get(CHECKPOINT_VARIABLE)
        return (float(told), float(told)) if told else (CHECKPOINT_SECONDS, CHECKPOINT_SECONDS_INSIDE)
