"""Masks at a bit a weight: eight to a byte, as numpy packs them and saved models keep them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CHUNK = 1 << 16  # elements at a time: temporaries of 256 KiB stay in a core's cache; a multiple of 8


class Bits(Mapping[str, Tensor]):
    """Parameter name → bool mask, True is kept: a mapping like any other, whose masks are unpacked as they are read.

    Reading one makes a bool tensor of its parameter's shape, a byte an element; nothing holds on to it.
    """

    def __init__(self, packed: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]) -> None:
        """`packed`: name → (⌈n / 8⌉,) uint8."""
        self.packed, self.shapes = dict(packed), dict(shapes)

    def __getitem__(self, name: str) -> Tensor:
        shape = self.shapes[name]
        return torch.from_numpy(self._unpacked(name, 0, prod(shape))).reshape(shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self.packed)

    def __len__(self) -> int:
        return len(self.packed)

    def chunks(self, name: str) -> Iterator[tuple[int, NDArray[np.bool_]]]:
        """(start, the next ≤ CHUNK elements) along the flattened mask."""
        n = prod(self.shapes[name])
        for start in range(0, n, CHUNK):
            yield start, self._unpacked(name, start, min(start + CHUNK, n))

    def _unpacked(self, name: str, start: int, stop: int) -> NDArray[np.bool_]:
        here = self.packed[name].numpy()[start // 8 : (stop + 7) // 8]
        return np.unpackbits(here, count=stop - start).view(np.bool_)


def pack(masks: Mapping[str, Tensor]) -> Bits:
    """The same masks at a bit an element."""
    packed = {n: torch.from_numpy(np.packbits(m.cpu().numpy().reshape(-1))) for n, m in masks.items()}
    return Bits(packed, {n: tuple(m.shape) for n, m in masks.items()})
