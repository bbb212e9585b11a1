"""One synthetic scene: an animal among plants and doubles, under some light, through a noisy camera.

All sizes are fractions of the scene's side; all randomness comes from the generator handed in.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageFilter

from secateur.data.demo_glyphs import ANIMALS, LOOKALIKES, PLANTS, TREES, glyph

Pixels = npt.NDArray[np.float32]  # (h, w, 3) in [0, 1]
Rng = np.random.Generator

OVERSAMPLING = 2
FAR_AWAY = 0.06  # share of scenes with a small animal, hard for a network of this size
LEAST_VISIBLE = 0.6  # of the animal's own area, after cropping and occlusion

# (top, horizon, bottom) of a background, RGB.
PLACES: tuple[tuple[tuple[int, int, int], ...], ...] = (
    ((120, 180, 235), (205, 228, 240), (96, 148, 66)),  # meadow
    ((150, 165, 180), (215, 215, 210), (225, 228, 235)),  # snow
    ((245, 170, 110), (250, 215, 150), (110, 90, 70)),  # dusk
    ((60, 90, 60), (90, 130, 70), (70, 80, 40)),  # wood
    ((200, 190, 170), (180, 160, 130), (150, 115, 80)),  # barn
    ((225, 215, 205), (205, 195, 190), (140, 120, 110)),  # room
    ((170, 205, 230), (225, 205, 160), (200, 170, 115)),  # sand
    ((40, 50, 80), (70, 80, 110), (45, 60, 50)),  # night
)

# Tints of fur, feather and wing, then of leaves: factors of RGB.
COATS = np.array(
    [
        (1.0, 1.0, 1.0),
        (1.25, 1.2, 1.1),  # pale
        (1.2, 0.95, 0.65),  # ginger
        (0.9, 0.7, 0.5),  # brown
        (0.75, 0.75, 0.8),  # grey
        (0.45, 0.42, 0.42),  # nearly black
        (0.8, 0.9, 1.2),  # bluish
        (1.2, 0.75, 0.75),  # reddish
    ],
    np.float32,
)
LEAVES = np.array([(1, 1, 1), (0.7, 0.8, 0.6), (1.1, 0.95, 0.6), (0.55, 0.6, 0.5)], np.float32)


def draw_scene(animal: str, px: int, rng: Rng) -> Image.Image:
    """A px × px RGB scene of one animal of ANIMALS."""
    side = px * OVERSAMPLING
    scene = _background(side, rng)
    for _ in range(rng.integers(0, 4)):
        _put(scene, _plant(TREES + PLANTS, side, rng.uniform(0.15, 0.5), rng), *_on_ground(side, rng))
    for _ in range(rng.choice(3, p=[0.6, 0.3, 0.1])):
        _put(scene, _double(animal, side, rng), *_aside(side, rng))
    _put_animal(scene, animal, side, rng)
    return _photograph(scene, px, rng)


def _background(side: int, rng: Rng) -> Image.Image:
    top, horizon, bottom = (np.array(c, np.float32) / 255 for c in PLACES[rng.integers(len(PLACES))])
    line = rng.uniform(0.25, 0.75)
    height = np.linspace(0, 1, side, dtype=np.float32)[:, None]
    sky = top + (horizon - top) * np.clip(height / line, 0, 1)
    ground = bottom * (1.25 - 0.5 * np.clip((height - line) / (1 - line), 0, 1))
    column = np.where(height < line, sky, ground)  # (side, 3)
    texture = sum(_noise(side, cells, rng) for cells in (4, 9, 24))
    colours = column[:, None, :] * rng.uniform(0.85, 1.15, 3) + rng.uniform(0.01, 0.04) * texture
    return _image(colours)


def _noise(side: int, cells: int, rng: Rng) -> Pixels:
    """Smooth value noise of about unit spread, with that many cells a side."""
    small = Image.fromarray(rng.standard_normal((cells, cells)).astype(np.float32))
    return np.asarray(small.resize((side, side), Image.Resampling.BICUBIC))[:, :, None]


def _put_animal(scene: Image.Image, animal: str, side: int, rng: Rng) -> None:
    """Draw the animal, then hide some of it behind plants: never more than LEAST_VISIBLE allows."""
    views = ANIMALS[animal]
    size = rng.uniform(0.28, 0.5) if rng.random() < FAR_AWAY else rng.uniform(0.55, 0.95)
    subject = _posed(_any(views[rng.integers(len(views))], rng), side * size, 15, rng)
    subject = _coated(subject, rng, COATS)
    own = _ink(subject.getchannel("A"))
    for spread in (0.3, 0.2, 0.1, 0.0):  # nearer to the middle each time, until enough is inside
        x, y = (round(side * (0.5 + spread * rng.uniform(-1, 1)) - s / 2) for s in subject.size)
        mask = Image.new("L", scene.size)
        mask.paste(subject.getchannel("A"), (x, y))
        if _ink(mask) >= 0.8 * own:
            break
    _put(scene, subject, x + subject.width // 2, y + subject.height // 2)
    for _ in range(rng.choice(3, p=[0.5, 0.4, 0.1])):
        plant = _plant(PLANTS, side, rng.uniform(0.2, 0.4), rng)
        at = (x + int(rng.integers(subject.width + 1)), y + int(rng.integers(subject.height + 1)))
        cover = Image.new("L", scene.size)
        cover.paste(plant.getchannel("A"), _corner(plant, *at))
        left = ImageChops.multiply(mask, ImageChops.invert(cover))
        if _ink(left) >= LEAST_VISIBLE * own:
            mask = left
            _put(scene, plant, *at)


def _photograph(scene: Image.Image, px: int, rng: Rng) -> Image.Image:
    """Light from one side, exposure, a colour cast, blur, and the camera's noise."""
    scene = scene.filter(ImageFilter.GaussianBlur(OVERSAMPLING * rng.uniform(0, 0.6)))
    small = scene.resize((px, px), Image.Resampling.BOX)
    colours = np.asarray(small, np.float32) / 255
    turn = rng.uniform(0, 2 * np.pi)
    ramp = np.linspace(-1, 1, px, dtype=np.float32)
    light = 1 + rng.uniform(0, 0.4) * (np.cos(turn) * ramp[:, None] + np.sin(turn) * ramp[None, :])
    cast = rng.uniform(0.92, 1.08, 3) * rng.uniform(0.65, 1.1)
    contrast = rng.uniform(0.7, 1.1)
    colours = (0.5 + contrast * (colours - 0.5)) * light[:, :, None] * cast
    return _image(colours + rng.uniform(0.0, 0.04) * rng.standard_normal((px, px, 3)))


