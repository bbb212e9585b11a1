"""One photo's bytes → a small square RGB image: scaled decoding, upright, no transparency, eight bits."""

from __future__ import annotations

import contextlib
import functools
import io
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from secateur.data.resize import Resize, by_scipy
from secateur.errors import UserError

# A closed list: Pillow would otherwise hand an EPS to Ghostscript, whatever its suffix says.
WANTED = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")
# JPEG scaling leaves at least so many times the pixels asked for. Measured over 618 real photos at 24 to
# 160 px: 2 leaves up to 6.2/255 mean difference to full decoding (32 px: 4.1), 3 up to 3.6, 4 at most 1.7 from
# 32 px on; below that the floor holds it under 2, down to 16 px.
JPEG_GAP = 4
JPEG_FLOOR = 128  # pixels
REDUCE_GAP = 3  # the same for Pillow's box reduction before the antialiased resize; adds under 0.4/255
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

    pixels: NDArray[np.uint8]  # (px, px, 3), or (px, px) where grey was asked for
    width: int
    height: int


def square(data: bytes, px: int, *, grey: bool = False, resize: Resize = by_scipy) -> Square:
    """The photo in `data` as px × px of RGB (or grey), without keeping its aspect, antialiased (bilinear).

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
        with Image.open(io.BytesIO(data), formats=formats()) as image:
            return _square(image, data, px, grey, resize)
    except Image.DecompressionBombError as error:
        raise BadPhoto("decompression bomb", "claims more than 179 megapixels; never decoded") from error
    except UnidentifiedImageError as error:
        raise BadPhoto("not an image", f"its bytes begin with {data[:16]!r}") from error
    except Exception as error:  # Pillow's plugins raise a dozen types on broken files, KeyError among them
        line = " ".join(str(error).split()) or type(error).__name__
        raise BadPhoto("truncated" if "truncated" in line.lower() else "unreadable", line) from error


@functools.cache
def formats() -> tuple[str, ...]:
    """Pillow's names of those that are opened at all."""
    Image.init()
    return tuple(name for name in WANTED if name in Image.OPEN)  # AVIF depends on how Pillow was built


def _square(image: Image.Image, data: bytes, px: int, grey: bool, resize: Resize) -> Square:
    size = image.size
    giant = size[0] * size[1] > GIANT
    with _one_giant if giant else contextlib.nullcontext():
        side = max(JPEG_GAP * px, JPEG_FLOOR)
        drafted = image.draft("L" if grey else "RGB", (side, side))  # L: a third less time, no colours to decode
        small = _grey(image, px) if grey else _rgb(image, data, px, resize)
    width, height = size if drafted else image.size  # a TIFF is upright only once it is loaded
    turn = _orientation(image)
    if turn in _UPRIGHT:
        small = np.asarray(Image.fromarray(small).transpose(_UPRIGHT[turn]))
    return Square(small, *((height, width) if turn >= 5 else (width, height)))


def _grey(image: Image.Image, px: int) -> NDArray[np.uint8]:
    image.load()
    return np.asarray(_by_pillow(_plain(image, px), px).convert("L"))


def _rgb(image: Image.Image, data: bytes, px: int, resize: Resize) -> NDArray[np.uint8]:
    direct = max(image.size) < 2 * REDUCE_GAP * px  # Pillow would not reduce it first
    if direct and (pixels := _jpeg(image, data)) is not None:
        return resize(pixels, px)
    image.load()
    image = _plain(image, px)
    if direct and image.mode == "RGB":
        return resize(np.array(image), px)
    return np.asarray(_by_pillow(image, px).convert("RGB"))


def _jpeg(image: Image.Image, data: bytes) -> NDArray[np.uint8] | None:
    """(h, w, 3) of a JPEG at the scale that `draft` chose. The same library as Pillow's decodes it, but straight into
    an array: a fifth less time for all. None where Pillow shall try, and say what is wrong."""
    if image.format != "JPEG" or image.mode != "RGB":
        return None
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, "RGB", min_height=image.height, min_width=image.width)
    except ValueError:  # strict: a warning counts
        return None
    return pixels if pixels.shape[:2] == (image.height, image.width) else None


def _by_pillow(image: Image.Image, px: int) -> Image.Image:
    return image.resize((px, px), Image.Resampling.BILINEAR, reducing_gap=REDUCE_GAP)


def _plain(image: Image.Image, px: int) -> Image.Image:
    """RGB or grey of eight bits; what is transparent comes out px × px, on white."""
    if image.has_transparency_data:
        # Pillow resizes RGBA with premultiplied alpha, so that hidden colours do not bleed in.
        front = image.convert("RGBA").resize((px, px), Image.Resampling.BILINEAR)
        return Image.alpha_composite(Image.new("RGBA", (px, px), "white"), front).convert("RGB")
    if image.mode[0] in "IF":
        return Image.fromarray(_eight_bits(np.asarray(image)))
    return image if image.mode in ("RGB", "L") else image.convert("RGB")


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
