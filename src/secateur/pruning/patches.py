"""What a convolution's kernel is laid over: its inputs, padded as the layer pads them, at each place of the kernel.

Letters: o outputs, i inputs of all groups, k kernel side, n photos, m samples.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def taps(kernel: Sequence[int]) -> list[tuple[int, int]]:
    return [(a, b) for a in range(kernel[0]) for b in range(kernel[1])]


def under(layer: nn.Conv2d, x: Tensor, out: Tensor, a: int, b: int) -> Tensor:
    """What the kernel's place (a, b) is multiplied with, for every output: (…, h_out, w_out) of a padded (…, h, w)."""
    top, left = a * layer.dilation[0], b * layer.dilation[1]
    down, right = ((out.shape[d] - 1) * layer.stride[d - 2] + 1 for d in (2, 3))
    return x[..., top : top + down : layer.stride[0], left : left + right : layer.stride[1]]


def padded(layer: nn.Conv2d, x: Tensor, out: Tensor) -> Tensor:
    """What the kernel runs over. Layers that pad by themselves (timm's Conv2dSame) are known by what they said."""
    sides: list[int] = []
    for d in (3, 2):  # F.pad begins with the last
        reach = (layer.weight.shape[d] - 1) * layer.dilation[d - 2] + 1
        needed = max((out.shape[d] - 1) * layer.stride[d - 2] + reach - x.shape[d], 0)
        own = layer.padding[d - 2] if isinstance(layer.padding, tuple) else needed // 2
        usual = (x.shape[d] + 2 * own - reach) // layer.stride[d - 2] + 1 == out.shape[d]
        before = own if usual else needed // 2
        sides += [before, max(needed - before, 0)]
    return F.pad(x, sides)


def at(layer: nn.Conv2d, x: Tensor, out: Tensor, photo: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """(m, i, k, k): what the layer is given at places (down, right) of its output, of those photos. x (n, i, h, w)."""
    kernel = tuple(layer.weight.shape[2:])
    if kernel == (1, 1) and layer.padding in ((0, 0), "same", "valid"):
        return x[photo, :, down * layer.stride[0], right * layer.stride[1]][..., None, None]
    wide = padded(layer, x, out)
    seen = [
        wide[photo, :, down * layer.stride[0] + a * layer.dilation[0], right * layer.stride[1] + b * layer.dilation[1]]
        for a, b in taps(kernel)
    ]
    return torch.stack(seen, 2).reshape(len(photo), x.shape[1], *kernel)
