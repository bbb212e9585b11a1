"""Where photos come from, when they are not on the disk yet."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path

from secateur.errors import UserError

ANIMALS10 = "alessiocorrado99/animals10"
BY_HAND = f"by hand: download kaggle.com/datasets/{ANIMALS10} in a browser, unpack it, then: secateur scan FOLDER"


def fetch_animals10(target: Path) -> Path:
    """Download Animals-10 (26,179 photos) with kagglehub into the new folder `target`; returns it.

    Raises UserError, saying what to do by hand: `target` holds something already, kagglehub is not
    installed, or the download fails for whatever reason.
    """
    if target.is_file() or (target.is_dir() and any(target.iterdir())):
        raise UserError(f"{target} exists already; name a new or empty folder")
    try:
        kagglehub = importlib.import_module("kagglehub")
    except ImportError as error:
        raise UserError(f"kagglehub is not installed: pip install 'secateur[kaggle]'; or {BY_HAND}") from error
    try:
        fetched = Path(kagglehub.dataset_download(ANIMALS10))
    except Exception as error:  # network, rights, its own types: they all mean that there are no photos
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"Animals-10 could not be downloaded ({reason}); {BY_HAND}") from error
    # Copied out of kagglehub's cache, which is its own to clear; beside the target first, so whole or absent.
    scratch = target.with_name(target.name + ".part")
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(fetched, scratch)
        if target.is_dir():
            target.rmdir()
        scratch.rename(target)
    except OSError as error:
        shutil.rmtree(scratch, ignore_errors=True)
        raise UserError(f"Animals-10 could not be copied to {target}: {error.strerror or error}") from error
    return target
