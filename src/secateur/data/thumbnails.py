"""A photo small enough to stand inside a page."""

from __future__ import annotations

import base64
from pathlib import Path

import simplejpeg

from secateur.data.pixels import decode
from secateur.errors import UserError

PX = 144
QUALITY = 80


def thumbnail(photo: Path) -> str:
    """A JPEG in base64, square as the networks saw it; empty for a photo that is gone or cannot be read."""
    try:
        pixels = decode(photo, PX)
    except UserError:
        return ""
    return base64.b64encode(simplejpeg.encode_jpeg(pixels, quality=QUALITY, colorsubsampling="420")).decode("ascii")
