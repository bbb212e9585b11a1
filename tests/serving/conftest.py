"""The run whose models are served."""

from __future__ import annotations

from pathlib import Path

import pets
import pytest

import shared


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only; see `pets.make`."""
    return shared.once(tmp_path_factory, "served", lambda folder: pets.make(folder / "pets")) / "pets"
