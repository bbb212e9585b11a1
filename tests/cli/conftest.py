"""A finished run of 60 real photos, made once for all tests of the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from commands import SMALL, secateur

import shared


@pytest.fixture(scope="session")
def _finished(photos_112px: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`photos/` (two classes of 30 real ones) and a finished run of two seeds, by whichever test process comes first.
    Never used itself."""

    def make(folder: Path) -> None:
        for name in ("cane", "ragno"):
            (folder / "photos" / name).mkdir(parents=True)
            for photo in sorted((photos_112px / "raw-img" / name).iterdir())[:30]:
                shutil.copy(photo, folder / "photos" / name)
        done = secateur("study", "photos", *SMALL.split(), "--jobs", 2, "--budget", "", cwd=folder)
        for stream, said in (("out", done.stdout), ("err", done.stderr)):
            (folder / f"study.{stream}").write_text(said, encoding="utf-8")

    return shared.once(tmp_path_factory, "cli", make)


@pytest.fixture(scope="module")
def home(_finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy for the tests of one file: a folder that was moved, in which nothing has to be made again."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copytree(_finished, folder, dirs_exist_ok=True)
    return folder
