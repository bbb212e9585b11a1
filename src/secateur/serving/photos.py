"""Whether some bytes are a photo that may be decoded: told by what the decoder finds, before a pixel is decoded."""

from __future__ import annotations

import io
import re

from PIL import Image, UnidentifiedImageError

from secateur.data.images import BadPhoto, Square, formats, square
from secateur.errors import first_line
from secateur.records import NO_DEPTH, Depth
from secateur.serving.refusals import Refused

# What browsers and cameras make. PPM as text and AVIF take seconds of a processor for few bytes.
KINDS = tuple(name for name in formats() if name not in ("PPM", "AVIF"))
SPOKEN = ", ".join(KINDS).replace("WEBP", "WebP")
MOST_PIXELS = 50_000_000  # of RGB: decoding then takes under half a gigabyte, whatever the kind
# A JPEG may go over its pixels as often as it likes, at a dozen bytes a time: cameras and editors stay under 20.
MOST_PASSES = 100
_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")
_START, _END, _PASS = 0xD8, 0xD9, 0xDA
_TILE = (322, 323)  # TIFF's tags for the width and height of a tile


def kind(data: bytes) -> str:
    """What the decoder says that it is: "JPEG", "PNG", … Only the header is read.

    Raises Refused: 415 what is no photo of an allowed kind; 422 one that is broken, or too large to decode.
    """
    try:
        with Image.open(io.BytesIO(data), formats=KINDS) as image:
            found = image.format or ""
            tags = getattr(image, "tag_v2", {})
            tile = [int(tags.get(tag, 1)) for tag in _TILE]
            pixels = max(image.width * image.height, tile[0] * tile[1]) * _weight(image)
    except UnidentifiedImageError as error:
        raise Refused(415, f"this is no photo of a kind that is answered here: {SPOKEN}") from error
    except Image.DecompressionBombError as error:
        raise _too_large() from error
    except Exception as error:  # Pillow's plugins raise a dozen types on broken headers
        raise _broken(first_line(error)) from error
    if pixels > MOST_PIXELS:
        raise _too_large()
    if data.startswith(b"\xff\xd8") and _passes(data) > MOST_PASSES:
        raise Refused(422, f"this JPEG is drawn in more than {MOST_PASSES} passes; it is not decoded")
    return found


def small(data: bytes, px: int, depth: Depth = NO_DEPTH) -> Square:
    """A photo that `kind` let through as px × px of RGB, upright, as `secateur predict` sees it.

    Raises Refused, 422.
    """
    try:
        return square(data, px, depth=depth)
    except BadPhoto as error:
        raise _broken(error.why) from error


def _weight(image: Image.Image) -> int:
    """How many pixels of RGB take the memory of one: deep ones are scaled as floats, what is transparent is copied, and
    WebP's decoder keeps canvases of its own."""
    if image.mode[0] in "IF":
        return 4
    return 2 if image.format == "WEBP" or image.has_transparency_data else 1


def _broken(why: str) -> Refused:
    return Refused(422, f"this photo is broken: {' '.join(why.split())[:200]}")


def _too_large() -> Refused:
    most = MOST_PIXELS // 1_000_000
    fewer = f"{most // 2} with transparency or as WebP, {most // 4} of more than eight bits of grey"
    return Refused(422, f"this photo has too many pixels: {most} megapixels are decoded, {fewer}")


def _passes(data: bytes) -> int:
    """How many passes a JPEG has, up to its end; counted up to one more than are allowed.

    Between markers lies what the decoder passes over as well; in the coded pixels no marker occurs but a real one.
    """
    found, at = 0, 0
    while found <= MOST_PASSES and (step := _MARKER.search(data, at)):
        marker, at = data[step.start() + 1], step.end()
        if marker == _END:
            break
        found += marker == _PASS
        at += 0 if marker == _START else int.from_bytes(data[at : at + 2], "big")
    return found