def _plant(choice: str, side: int, size: float, rng: Rng) -> Image.Image:
    return _coated(_posed(_any(choice, rng), side * size, 15, rng), rng, LEAVES)


def _double(animal: str, side: int, rng: Rng) -> Image.Image:
    drawn = _any(LOOKALIKES[animal], rng)
    return _coated(_posed(drawn, side * rng.uniform(0.2, 0.35), 25, rng), rng, COATS)


def _on_ground(side: int, rng: Rng) -> tuple[int, int]:
    return round(side * rng.uniform(0, 1)), round(side * rng.uniform(0.3, 1))


def _aside(side: int, rng: Rng) -> tuple[int, int]:
    """Near an edge: what stands there is small or cut off."""
    edge, along = rng.uniform(-0.02, 0.16), rng.uniform(0, 1)
    if rng.random() < 0.5:
        edge = 1 - edge
    x, y = (edge, along) if rng.random() < 0.7 else (along, edge)
    return round(side * x), round(side * y)


def _posed(drawn: Image.Image, size: float, degrees: float, rng: Rng) -> Image.Image:
    """The glyph with its longer side `size` pixels, mirrored half the time, stretched and turned a little."""
    scale = size / max(drawn.size)
    shape = [max(2, round(s * scale * rng.uniform(0.88, 1.0))) for s in drawn.size]
    posed = drawn.resize((shape[0], shape[1]), Image.Resampling.BILINEAR, reducing_gap=2)
    if rng.random() < 0.5:
        posed = posed.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return posed.rotate(rng.uniform(-degrees, degrees), Image.Resampling.BILINEAR, expand=True)


def _coated(drawn: Image.Image, rng: Rng, coats: npt.NDArray[np.float32]) -> Image.Image:
    """Paled towards grey by some part, then tinted with one of the coats; dark outlines stay dark."""
    rgba = np.asarray(drawn, np.float32)  # (h, w, 4)
    grey = rgba[:, :, :3].mean(axis=2, keepdims=True)
    paled = grey + rng.uniform(0.1, 1) * (rgba[:, :, :3] - grey)
    tint = coats[rng.integers(len(coats))] * rng.uniform(0.85, 1.15, 3)
    coated = np.concatenate([paled * tint, rgba[:, :, 3:]], axis=2)
    return Image.fromarray(coated.clip(0, 255).astype(np.uint8), "RGBA")


def _put(scene: Image.Image, drawn: Image.Image, x: int, y: int) -> None:
    scene.paste(drawn, _corner(drawn, x, y), drawn)


def _corner(drawn: Image.Image, x: int, y: int) -> tuple[int, int]:
    return x - drawn.width // 2, y - drawn.height // 2


def _any(characters: str, rng: Rng) -> Image.Image:
    return glyph(characters[rng.integers(len(characters))])


def _ink(alpha: Image.Image) -> int:
    return int(np.asarray(alpha, np.int64).sum())


def _image(colours: npt.NDArray[Any]) -> Image.Image:
    return Image.fromarray((colours * 255).clip(0, 255).astype(np.uint8), "RGB")
