"""Photos of more than eight bits a channel: which value is white, and the photo in eight bits.

A camera of 12 bits fills 4,095 of the 65,535 of a file. No file says that of itself, or seldom; what a folder of them
reaches does. So white is one number for a folder, found by its scan, kept with every model, and used for every later
photo.

Whole numbers: white is the smallest of 2⁸ − 1, 2¹⁰ − 1, … 2¹⁶ − 1 that holds all of them, and what a file says of its
depth. Floats: 1, or their largest. Sources: TIFF 6.0 (BitsPerSample, MaxSampleValue, WhiteIsZero); PNG, third edition,
11.3.2.3 (sBIT).
"""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WHITES = tuple(2**bits - 1 for bits in (8, 10, 12, 14, 16))
FULL = WHITES[-1]
UNSTORED, ABOVE, BELOW = "no depth stored", "above the depth", "below the depth"  # how a doubt begins
_BITS, _PHOTOMETRIC, _LARGEST, _PLANES = 258, 262, 281, 284  # tags of TIFF 6.0
# Pillow keeps the upper byte of colour in 16 bits; asked for the other order of bytes it gives the lower one.
_ORDER = "L" if sys.byteorder == "little" else "B"
_OTHER = {"L": "B", "B": "L"}


@dataclass(frozen=True, slots=True)
class Deep:
    """One photo of more than eight bits a channel, as far as it was read."""

    mode: str  # "L", "LA", "RGB" or "RGBA": what it is in eight bits
    values: NDArray[Any]  # (h, w) of grey, (h, w, channels) of colour; as the file holds them
    tag: int = 0  # white, as the file says; 0: it does not
    inverted: bool = False

    @property
    def floats(self) -> bool:
        return self.values.dtype.kind == "f"

    @property
    def largest(self) -> float:
        """Of the finite values."""
        if not self.floats:
            colours = self.values[..., : len(self.mode.rstrip("A"))] if self.colour else self.values
            return float(colours.max(initial=0))
        return float(self.values[np.isfinite(self.values)].max(initial=0.0))

    @property
    def least(self) -> float:
        """Of the finite values; infinite where there is none."""
        return float(self.values[np.isfinite(self.values)].min(initial=np.inf))

    @property
    def colour(self) -> bool:
        return self.mode != "L"

    @property
    def needs(self) -> tuple[int, float]:
        """What white would be for it alone, of whole numbers and of floats; 0 for the other."""
        return (0, max(self.largest, 1.0)) if self.floats else (max(self.tag, step(int(self.largest))), 0.0)


def step(largest: int) -> int:
    """The smallest white that holds a value; the value itself where none does."""
    return next((white for white in WHITES if white >= largest), largest)


def bits(white: int) -> int:
    """10 of 1,023."""
    return white.bit_length()


def raw_mode(image: Any) -> str:
    """How the pixels lie in the file, before they are loaded: "I;16", "RGB;16B"; "" where eight bits are all.

    Raises OSError for what Pillow would misread.
    """
    args = image.tile[0][3] if image.tile else ""
    raw = str(args[0] if isinstance(args, tuple) and args else args or "")
    if image.mode[0] in "IF" or (";16" in raw and image.mode in ("RGB", "RGBA", "LA")):
        return raw or image.mode
    tags = getattr(image, "tag_v2", {})
    if len(raw) == 1 and tags.get(_PLANES) == 2 and max(np.atleast_1d(tags.get(_BITS, 8))) > 8:
        raise OSError("more than 8 bits in separate planes that are not compressed: not read")
    return ""


def deep(image: Image.Image, raw: str, data: bytes, white: int = 0) -> Deep:
    """Of a loaded image; `raw`: `raw_mode` of it before that; `white`: of whole numbers, where it is known already.

    Raises OSError for floats of which nothing would be seen.
    """
    tags = getattr(image, "tag_v2", {})
    if image.mode[0] in "IF":
        values = np.asarray(image)
        if image.mode[0] == "F" and not (values >= 0).any():  # of numbers that are none, or of −1 to 0
            raise OSError("none of its values is 0 or more: all of it would be black")
        if raw == "L":  # a PGM says its white, and Pillow has scaled it
            return Deep("L", values, FULL)
        return Deep("L", values, _said(values, tags, image.format, data), tags.get(_PHOTOMETRIC) == 0)
    upper = np.asarray(image).astype(np.uint16)
    mode = "LA" if raw.startswith("LA") else image.mode
    if mode == "LA" and image.mode == "RGBA":
        upper = upper[..., [0, 3]]
    colours = len(mode.rstrip("A"))
    known = white == FULL or (not white and step(257 * int(upper[..., :colours].max(initial=0))) == FULL)
    lower = None if known or tags.get(_PLANES) == 2 else _lower(data, raw)
    values = upper * 257 if lower is None else upper << 8 | lower
    return Deep(mode, values, _said(values[..., :colours], tags, image.format, data))


