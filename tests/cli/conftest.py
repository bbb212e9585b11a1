"""A finished run of 60 real photos, made once for all tests of the command line."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from commands import SMALL, secateur
from filelock import FileLock


@pytest.fixture(scope="session")
def _finished(photos_112px: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`photos/` (two classes of 30 real ones) and a finished run of two seeds, by whichever test process comes first.
    Never used itself."""
    base = tmp_path_factory.getbasetemp()
    kept = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cli"
    with FileLock(f"{kept}.lock"):
        if not kept.is_dir():
            making = kept.with_name("cli-making")
            for name in ("cane", "ragno"):
                (making / "photos" / name).mkdir(parents=True)
                for photo in sorted((photos_112px / "raw-img" / name).iterdir())[:30]:
                    shutil.copy(photo, making / "photos" / name)
            secateur("study", "photos", *SMALL.split(), "--jobs", 2, "--budget", "", cwd=making)
            making.rename(kept)
    return kept


@pytest.fixture(scope="module")
def home(_finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy for the tests of one file: a folder that was moved, in which nothing has to be made again."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copytree(_finished, folder, dirs_exist_ok=True)
    return folder
