"""Which elements go: exactly as many as were asked for, ties by position, without joining or sorting the scores.

The threshold is found from histograms of the scores' bit patterns, high halves first, then low halves: two passes
over the tensors, two tables of 65,536 counts, exact. All of it goes a chunk at a time, so that 64 million weights take
megabytes beside themselves (`benchmarks/prune_b7.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from secateur.pruning.bits import CHUNK, Bits

Masks = dict[str, Tensor]  # parameter name → bool, True is kept, the parameter's shape

Elementwise = Callable[[Tensor], Tensor]

_HALF = 1 << 15  # upper halves run from −_HALF to _HALF − 1
_INFINITY = 0x7F800000  # its bits; beyond them lie NaNs


def count(fraction: float, n: int) -> int:
    """How many of `n` elements a sparsity means: the nearest whole number, as torch.nn.utils.prune rounds."""
    return round(Fraction(str(fraction)) * n)


def floor(fraction: float, n: int) -> int:
    """How many of `n` filters a ratio means: floor(ratio × n), in exact arithmetic (0.29 × 100 is 29)."""
    return int(Fraction(str(fraction)) * n)


def _ordered(scores: Tensor) -> Tensor:
    """float32 → int32 of the same order. −0 counts as 0; NaN is refused, as it has no place in an order."""
    values = scores.to(torch.float32).contiguous()
    bits = values.view(torch.int32)
    least, most = (int(end) for end in torch.aminmax(bits)) if bits.numel() else (0, 0)
    if least < 0:  # a sign; the bits of other scores are in order as they are
        bits = (values + 0.0).view(torch.int32)
        bits = bits ^ ((bits >> 31) & 0x7FFFFFFF)
        least, most = int(bits.min()), int(bits.max())
    if most > _INFINITY or least < ~_INFINITY:
        raise ValueError("a score is NaN")
    return bits


def _chunks(tensor: Tensor, of: Elementwise | None) -> Iterator[Tensor]:
    """The ordered bits of a tensor's scores, CHUNK at a time."""
    flat = tensor.detach().reshape(-1)
    for start in range(0, flat.numel(), CHUNK):
        chunk = flat[start : start + CHUNK]
        yield _ordered(of(chunk) if of else chunk)


def _bin(histogram: Tensor, k: int) -> tuple[int, int]:
    """The bin that holds the k-th smallest (from 0), and how many lie below that bin."""
    cumulative = torch.cumsum(histogram, 0)
    where = int(torch.searchsorted(cumulative, k, right=True))
    return where, int(cumulative[where - 1]) if where else 0


def threshold(scores: Mapping[str, Tensor], k: int, of: Elementwise | None = None) -> tuple[int, int]:
    """The k-th smallest (from 0) of all scores, as ordered bits, and how many are strictly below it."""
    high = torch.zeros(2 * _HALF, dtype=torch.int64)
    for tensor in scores.values():
        for bits in _chunks(tensor, of):
            halves = bits >> 16
            base = 0 if int(halves.min()) >= 0 else -_HALF  # a short table where there is no sign
            counts = torch.bincount(halves.sub_(base)).cpu()
            high[_HALF + base :][: len(counts)] += counts
    where, below = _bin(high, k)
    top = (where - _HALF) << 16
    low = torch.zeros(2 * _HALF, dtype=torch.int64)
    for tensor in scores.values():
        for bits in _chunks(tensor, of):
            low += torch.bincount(_between(bits, top, top + 2 * _HALF) - top, minlength=2 * _HALF).cpu()
    bottom, below_low = _bin(low, k - below)
    return top + bottom, below + below_low


def _between(bits: Tensor, low: int, high: int) -> Tensor:
    """Those in [low, high)."""
    if bits.device.type != "cpu":
        return bits[(bits >= low) & (bits < high)]
    own = bits.numpy()  # three times as fast here as torch's own comparison and indexing
    return torch.from_numpy(own[(own >= low) & (own < high)])


def _kept(scores: Mapping[str, Tensor], prune: int, of: Elementwise | None) -> Iterator[tuple[str, list[Tensor]]]:
    """Name, and its mask in chunks of bools, with the `prune` lowest of all scores dropped."""
    if prune <= 0:
        for name, tensor in scores.items():
            yield name, [torch.ones(tensor.numel(), dtype=torch.bool, device=tensor.device)]
        return
    limit, below = threshold(scores, prune - 1, of)
    ties = prune - below  # of the elements equal to the limit, the first so many go
    for name, tensor in scores.items():
        chunks = []
        for bits in _chunks(tensor, of):
            kept = bits >= limit
            if ties:
                equal = (bits == limit).nonzero().reshape(-1)[:ties]
                kept[equal] = False
                ties -= len(equal)
            chunks.append(kept)
        yield name, chunks


def _each(
    scores: Mapping[str, Tensor], sparsity: float, scope: str, of: Elementwise | None
) -> Iterator[tuple[str, list[Tensor]]]:
    if not 0 <= sparsity < 1:
        raise ValueError(f"sparsity must be at least 0 and below 1, got {sparsity}")
    if scope == "global":
        yield from _kept(scores, count(sparsity, sum(s.numel() for s in scores.values())), of)
    elif scope == "layer":
        for name, tensor in scores.items():
            yield from _kept({name: tensor}, count(sparsity, tensor.numel()), of)
    else:
        raise ValueError(f"scope must be 'layer' or 'global', got '{scope}'")


def lowest(scores: Mapping[str, Tensor], sparsity: float, scope: str = "layer", of: Elementwise | None = None) -> Masks:
    """Masks that drop the lowest `sparsity` of the scores, to the last element.

    `scope` "layer": of each tensor; "global": of all together. Ties fall by position: earlier tensors and
    elements go first. `of` makes scores from what is given (weights), a chunk at a time: elementwise, and the same
    every time, as each element is looked at three times. Raises ValueError for a NaN score or a sparsity outside
    [0, 1).
    """
    return {n: torch.cat(chunks).reshape(scores[n].shape) for n, chunks in _each(scores, sparsity, scope, of)}


def lowest_bits(
    scores: Mapping[str, Tensor], sparsity: float, scope: str = "layer", of: Elementwise | None = None
) -> Bits:
    """The same masks at a bit an element, on the processor: what a network of many millions of weights takes."""
    packed = {}
    for name, chunks in _each(scores, sparsity, scope, of):
        bits = [np.packbits(chunk.cpu().numpy()) for chunk in chunks]  # CHUNK is whole bytes, so they join up
        packed[name] = torch.from_numpy(np.concatenate(bits)) if bits else torch.empty(0, dtype=torch.uint8)
    return Bits(packed, {n: tuple(s.shape) for n, s in scores.items()})


@torch.no_grad()
def apply(parameters: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> None:
    """Zero what is not kept, in place."""
    if isinstance(masks, Bits):
        _apply_bits(parameters, masks)
        return
    for name, mask in masks.items():
        parameters[name].mul_(mask)


def _apply_bits(parameters: Mapping[str, Tensor], masks: Bits) -> None:
    for name in masks:
        parameter = parameters[name]
        if not parameter.is_contiguous():
            parameter.mul_(masks[name].to(parameter.device))
            continue
        flat = parameter.view(-1)
        for start, mask in masks.chunks(name):
            flat[start : start + len(mask)].mul_(mask.to(parameter.device))


def sparsity(masks: Mapping[str, Tensor]) -> float:
    """The dropped fraction of all masked elements."""
    kept = total = 0
    for mask in masks.values():
        kept, total = kept + int(mask.sum()), total + mask.numel()
    return 1 - kept / total if total else 0.0
