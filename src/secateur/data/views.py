"""Augmentation, on whole batches, on whatever device they are on."""

from __future__ import annotations

import math
from collections.abc import Iterator
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
    """A new view of each photo in x, (n, 3, height, width) in [0, 1]; same shape and range,
    channels-last in memory.

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
        x = _flipped(x, generator)
    if view.colour:
        x = _coloured(x, view.colour, generator)
    if view.cutout:
        x = _cut_out(x, view.cutout, generator)
    return x.contiguous(memory_format=torch.channels_last)


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
    across = torch.stack([mirror * cos, -mirror * sin * (width / height)], dim=1).to(x.device, x.dtype)
    along = torch.stack([sin * (height / width), cos], dim=1).to(x.device, x.dtype)
    shift = torch.stack([2 * right, 2 * down], dim=1).to(x.device, x.dtype)  # (n, 2)
    # By hand, since affine_grid takes half as long as the sampling itself.
    rows = along[..., None] * _centres(height, x) + shift[..., None]  # (n, 2, height)
    columns = across[..., None] * _centres(width, x)  # (n, 2, width)
    out = torch.empty_like(x, memory_format=torch.channels_last)
    for some in _pieces(x):
        grid = (rows[some, :, :, None] + columns[some, :, None, :]).permute(0, 2, 3, 1)  # (n, h, w, 2)
        out[some] = F.grid_sample(
            x[some].contiguous(), grid, mode="bilinear", padding_mode="border", align_corners=False
        )
    return out


def _pieces(x: Tensor) -> Iterator[slice]:
    """On a CPU photo by photo: that stays in its cache and off torch's thread pool, whose threads wait for
    each other when the machine is busy (3 to 7 times slower on two cores that others used too)."""
    if x.device.type != "cpu":
        yield slice(None)
    else:
        for i in range(len(x)):
            yield slice(i, i + 1)


def _flipped(x: Tensor, generator: torch.Generator) -> Tensor:
    chosen = torch.rand(len(x), generator=generator) < 0.5
    if x.device.type != "cpu":
        return torch.where(chosen.to(x.device).view(-1, 1, 1, 1), x.flip(3), x)
    out = x.clone()
    for i in chosen.nonzero().flatten().tolist():  # an index or a mask takes ten times as long on a CPU
        out[i] = x[i].flip(2)
    return out


def _centres(side: int, like: Tensor) -> Tensor:
    return (torch.arange(side, device=like.device, dtype=like.dtype) * 2 + 1) / side - 1


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
