"""A cut tried before it is made: on the meta device, in no memory and no arithmetic."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn

from secateur.pruning.cutting import cut_groups
from secateur.pruning.groups import Group

GOLDEN = (math.sqrt(5) - 1) / 2  # its multiples, without their whole numbers, lie apart from one another


def on_meta(model: nn.Module) -> nn.Module:
    """A copy without values: shapes alone, in no memory."""
    memo: dict[int, Any] = {}
    for parameter in model.parameters():
        memo[id(parameter)] = nn.Parameter(torch.empty_like(parameter, device="meta"))
    for buffer in model.buffers():
        memo[id(buffer)] = torch.empty_like(buffer, device="meta")
    return copy.deepcopy(model, memo).eval()


def without_failing(model: nn.Module, example: Tensor, found: list[Group], stay: dict[str, str]) -> list[Group]:
    """The groups that can be cut together; one that cannot goes to `stay` with its reason. Halves are tried before
    their halves, so that few faults are found in few trials."""
    good = _good(model, example, found, stay)
    if len(good) == len(found):
        return found
    reason = _fails(model, example, good)
    if reason:
        stay.update({layer: reason for group in good for layer in group.layers})
        return []
    return good


def _good(model: nn.Module, example: Tensor, groups: list[Group], stay: dict[str, str]) -> list[Group]:
    reason = _fails(model, example, groups)
    if not reason or not groups:
        return groups
    if len(groups) == 1:
        stay.update(dict.fromkeys(groups[0].layers, reason))
        return []
    half = len(groups) // 2
    return _good(model, example, groups[:half], stay) + _good(model, example, groups[half:], stay)


@torch.no_grad()
def _fails(model: nn.Module, example: Tensor, groups: list[Group]) -> str:
    """Why the network no longer runs with fewer of these groups' channels, "" where it does. Once all lose half, once
    each another part: what a network takes for the same number need not be coupled (EdgeNeXt gives the width of a block
    to all heads of its attention together)."""
    half = {g.name: math.ceil(g.size / 2) for g in groups}
    uneven = {g.name: _between(g.size, (i + 1) * GOLDEN % 1) for i, g in enumerate(groups)}
    for kept in (half, uneven):
        trial = on_meta(model)
        try:
            cut = cut_groups(trial, groups, {name: list(range(n)) for name, n in kept.items()})
            cut(torch.empty(example.shape, dtype=example.dtype, device="meta"))
        except Exception as error:
            return f"the network does not run with fewer of its channels ({line(error)})"
    return ""


def _between(size: int, part: float) -> int:
    """So many channels that at least one stays, and one goes where there are two."""
    return max(min(round(size * (0.25 + 0.75 * part)), size - 1), 1)


def line(error: Exception) -> str:
    """An error of another library, short enough for a reason."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
