"""Fixtures every test may use. Photos come from the folder that SECATEUR_TEST_DATA names."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Two tests run side by side, one core each: threads that wait for each other would make both crawl.
os.environ.setdefault("OMP_NUM_THREADS", "1")

VARIABLE = "SECATEUR_TEST_DATA"
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
CHROMIUM += ["--disable-component-update", "--disable-sync"]
LONG = (
    "test_docs",
    "test_transfer_study",
    "test_methods_study",
    "test_kill",
    "test_golden",
    "test_claims_study",
    "test_docs_site",
    "test_obs",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes comes first: else one process does it at the end, and the other has nothing left to do."""
    items.sort(key=lambda item: item.path.stem not in LONG)


def _absent(why: str) -> NoReturn:
    """A skip at home; a failure where the photos must be, since a test that skips there tests nothing."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def _unpacked(archive: str) -> Path:
    where = os.environ.get(VARIABLE, "")
    if not where:
        _absent(f"no photos: set {VARIABLE} to the folder that holds {archive}")
    source = Path(where) / archive
    if not source.is_file():
        _absent(f"no photos: {source} is missing ({VARIABLE})")
    stamp = hashlib.sha256(f"{source.resolve()} {source.stat().st_size}".encode()).hexdigest()[:12]
    home = Path(tempfile.gettempdir()) / f"secateur-test-data-{os.getuid()}"
    target = home / f"{archive.split('.')[0]}-{stamp}"
    if not target.is_dir():
        home.mkdir(exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=home))
        with tarfile.open(source) as tar:
            tar.extractall(scratch, filter="data")
        try:
            scratch.rename(target)
        except OSError:  # another test process was first
            shutil.rmtree(scratch)
    return target


@pytest.fixture(scope="session")
def photos_112px() -> Path:
    """`raw-img/<Italian class>/*.webp`: 20,517 real photos, short side 112 px. Read only."""
    return _unpacked("animals10-112px.tar.gz")


@pytest.fixture(scope="session")
def originals() -> Path:
    """`raw-img/<Italian class>/*` as published (621), and `broken/*` (six truly broken). Read only."""
    return _unpacked("animals10-originals.tar.gz")


def _few(source: Path, target: Path, per_class: int, classes: int) -> Path:
    for folder in sorted(p for p in source.iterdir() if p.is_dir())[:classes]:
        (target / folder.name).mkdir(parents=True)
        for photo in sorted(folder.iterdir())[:per_class]:
            shutil.copy(photo, target / folder.name / photo.name)
    return target


@pytest.fixture
def few_photos(photos_112px: Path, tmp_path: Path) -> Path:
    """A folder of one's own: 3 classes of 24 real photos, writable."""
    return _few(photos_112px / "raw-img", tmp_path / "photos", per_class=24, classes=3)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium that looks nothing up by itself."""
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        _absent("no Chromium: install Debian's package 'chromium' to have pages tested in a browser")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=CHROMIUM)
        yield opened
        opened.close()
