"""What goes with a model that is handed on, so that photos are read there as here: files that need nothing of ours."""

from __future__ import annotations

from importlib.resources import files

NAMES = ("depth.py", "damage.py")


def scripts() -> dict[str, bytes]:
    """Name → content."""
    return {name: (files("secateur.data") / name).read_bytes() for name in NAMES}
