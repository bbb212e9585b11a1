"""ThiNet: channels go one by one, each the one whose going moves the next layer's outputs least."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from secateur.errors import UserError
from secateur.pruning.channel_scores import Evidence, Tensors
from secateur.pruning.groups import Group


def thinet(groups: Iterable[Group], tensors: Tensors, evidence: Evidence) -> dict[str, Tensor]:
    """Group → (c,): the turn in which a channel goes, by the greedy search of Luo et al. 2017 (arXiv:1707.06342,
    algorithm 1) for the set T that minimises Σ (Σ_{c ∈ T} z_c)² over sampled outputs of the layers behind;
    their least squares, of one number a channel (eq. 7), are of all weights here, and `refit`'s.

    Needs only the Gram matrix of z: what a set costs is the sum of its square in it. Raises UserError for a group that
    no layer reads.
    """
    found = {}
    for group in groups:
        gram = evidence["grams"][group.name]
        if not bool(gram.diagonal().any()):
            raise UserError(f"no layer reads the channels of '{group.name}': spare it, or take another method")
        found[group.name] = turns(gram)
    return found


def turns(gram: Tensor) -> Tensor:
    """(c, c) float64 → (c,) float32: 0 for the channel that goes first. Of equals the first goes."""
    size = len(gram)
    alone, crossed = gram.diagonal().clone(), torch.zeros(size, dtype=gram.dtype)
    order = torch.empty(size)
    gone = torch.zeros(size, dtype=torch.bool)
    for turn in range(size):
        # with c beside T the cost grows by G_cc + 2 Σ_{t ∈ T} G_ct
        cost = (alone + 2 * crossed).masked_fill_(gone, torch.inf)
        least = int(cost.argmin())
        order[least] = turn
        gone[least] = True
        crossed += gram[least]
    return order
