"""Which elements go: exactly as many as were asked for, ties by position, without joining or sorting the scores.

All of it goes a chunk at a time, so that 64 million weights take megabytes beside themselves
(`benchmarks/prune_b7.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from secateur.pruning.bits import Bits
from secateur.pruning.order import ordered_chunks, threshold

BLOCK = 4  # weights, of N:M sparsity: what sparse tensor cores read at a time
_LOWEST = -(1 << 31)
Masks = dict[str, Tensor]  # parameter name → bool, True is kept, the parameter's shape


def count(fraction: float, n: int) -> int:
    """How many of `n` elements a sparsity means: the nearest whole number, as torch.nn.utils.prune rounds."""
    return round(Fraction(str(fraction)) * n)


def floor(fraction: float, n: int) -> int:
    """How many of `n` filters a ratio means: floor(ratio × n), in exact arithmetic (0.29 × 100 is 29)."""
    return int(Fraction(str(fraction)) * n)


def _kept(scores: Mapping[str, Tensor], prune: int, absolute: bool) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """(name, mask of its next elements), with the `prune` lowest of all scores dropped."""
    # Where nothing is to go, every score is above the limit, and is still looked at for NaN.
    limit, below = threshold(scores, prune - 1, absolute) if prune > 0 else (_LOWEST, 0)
    ties = max(prune, 0) - below  # of the elements equal to the limit, the first so many go
    for name, tensor in scores.items():
        for bits in ordered_chunks(tensor, absolute):
            kept = bits >= limit
            if ties:
                equal = np.flatnonzero(bits == limit)[:ties]
                kept[equal] = False
                ties -= equal.size
            yield name, kept


def _each(
    scores: Mapping[str, Tensor], sparsity: float, scope: str, absolute: bool
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    if not 0 <= sparsity < 1:
        raise ValueError(f"sparsity must be at least 0 and below 1, got {sparsity}")
    if scope == "global":
        yield from _kept(scores, count(sparsity, sum(s.numel() for s in scores.values())), absolute)
    elif scope == "layer":
        for name, tensor in scores.items():
            yield from _kept({name: tensor}, count(sparsity, tensor.numel()), absolute)
    else:
        raise ValueError(f"scope must be 'layer' or 'global', got '{scope}'")


def lowest(scores: Mapping[str, Tensor], sparsity: float, scope: str = "layer", absolute: bool = False) -> Masks:
    """Masks that drop the lowest `sparsity` of the scores, to the last element.

    `scope` "layer": of each tensor; "global": of all together; "row": of the weights of each output; "block": of every
    BLOCK along the input channels (all dividing layers; see `undivided`). Ties fall by position: earlier tensors and
    elements go first. `absolute`: the scores are the magnitudes of what is given, so that weights need no copy.
    Raises ValueError for a NaN score or a sparsity outside [0, 1).
    """
    if scope in ("row", "block"):
        return {name: _lowest_pools(score, sparsity, scope) for name, score in scores.items()}
    return {name: mask.to(scores[name].device) for name, mask in lowest_bits(scores, sparsity, scope, absolute).items()}


def lowest_counts(scores: Mapping[str, Tensor], counts: Mapping[str, int]) -> Masks:
    """Masks that drop the `counts[name]` lowest of each tensor, ties by position."""
    found: Masks = {}
    for name, score in scores.items():
        chunks = [kept for _, kept in _kept({name: score}, counts[name], False)]
        found[name] = torch.from_numpy(np.concatenate(chunks)).reshape(score.shape).to(score.device)
    return found


def undivided(weight: Tensor) -> str:
    """Why a weight (o, i, …) has no blocks along its input channels; "" where it has."""
    n = weight.shape[1]
    return f"{n} input channel{' is' if n == 1 else 's are'} no multiple of {BLOCK}" if n % BLOCK else ""


def _lowest_pools(scores: Tensor, sparsity: float, scope: str) -> Tensor:
    """Every pool of a tensor (o, i, …) loses the same count of its own."""
    if not 0 <= sparsity < 1:
        raise ValueError(f"sparsity must be at least 0 and below 1, got {sparsity}")
    if bool(scores.isnan().any()):
        raise ValueError("a score is NaN")
    moved = scores.movedim(1, -1)  # (o, …, i): a block lies along the input channels
    pools = scores.flatten(1) if scope == "row" else moved.reshape(-1, BLOCK)
    kept = torch.ones_like(pools, dtype=torch.bool)
    going = pools.argsort(dim=1, stable=True)[:, : count(sparsity, pools.shape[1])]
    kept.scatter_(1, going, False)
    return kept.reshape(scores.shape) if scope == "row" else kept.reshape(moved.shape).movedim(-1, 1).contiguous()


def lowest_bits(scores: Mapping[str, Tensor], sparsity: float, scope: str = "layer", absolute: bool = False) -> Bits:
    """The same masks at a bit an element, in the processor's memory: 8 MB for 64 million weights."""
    found: dict[str, list[NDArray[np.uint8]]] = {name: [] for name in scores}
    for name, kept in _each(scores, sparsity, scope, absolute):
        found[name].append(np.packbits(kept))  # a chunk is whole bytes, so they join up
    packed = {n: torch.from_numpy(np.concatenate([np.empty(0, np.uint8), *chunks])) for n, chunks in found.items()}
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
        if parameter.device.type != "cpu" or not parameter.is_contiguous() or parameter.dtype != torch.float32:
            parameter.mul_(masks[name].to(parameter.device))
            continue
        flat = parameter.detach().view(-1).numpy()
        for start, mask in masks.chunks(name):
            here = flat[start : start + mask.size]
            np.multiply(here, mask, out=here)


def sparsity(masks: Mapping[str, Tensor]) -> float:
    """The dropped fraction of all masked elements."""
    kept = total = 0
    for mask in masks.values():
        kept, total = kept + int(mask.sum()), total + mask.numel()
    return 1 - kept / total if total else 0.0
