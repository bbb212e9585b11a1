"""Channels of coupled groups, rated by evidence: group → (c,), higher is more worth keeping.

Letters: o filters, i inputs, c channels of a group, k kernel side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from secateur.errors import UserError
from secateur.pruning.groups import Group, mixed

RUNNING = ".running_mean"
Tensors = Mapping[str, Tensor]  # parameter or buffer → its values
Evidence = Mapping[str, Mapping[str, Tensor]]  # see `evidence`


def filter_taylor(groups: Iterable[Group], tensors: Tensors, evidence: Evidence) -> dict[str, Tensor]:
    """The squared change of the loss, to first order, when a channel is set to zero; Molchanov et al. 2019,
    arXiv:1906.10771, with a gate behind every batch norm that the channel runs through, their importances summed. Where
    a group has no batch norm the gates stand behind its layers.
    """
    found = {}
    for group in groups:
        gates = [(evidence["gates"][n], p.owner) for p in group.parts if (n := norm_of(p.tensor)) in evidence["gates"]]
        if not gates:
            owners = {p.tensor: p.owner for p in group.parts if p.dim == 0}
            gates = [(evidence["filters"][n], owners[f"{n}.weight"]) for n in group.layers]
        found[group.name] = sum((_summed(v, owner, group.size) for v, owner in gates), torch.zeros(group.size))
    return found


def bn_scale(groups: Iterable[Group], tensors: Tensors, evidence: Evidence) -> dict[str, Tensor]:
    """|γ| of the batch norm behind a channel (Liu et al. 2017, arXiv:1708.06519, § 3). Where a channel runs through
    several, each is divided by its mean and they are averaged, as `groups.channel_scores` does with layers.

    Raises UserError for a group that no batch norm follows.
    """
    found = {}
    for group in groups:
        scales = [(tensors[f"{n}.weight"], p.owner) for p in group.parts if (n := norm_of(p.tensor))]
        if not scales:
            raise UserError(f"'{group.name}' has no batch norm behind it: spare it, or take another method")
        rated = [_summed(gamma.detach().abs(), owner, group.size) for gamma, owner in scales]
        found[group.name] = mixed(rated)
    return found


def activation(groups: Iterable[Group], tensors: Tensors, evidence: Evidence) -> dict[str, Tensor]:
    """Root mean square of a channel's activations, as the layers behind are given them (Molchanov et al. 2017,
    arXiv:1611.06440, § 2.2, "Activation", have their mean or their standard deviation: of these the squares are summed
    here). Of several readers, each divided by its mean, the average.

    Raises UserError for a group that no layer reads.
    """
    return _read(groups, evidence["inputs"], torch.sqrt)


def alive(groups: Iterable[Group], tensors: Tensors, evidence: Evidence) -> dict[str, Tensor]:
    """1 − APoZ: how often a channel's activation is not zero, as the layers behind are given it (Hu et al. 2016,
    arXiv:1607.03250, who count right behind the ReLU). Of several readers, each divided by its mean, the
    average.

    Raises UserError for a group that no layer reads.
    """
    return _read(groups, evidence["alive"], lambda x: x)


def _read(groups: Iterable[Group], evidence: Mapping[str, Tensor], of: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    """Group → (c,): `of` what the layers behind are given of each channel, on average over kernel places."""
    found = {}
    for group in groups:
        seen = [(evidence[p.tensor], p.owner) for p in group.parts if p.dim == 1 and p.tensor in evidence]
        if not seen:
            raise UserError(f"no layer reads the channels of '{group.name}': spare it, or take another method")
        rated = [of(_summed(x.flatten(1).mean(1) if x.dim() > 1 else x, owner, group.size)) for x, owner in seen]
        found[group.name] = mixed(rated)
    return found


def norm_of(tensor: str) -> str:
    """'body.bn1.running_mean' → 'body.bn1'; "" for other tensors."""
    return tensor.removesuffix(RUNNING) if tensor.endswith(RUNNING) else ""


def _summed(values: Tensor, owner: Tensor, size: int) -> Tensor:
    """(length,) → (c,): over the positions that belong to each channel."""
    mine = owner >= 0
    return values.new_zeros(size).index_add_(0, owner[mine], values[mine])
