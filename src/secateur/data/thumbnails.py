"""A photo small enough to stand inside a page."""

from __future__ import annotations

import base64
from pathlib import Path

import simplejpeg

from secateur.data.pixels import decode
from secateur.records import NO_DEPTH, Depth

PX = 144
QUALITY = 80


def thumbnail(photo: Path, depth: Depth = NO_DEPTH) -> str:
    """A JPEG in base64, square as the networks saw it; empty for a photo that is gone or cannot be read."""
    try:
        pixels = decode(photo, PX, depth=depth, keep_damaged=True)
        content = simplejpeg.encode_jpeg(pixels, quality=QUALITY, colorsubsampling="420")
    except Exception:  # whatever a decoder raises: a report does without the picture
        return ""
    return base64.b64encode(content).decode("ascii")
