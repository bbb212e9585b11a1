"""The run whose models are served."""

from __future__ import annotations

from pathlib import Path

import pets
import pytest


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only; see `pets.make`."""
    folder = tmp_path_factory.mktemp("runs") / "pets"
    pets.make(folder)
    return folder
