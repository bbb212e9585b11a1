"""HEIC and HEIF, as iPhones write them: read where pillow-heif is installed."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from contextlib import suppress

SUFFIXES = frozenset({".heic", ".heif", ".hif"})
EXTRA = "pip install 'secateur[heif]'"


@functools.cache
def at_hand() -> bool:
    """Whether it is installed; nothing is loaded."""
    return importlib.util.find_spec("pillow_heif") is not None


@functools.cache
def register() -> None:
    """Makes them known to Pillow, and AVIF where Pillow was built without. A package that does not load is none."""
    if not at_hand():
        return
    with suppress(ImportError, OSError):  # its library may not fit this machine
        package = importlib.import_module("pillow_heif")
        package.register_heif_opener(thumbnails=False)
        avif = getattr(package, "register_avif_opener", None)  # of releases before 1.0
        if avif and not importlib.import_module("PIL.features").check("avif"):
            avif(thumbnails=False)
