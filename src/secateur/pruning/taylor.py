"""Channels by what the loss would lose with them, to first order."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from secateur.pruning.evidence import Gradients
from secateur.pruning.groups import Group

RUNNING = ".running_mean"


def filter_taylor(groups: Iterable[Group], evidence: Gradients) -> dict[str, Tensor]:
    """Group → (c,), higher is more worth keeping: the squared change of the loss, to first order, when a channel is
    set to zero; Molchanov et al. 2019, arXiv:1906.10771, eq. 8, with a gate behind every batch norm that the channel
    runs through (§ 3.3), their importances summed. Where a group has no batch norm the gates stand behind its layers.
    """
    found = {}
    for group in groups:
        gates = [(evidence.gates[n], p.owner) for p in group.parts if (n := _norm(p.tensor)) in evidence.gates]
        if not gates:
            owners = {p.tensor: p.owner for p in group.parts if p.dim == 0}
            gates = [(evidence.filters[n], owners[f"{n}.weight"]) for n in group.layers]
        score = torch.zeros(group.size)
        for values, owner in gates:
            mine = owner >= 0
            score.index_add_(0, owner[mine], values[mine])
        found[group.name] = score
    return found


def _norm(tensor: str) -> str:
    """'body.bn1.running_mean' → 'body.bn1'; "" for other tensors."""
    return tensor.removesuffix(RUNNING) if tensor.endswith(RUNNING) else ""
