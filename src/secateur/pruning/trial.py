"""A cut tried before it is made: on the meta device, in no memory and no arithmetic."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn

from secateur.pruning.cutting import cut_groups
from secateur.pruning.groups import Group


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
    """Why the network no longer runs with half of these groups' channels, "" where it does."""
    trial = on_meta(model)
    half = {g.name: list(range(math.ceil(g.size / 2))) for g in groups}
    try:
        cut_groups(trial, groups, half)(torch.empty(example.shape, dtype=example.dtype, device="meta"))
    except Exception as error:
        return f"the network does not run with fewer of its channels ({line(error)})"
    return ""


def line(error: Exception) -> str:
    """An error of another library, short enough for a reason."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
