"""One photo's bytes → a small square RGB image: scaled decoding, upright, no transparency, eight bits."""

from __future__ import annotations

import contextlib
import functools
import io
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from secateur.errors import UserError

# A closed list: Pillow would otherwise hand an EPS to Ghostscript, whatever its suffix says.
WANTED = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")
# JPEG scaling leaves at least so many times the pixels asked for. Measured over 618 real photos at 24 to
# 160 px: 2 leaves up to 6.2/255 mean difference to full decoding (32 px: 4.1), 3 up to 3.6, 4 at most 1.7 from
# 32 px on; below that the floor holds it under 2, down to 16 px.
JPEG_GAP = 4
JPEG_FLOOR = 128  # pixels
REDUCE_GAP = 3.0  # the same for Pillow's box reduction before the antialiased resize; adds under 0.4/255
GIANT = 2**24  # pixels; larger ones are decoded one at a time, since each takes up to 0.7 GB
LFS = b"version https://git-lfs.github.com/spec/"
_one_giant = threading.Lock()

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class BadPhoto(UserError):
    """A file that is no usable photo: `what` is the kind of problem, `why` one line."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")
        self.what, self.why = what, why


@dataclass(frozen=True, slots=True)
class Square:
    """A photo made square and small, and the size it had (upright)."""

    image: Image.Image
    width: int
    height: int


def square(data: bytes, px: int, *, grey: bool = False) -> Square:
    """The photo in `data` as an RGB (or grey) image of px × px, without keeping its aspect, antialiased (bilinear).

    Transparent pixels are shown on white; the first frame of an animation is taken; grey of more than eight
    bits is scaled; EXIF orientation is applied. Colour profiles are not.

    Raises BadPhoto: empty, git-lfs pointer, not an image, truncated, decompression bomb (over Pillow's own
    bound of 179 megapixels, never decoded), unreadable.
    """
    if not data:
        raise BadPhoto("empty", "the file has no bytes")
    if data.startswith(LFS):
        raise BadPhoto("git-lfs pointer", "stands for a photo that was not downloaded; run: git lfs pull")
    try:
        with Image.open(io.BytesIO(data), formats=_formats()) as image:
            return _square(image, px, grey)
    except Image.DecompressionBombError as error:
        raise BadPhoto("decompression bomb", "claims more than 179 megapixels; never decoded") from error
    except UnidentifiedImageError as error:
        raise BadPhoto("not an image", f"its bytes begin with {data[:16]!r}") from error
    except Exception as error:  # Pillow's plugins raise a dozen types on broken files, KeyError among them
        line = " ".join(str(error).split()) or type(error).__name__
        raise BadPhoto("truncated" if "truncated" in line.lower() else "unreadable", line) from error


@functools.cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in WANTED if name in Image.OPEN)  # AVIF depends on how Pillow was built


def _square(image: Image.Image, px: int, grey: bool) -> Square:
    size = image.size
    giant = size[0] * size[1] > GIANT
    with _one_giant if giant else contextlib.nullcontext():
        side = max(JPEG_GAP * px, JPEG_FLOOR)
        drafted = image.draft("L" if grey else "RGB", (side, side))  # L: a third less time, no colours to decode
        image.load()
        small = _resized(image, px).convert("L" if grey else "RGB")
    width, height = size if drafted else image.size  # a TIFF is upright only once it is loaded
    turn = _orientation(image)
    if turn in _UPRIGHT:
        small = small.transpose(_UPRIGHT[turn])
    return Square(small, *((height, width) if turn >= 5 else (width, height)))


def _resized(image: Image.Image, px: int) -> Image.Image:
    bilinear = Image.Resampling.BILINEAR
    if image.has_transparency_data:
        # Pillow resizes RGBA with premultiplied alpha, so that hidden colours do not bleed in.
        front = image.convert("RGBA").resize((px, px), bilinear)
        return Image.alpha_composite(Image.new("RGBA", (px, px), "white"), front)
    if image.mode[0] in "IF":
        image = Image.fromarray(_eight_bits(np.asarray(image)))
    if image.mode not in ("RGB", "L"):
        image = image.convert("RGB")
    return image.resize((px, px), bilinear, reducing_gap=REDUCE_GAP)


def _eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey of 16 or 32 bits or floats, (height, width), as uint8; Pillow's own conversion clips at 255."""
    finite = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    top = float(finite.max(initial=0.0))
    whole = values.dtype.kind != "f"
    white = max(top, 65535.0) if whole else max(top, 255.0) if top > 1 else 1.0
    return np.asarray(np.clip(finite * (255 / white), 0, 255).round().astype(np.uint8))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # a photo with broken EXIF data is still a photo
        return 1
