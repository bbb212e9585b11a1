"""Augmentation, on whole batches, on whatever device they are on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from secateur.errors import NotKnown


@dataclass(frozen=True, slots=True)
class View:
    """How far a photo may be moved. All zero: the photo as it is."""

    rotate_degrees: float = 0.0  # either way, uniform
    shift: float = 0.0  # fraction of each side, either way, uniform
    zoom: float = 0.0  # scale in [1 − zoom, 1 + zoom], uniform
    flip: bool = False  # left to right, every second photo
    colour: float = 0.0  # brightness, contrast and saturation in [1 − colour, 1 + colour]
    cutout: float = 0.0  # side of a grey square, as a fraction of the photo's (DeVries & Taylor 2017)


VIEWS = {
    "none": View(),
    "flip": View(flip=True),
    "light": View(shift=0.08, flip=True),
    "study": View(rotate_degrees=20.0, shift=0.20, flip=True),
    "strong": View(rotate_degrees=20.0, shift=0.20, zoom=0.15, flip=True, colour=0.3, cutout=0.25),
}
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def augment(x: Tensor, rule: str, generator: torch.Generator) -> Tensor:
    """A new view of each photo in x, (n, 3, height, width) in [0, 1]; same shape and range.

    `study` is the original study's: rotation ± 20°, shift ± 20 % both ways, horizontal flip, what comes in
    from outside filled from the nearest edge pixel, bilinear, as Keras's ImageDataGenerator does. All chance
    comes from `generator`, a CPU one, so that every device sees the same views. May return x itself.

    Raises NotKnown for a rule that is not in VIEWS.
    """
    if rule not in VIEWS:
        raise NotKnown("augmentation", rule, VIEWS)
    view = VIEWS[rule]
    if view.rotate_degrees or view.shift or view.zoom:
        x = _moved(x, view, generator)
    elif view.flip:
        chosen = torch.rand(len(x), 1, 1, 1, generator=generator) < 0.5
        x = torch.where(chosen.to(x.device), x.flip(3), x)
    if view.colour:
        x = _coloured(x, view.colour, generator)
    return _cut_out(x, view.cutout, generator) if view.cutout else x


def _uniform(n: int, generator: torch.Generator, reach: float) -> Tensor:
    return (torch.rand(n, generator=generator) * 2 - 1) * reach


def _moved(x: Tensor, view: View, generator: torch.Generator) -> Tensor:
    n, _, height, width = x.shape
    angle = _uniform(n, generator, math.radians(view.rotate_degrees))
    right, down = _uniform(n, generator, view.shift), _uniform(n, generator, view.shift)
    scale = 1 + _uniform(n, generator, view.zoom)
    mirror = 1 - 2 * (torch.rand(n, generator=generator) < 0.5).float() if view.flip else torch.ones(n)
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    # Output → input in units of half a side; the ratio of the sides keeps a rotation rigid.
    theta = torch.stack(
        [
            torch.stack([mirror * cos, sin * (height / width), 2 * right], dim=1),
            torch.stack([-mirror * sin * (width / height), cos, 2 * down], dim=1),
        ],
        dim=1,
    )  # (n, 2, 3)
    grid = F.affine_grid(theta.to(x.device, x.dtype), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _coloured(x: Tensor, reach: float, generator: torch.Generator) -> Tensor:
    n = len(x)
    bright, contrast, saturation = (
        (1 + _uniform(n, generator, reach)).view(n, 1, 1, 1).to(x.device, x.dtype) for _ in range(3)
    )
    luma = torch.tensor(_LUMA, device=x.device, dtype=x.dtype).view(1, 3, 1, 1)
    x = x * bright
    mean = (x * luma).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    x = torch.lerp(mean, x, contrast)
    return torch.lerp((x * luma).sum(1, keepdim=True), x, saturation).clamp(0, 1)


def _cut_out(x: Tensor, fraction: float, generator: torch.Generator) -> Tensor:
    n, _, height, width = x.shape
    inside = []
    for side, dim in ((height, 2), (width, 3)):
        centre = (torch.rand(n, generator=generator) * side).to(x.device).view(n, 1)
        near = (torch.arange(side, device=x.device) + 0.5 - centre).abs() <= fraction * side / 2
        inside.append(near.view(n, 1, -1, 1) if dim == 2 else near.view(n, 1, 1, -1))
    return x.masked_fill(inside[0] & inside[1], 0.5)
