"""Where photos come from, when they are not on the disk yet."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path

from secateur import writing
from secateur.errors import UserError
from secateur.outputs import can_be_made

ANIMALS10 = "alessiocorrado99/animals10"
BY_HAND = f"by hand: download kaggle.com/datasets/{ANIMALS10} in a browser, unpack it, then: secateur scan FOLDER"


def fetch_animals10(target: Path) -> Path:
    """Download Animals-10 (26,179 photos) with kagglehub into the new folder `target`; returns it.

    Raises UserError, saying what to do by hand: `target` holds something already, kagglehub is not
    installed, or the download fails for whatever reason.
    """
    if target.is_file() or (target.is_dir() and any(target.iterdir())):
        raise UserError(f"{target} exists already; name a new or empty folder")
    can_be_made(target)
    try:
        kagglehub = importlib.import_module("kagglehub")
    except ImportError as error:
        raise UserError(f"kagglehub is not installed: pip install 'secateur[kaggle]'; or {BY_HAND}") from error
    try:
        fetched = Path(kagglehub.dataset_download(ANIMALS10))
    except Exception as error:  # network, rights, its own types: they all mean that there are no photos
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"Animals-10 could not be downloaded ({reason}); {BY_HAND}") from error
    # Copied out of kagglehub's cache, which is its own to clear.
    try:
        with writing.folder(target) as scratch:
            shutil.copytree(fetched, scratch, dirs_exist_ok=True)
            if target.is_dir():
                target.rmdir()
    except OSError as error:
        raise UserError(f"Animals-10 could not be copied to {target}: {error.strerror or error}") from error
    return target
