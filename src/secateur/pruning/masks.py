"""Which elements go: exactly as many as were asked for, ties by position, without joining or sorting the scores.

The threshold is found from histograms of the scores' bit patterns, high halves first, then low halves: two passes
over the tensors, two tables of 65,536 counts, exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import torch
from torch import Tensor

Masks = dict[str, Tensor]  # parameter name → bool, True is kept, the parameter's shape

_HALF = 1 << 16


def count(fraction: float, n: int) -> int:
    """How many of `n` elements a sparsity means: the nearest whole number, as torch.nn.utils.prune rounds."""
    return round(Fraction(str(fraction)) * n)


def floor(fraction: float, n: int) -> int:
    """How many of `n` filters a ratio means: floor(ratio × n), in exact arithmetic (0.29 × 100 is 29)."""
    return int(Fraction(str(fraction)) * n)


def _ordered(scores: Tensor) -> Tensor:
    """float32 → int32 of the same order. −0 counts as 0; NaN is refused, as it has no place in an order."""
    flat = scores.detach().reshape(-1).to(torch.float32) + 0.0
    if bool(torch.isnan(flat).any()):
        raise ValueError("a score is NaN")
    bits = flat.view(torch.int32)
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)


def _bin(histogram: Tensor, k: int) -> tuple[int, int]:
    """The bin that holds the k-th smallest (from 0), and how many lie below that bin."""
    cumulative = torch.cumsum(histogram, 0)
    where = int(torch.searchsorted(cumulative, k, right=True))
    return where, int(cumulative[where - 1]) if where else 0


def threshold(scores: Mapping[str, Tensor], k: int) -> tuple[int, int]:
    """The k-th smallest (from 0) of all scores, as ordered bits, and how many are strictly below it."""
    high = torch.zeros(2 * _HALF, dtype=torch.int64)
    for tensor in scores.values():
        high += torch.bincount((_ordered(tensor) >> 16) + _HALF // 2, minlength=2 * _HALF).cpu()
    top, below = _bin(high, k)
    low = torch.zeros(_HALF, dtype=torch.int64)
    for tensor in scores.values():
        bits = _ordered(tensor)
        bits = bits[(bits >> 16) + _HALF // 2 == top]
        low += torch.bincount(bits & (_HALF - 1), minlength=_HALF).cpu()
    bottom, below_low = _bin(low, k - below)
    return ((top - _HALF // 2) << 16) | bottom, below + below_low


def _keep(scores: Mapping[str, Tensor], prune: int) -> Masks:
    if prune <= 0:
        return {name: torch.ones_like(s, dtype=torch.bool) for name, s in scores.items()}
    limit, below = threshold(scores, prune - 1)
    ties = prune - below  # of the elements equal to the limit, the first so many go
    masks: Masks = {}
    for name, tensor in scores.items():
        bits = _ordered(tensor)
        kept = bits >= limit
        if ties:
            equal = (bits == limit).nonzero().reshape(-1)[:ties]
            kept[equal] = False
            ties -= len(equal)
        masks[name] = kept.reshape(tensor.shape)
    return masks


def lowest(scores: Mapping[str, Tensor], sparsity: float, scope: str = "layer") -> Masks:
    """Masks that drop the lowest `sparsity` of the scores, to the last element.

    `scope` "layer": of each tensor; "global": of all together. Ties fall by position: earlier tensors and
    elements go first. Raises ValueError for a NaN score or a sparsity outside [0, 1).
    """
    if not 0 <= sparsity < 1:
        raise ValueError(f"sparsity must be at least 0 and below 1, got {sparsity}")
    if scope == "global":
        return _keep(scores, count(sparsity, sum(s.numel() for s in scores.values())))
    if scope != "layer":
        raise ValueError(f"scope must be 'layer' or 'global', got '{scope}'")
    masks: Masks = {}
    for name, tensor in scores.items():
        masks |= _keep({name: tensor}, count(sparsity, tensor.numel()))
    return masks


@torch.no_grad()
def apply(parameters: Mapping[str, Tensor], masks: Masks) -> None:
    """Zero what is not kept, in place."""
    for name, mask in masks.items():
        parameters[name].mul_(mask)


def sparsity(masks: Masks) -> float:
    """The dropped fraction of all masked elements."""
    total = sum(m.numel() for m in masks.values())
    return 1 - sum(int(m.sum()) for m in masks.values()) / total if total else 0.0
