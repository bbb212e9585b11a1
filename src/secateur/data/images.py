"""One photo's bytes → a small square RGB image: scaled decoding, upright, eight bits, every row there."""

from __future__ import annotations

import contextlib
import functools
import io
import threading
from dataclasses import dataclass, replace

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from secateur.data import heif
from secateur.data.boxes import zeros_in_picture
from secateur.data.damage import of_jpeg, of_webp, unsaid
from secateur.data.depth import deep, raw_mode, shown
from secateur.data.resize import Resize, by_scipy
from secateur.errors import UserError
from secateur.records import NO_DEPTH, Depth

# A closed list: Pillow would otherwise hand an EPS to Ghostscript, whatever its suffix says.
WANTED = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "HEIF")
JPEGS = ("JPEG", "MPO")  # MPO: several in one file, of which the first is taken
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
    """A photo made square and small, and what it was."""

    pixels: NDArray[np.uint8]  # (px, px, 3), or (px, px) where grey was asked for
    width: int  # upright
    height: int
    damage: BadPhoto | None = None  # why rows are missing, where it was to be read all the same
    needs: Depth = NO_DEPTH  # of more than eight bits a channel: what is white in it by itself
    doubt: str = ""  # of its depth


def square(
    data: bytes,
    px: int,
    *,
    grey: bool = False,
    resize: Resize = by_scipy,
    depth: Depth = NO_DEPTH,
    keep_damaged: bool = False,
) -> Square:
    """The photo in `data` as px × px of RGB (or grey), without keeping its aspect, antialiased (bilinear).

    Transparent pixels are shown on white; the first frame of an animation is taken; EXIF orientation is applied.
    Colour profiles are not. More than eight bits a channel are scaled by `depth`; grey, which only looks for likeness,
    by what the photo itself needs.

    keep_damaged: a photo of which rows are missing is read as far as its decoder went, and `damage` says so.

    Raises BadPhoto: empty, git-lfs pointer, not an image, truncated, damaged (rows are missing, though the decoder
    accepts it), decompression bomb (over Pillow's own bound of 179 megapixels, never decoded), unreadable.
    """
    if not data:
        raise BadPhoto("empty", "the file has no bytes")
    if data.startswith(LFS):
        raise BadPhoto("git-lfs pointer", "stands for a photo that was not downloaded; run: git lfs pull")
    try:
        made = _opened(data, px, grey, resize, depth)
    except BadPhoto as bad:
        if not (keep_damaged and bad.what == "truncated" and data.startswith(b"\xff\xd8")):
            raise
        made = replace(_opened(data + b"\xff\xd9", px, grey, resize, depth), damage=bad)  # the end mark
    if made.damage and not keep_damaged:
        raise made.damage
    return made


def _opened(data: bytes, px: int, grey: bool, resize: Resize, depth: Depth) -> Square:
    try:
        with Image.open(io.BytesIO(data), formats=formats()) as image:
            return _square(image, data, px, grey, resize, depth)
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
    heif.register()
    return tuple(name for name in WANTED if name in Image.OPEN)  # AVIF depends on how Pillow was built


def _square(image: Image.Image, data: bytes, px: int, grey: bool, resize: Resize, depth: Depth) -> Square:
    size = image.size
    giant = size[0] * size[1] > GIANT
    with _one_giant if giant else contextlib.nullcontext():
        raw = raw_mode(image)
        side = max(JPEG_GAP * px, JPEG_FLOOR)
        drafted = image.draft("L" if grey else "RGB", (side, side))  # L: a third less time, no colours to decode
        pixels, missing = _decoded(image, data)
        needs, doubt, seen = NO_DEPTH, "", image
        if raw:
            photo = deep(image, raw, data, 0 if grey else depth.whole)
            needs = Depth(*photo.needs, int(photo.inverted))
            made, doubt = shown(photo, *(photo.needs if grey else (depth.whole, depth.floats)))
            seen = made or image
        small = _grey(seen, pixels, px) if grey else _rgb(seen, pixels, px, resize)
    width, height = size if drafted else image.size  # a TIFF is upright only once it is loaded
    turn = _orientation(image)
    if turn in _UPRIGHT:
        small = np.asarray(Image.fromarray(small).transpose(_UPRIGHT[turn]))
    damage = BadPhoto("damaged", missing) if missing else None
    return Square(small, *((height, width) if turn >= 5 else (width, height)), damage, needs, doubt)


def _decoded(image: Image.Image, data: bytes) -> tuple[NDArray[np.uint8] | None, str]:
    """The pixels of a JPEG, or None where `image` holds them now; and why rows of them are missing."""
    if (pixels := _jpeg(image, data)) is not None:
        return pixels, unsaid(data) if "progressive" in image.info else ""
    image.load()
    if image.format in JPEGS:
        return None, of_jpeg(data)
    if image.format == "WEBP":
        return None, of_webp(data, image.width * image.height)
    return None, zeros_in_picture(data) if image.format in ("HEIF", "AVIF") else ""


def _jpeg(image: Image.Image, data: bytes) -> NDArray[np.uint8] | None:
    """(h, w, 3) or, of grey, (h, w) of a JPEG at the scale that `draft` chose. The same library as Pillow's decodes it,
    but straight into an array, and it does not keep to itself what it doubts. None where it doubts anything: Pillow
    shall try, and say what is wrong."""
    if image.format not in JPEGS or image.mode not in ("RGB", "L"):
        return None
    colours = "RGB" if image.mode == "RGB" else "GRAY"
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
            data, colours, min_height=image.height, min_width=image.width
        )
    except ValueError:  # strict: a warning counts
        return None
    if pixels.shape[:2] != (image.height, image.width):
        return None
    return pixels if image.mode == "RGB" else pixels[..., 0]


def _grey(image: Image.Image, pixels: NDArray[np.uint8] | None, px: int) -> NDArray[np.uint8]:
    image = image if pixels is None else Image.fromarray(pixels)
    return np.asarray(_by_pillow(_plain(image, px), px).convert("L"))


def _rgb(image: Image.Image, pixels: NDArray[np.uint8] | None, px: int, resize: Resize) -> NDArray[np.uint8]:
    direct = max(image.size) < 2 * REDUCE_GAP * px  # Pillow would not reduce it first
    if pixels is None:
        image = _plain(image, px)
        pixels = np.array(image) if direct and image.mode == "RGB" else None
    elif not direct or pixels.ndim == 2:
        image, pixels = Image.fromarray(pixels), None
    return np.asarray(_by_pillow(image, px).convert("RGB")) if pixels is None else resize(pixels, px)


def _by_pillow(image: Image.Image, px: int) -> Image.Image:
    return image.resize((px, px), Image.Resampling.BILINEAR, reducing_gap=REDUCE_GAP)


def _plain(image: Image.Image, px: int) -> Image.Image:
    """RGB or grey; what is transparent comes out px × px, on white."""
    if image.has_transparency_data:
        # Pillow resizes RGBA with premultiplied alpha, so that hidden colours do not bleed in.
        front = image.convert("RGBA").resize((px, px), Image.Resampling.BILINEAR)
        return Image.alpha_composite(Image.new("RGBA", (px, px), "white"), front).convert("RGB")
    return image if image.mode in ("RGB", "L") else image.convert("RGB")


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # a photo with broken EXIF data is still a photo
        return 1
