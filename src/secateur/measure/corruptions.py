"""Photos made worse, the same way every time: seven kinds at five strengths.

Noise, blur, brightness, contrast and JPEG are those of ImageNet-C (Hendrycks & Dietterich 2019, arXiv:1903.12261) with
its constants, the blur scaled by the photo's side; occlusion is a grey square (DeVries & Taylor 2017,
arXiv:1708.04552); night is less light with the noise that comes with it, and no colour, as infra-red cameras see.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from secateur.errors import NotKnown

Pixels = npt.NDArray[np.uint8]  # (n, px, px, 3)
Floats = npt.NDArray[np.float32]  # the same in [0, 1]
STRENGTHS = (1, 2, 3, 4, 5)
TILES = 16  # fields of noise that photos draw from, each moved by chance: drawing anew for every photo takes longest
GAMMA = 2.2  # between what is stored and light
PHOTONS = 1000.0  # of full daylight, at one pixel

NOISE = (0.08, 0.12, 0.18, 0.26, 0.38)  # standard deviation
BLUR = (1.0, 2.0, 3.0, 4.0, 6.0)  # standard deviation, in pixels of a photo of 224
BRIGHTNESS = (0.1, 0.2, 0.3, 0.4, 0.5)  # added to the value of hue, saturation, value
CONTRAST = (0.4, 0.3, 0.2, 0.1, 0.05)  # of the distance to the mean
JPEG = (25, 18, 15, 10, 7)  # quality
OCCLUSION = (0.2, 0.3, 0.4, 0.5, 0.6)  # of a side
NIGHT = (0.3, 0.15, 0.08, 0.04, 0.02)  # of the light


def corrupt(photos: Pixels, kind: str, strength: int, *, first: int = 0) -> Pixels:
    """(n, px, px, 3) → the same shape, corrupted. `first`: the place of the first photo in all of them, so that a
    photo gets the same in whatever batch it comes. Raises NotKnown for a kind, ValueError for a strength."""
    if kind not in KINDS:
        raise NotKnown("corruption", kind, KINDS)
    if strength not in STRENGTHS:
        raise ValueError(f"strengths are 1 to 5, got {strength}")
    return KINDS[kind](photos, strength - 1, first)


def _floats(photos: Pixels) -> Floats:
    return photos.astype(np.float32) / np.float32(255)


def _bytes(x: Floats) -> Pixels:
    return np.rint(np.clip(x, 0, 1) * 255).astype(np.uint8)


def _chance(*numbers: int) -> np.random.Generator:
    return np.random.default_rng(list(numbers))


def _fields(photos: Pixels, salt: int, first: int) -> Floats:
    """Standard normal noise for every photo: one of TILES fields, rolled by chance."""
    px = photos.shape[1]
    tiles = _chance(salt, px).standard_normal((TILES, px, px, 3), np.float32)
    found = np.empty(photos.shape, np.float32)
    for i in range(len(photos)):
        tile, down, right = _chance(salt, first + i).integers(0, (TILES, px, px))
        found[i] = np.roll(tiles[tile], (down, right), (0, 1))
    return found


def _noise(photos: Pixels, s: int, first: int) -> Pixels:
    return _bytes(_floats(photos) + NOISE[s] * _fields(photos, 1, first))


def _blur(photos: Pixels, s: int, first: int) -> Pixels:
    sigma = BLUR[s] * photos.shape[1] / 224
    return _bytes(gaussian_filter(_floats(photos), (0, sigma, sigma, 0), mode="nearest"))


def _brightness(photos: Pixels, s: int, first: int) -> Pixels:
    x = _floats(photos)
    value = x.max(3, keepdims=True)
    brighter = np.minimum(value + BRIGHTNESS[s], 1)
    return _bytes(np.where(value > 0, x * brighter / np.maximum(value, 1e-6), brighter))


def _contrast(photos: Pixels, s: int, first: int) -> Pixels:
    x = _floats(photos)
    mean = x.mean((1, 2), keepdims=True)
    return _bytes((x - mean) * CONTRAST[s] + mean)


def _jpeg(photos: Pixels, s: int, first: int) -> Pixels:
    import simplejpeg

    found = np.empty_like(photos)
    for i, photo in enumerate(photos):
        data = simplejpeg.encode_jpeg(np.ascontiguousarray(photo), quality=JPEG[s], colorsubsampling="420")
        found[i] = simplejpeg.decode_jpeg(data)
    return found


def _occlusion(photos: Pixels, s: int, first: int) -> Pixels:
    found, px = photos.copy(), photos.shape[1]
    side = max(round(OCCLUSION[s] * px), 1)
    for i in range(len(photos)):
        top, left = _chance(2, first + i).integers(0, px - side + 1, 2)
        found[i, top : top + side, left : left + side] = 128
    return found


def _night(photos: Pixels, s: int, first: int) -> Pixels:
    light = (_floats(photos) ** GAMMA).mean(3, keepdims=True) * NIGHT[s]
    noise = _fields(photos, 3, first)[..., :1]
    seen = light + np.sqrt(light / PHOTONS) * noise  # photons arrive by chance: Poisson, here normal
    return _bytes(np.repeat(np.clip(seen, 0, 1) ** (1 / GAMMA), 3, axis=3))


KINDS: dict[str, Callable[[Pixels, int, int], Pixels]] = {
    "noise": _noise,
    "blur": _blur,
    "brightness": _brightness,
    "contrast": _contrast,
    "jpeg": _jpeg,
    "occlusion": _occlusion,
    "night": _night,
}