def shown(photo: Deep, whole: int, floats: float) -> tuple[Image.Image | None, str]:
    """In eight bits, of the mode that `photo` says; and what there is to doubt, in a line: "" is nothing. None
    for colour of 16 bits, of which Pillow's upper bytes do.

    whole, floats: what is white; 0: it is not known, and so as the file says, else as 16 bits; floats as 0 to 1, or
    to their largest.
    """
    if photo.floats:
        white, doubt = _of_floats(photo, floats)
    else:
        white, doubt = _of_whole(photo, whole)
    if photo.colour and white == FULL:
        return None, doubt
    own = np.nan_to_num(photo.values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    small = np.clip(own * (255 / white), 0, 255).round().astype(np.uint8)
    if photo.mode.endswith("A"):
        small[..., -1] = photo.values[..., -1] >> 8
    return Image.fromarray(255 - small if photo.inverted else small), doubt


def _of_whole(photo: Deep, white: int) -> tuple[float, str]:
    if not white:
        said = photo.tag or FULL
        how = f"{bits(said)} bits, as its file says" if photo.tag else "16 bits"
        return max(said, photo.largest), f"{UNSTORED}: read as {how}"
    return white, "" if photo.largest <= white else _above(f"{photo.largest:,.0f}", f"{white:,}")


def _of_floats(photo: Deep, white: float) -> tuple[float, str]:
    top, least = photo.largest, photo.least
    under = f"{BELOW}: its values go down to {least:g}, and are black below 0" if least < 0 else ""
    if not white:
        said = max(top, 255.0) if top > 1 else 1.0
        return said, "; ".join(filter(None, (f"{UNSTORED}: read as 0 to {said:g}", under)))
    above = "" if top <= white else _above(f"{top:g}", f"{white:g}")
    return white, "; ".join(filter(None, (above, under)))


def _above(own: str, white: str) -> str:
    return f"{ABOVE}: its values go up to {own} where {white} is white, and are cut off there"


def _said(values: NDArray[Any], tags: Any, kind: str | None, data: bytes) -> int:
    """White, as the file says; 0 where it says nothing, or what its values belie."""
    if values.dtype.kind == "f":
        return 0
    said = 0
    if kind == "TIFF":
        depth = int(max(np.atleast_1d(tags.get(_BITS, 16))))
        said = 2**depth - 1 if 8 < depth < 16 else 0
        if (largest := tags.get(_LARGEST)) is not None:
            said = step(int(max(np.atleast_1d(largest))))
    elif kind == "PNG" and (depth := _significant(data)) and 8 <= depth <= 16:
        said = FULL if _spread(values, depth) else 2**depth - 1
    return said if said in WHITES and values.max(initial=0) <= said else 0


def _significant(data: bytes) -> int:
    """sBIT of a PNG, the most of its colours; 0 where there is none."""
    at = 8
    while at + 8 <= len(data):
        size, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if name == b"sBIT":
            return max(data[at + 8 : at + 8 + min(size, 3)], default=0)
        if name in (b"IDAT", b"IEND", b"PLTE"):
            return 0
        at += 12 + size
    return 0


def _spread(values: NDArray[Any], depth: int) -> bool:
    """Whether values of so many bits fill 16, as the standard asks, by zeros or by their own first bits; many a writer
    leaves them as they are."""
    if int(values.max(initial=0)) >= 2**depth:
        return True
    low = values & (2 ** (16 - depth) - 1)
    return bool(values.any() and ((low == 0).all() or (low == values >> depth).all()))


def _lower(data: bytes, raw: str) -> NDArray[np.uint16] | None:
    """The lower bytes of colour in 16 bits: decoded again with its bytes in the other order."""
    with Image.open(io.BytesIO(data)) as image:
        if raw.startswith("LA"):
            asked = "RGBA"
        else:
            name, _, order = raw.rpartition(";16")
            asked = f"{name};16{_OTHER[order.replace('N', _ORDER)]}"
        tiles: list[Any] = []
        for tile in image.tile:
            args = (asked, *tile[3][1:]) if isinstance(tile[3], tuple) else asked
            tiles.append(tile._replace(args=args) if hasattr(tile, "_replace") else (*tile[:3], args))
        image.tile = tiles
        try:
            image.load()
        except (OSError, ValueError, KeyError):
            return None  # this Pillow does not know that order
        lower = np.asarray(image).astype(np.uint16)
    return lower[..., [1, 3]] if raw.startswith("LA") else lower
