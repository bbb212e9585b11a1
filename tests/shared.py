"""What takes long is made once for all processes of a test run, by whichever comes first."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name` that `make` filled: only it reads the folder while it is made. Nobody may change it."""
    base = factory.getbasetemp()
    kept = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with FileLock(f"{kept}.lock"):
        if not kept.is_dir():
            making = kept.with_name(f"{name}-making")
            shutil.rmtree(making, ignore_errors=True)  # of another process, which failed
            making.mkdir(parents=True)
            make(making)
            making.rename(kept)
    return kept
