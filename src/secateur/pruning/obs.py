"""Optimal Brain Surgeon, layer by layer: which weight a layer misses least once the others have made up for it.

Letters: o outputs, g groups, d inputs of a group (channels × kernel places), r rows at work, t weights gone of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn

from secateur.pruning.evidence import Evidence
from secateur.pruning.moments import Batches, Moments, gathered, groups_of, inputs_of, passes

BLOCK = 2048  # inputs that are compared and make up for one another; wider layers fall into so few equal parts
AT_ONCE = 1 << 26  # bytes of what is kept of the weights that are gone, over the rows at work
COMPACTIONS = 16  # times a row is freed of what is gone
RISE = 1 + 1e-6  # a weight that costs less than one before it stands right behind that one


@torch.no_grad()
def removals(
    model: nn.Module,
    weights: Mapping[str, Tensor],
    batches: Batches,
    *,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Evidence:
    """removals (see `evidence`): weight → its shape, by how much the squared error of the layer's outputs rises when
    the weight's turn comes and those that are left make up for it.

    Of each output by itself the weight goes whose going costs least, then the next, until none is left (Frantar &
    Alistarh 2022, Optimal Brain Compression, arXiv:2208.11580, algorithm 1 and eq. 3; Hassibi & Stork 1993). The errors
    are over the inputs' covariance, since a bias makes up for their mean. A cost is raised to the one before it where
    it is less, so that a threshold over them never takes a weight before its turn; all outputs of a layer can then be
    compared (their § 4, "global").

    Layers of more than BLOCK inputs are taken in parts, as if these had nothing to say of one another. Beside the
    network this needs the moments of one pass and 2 · AT_ONCE bytes. `progress`: weights done, of how many.
    """
    named = {name: model.get_submodule(name.removesuffix(".weight")) for name in weights}
    total, done = sum(w.numel() for w in weights.values()), 0
    found: dict[str, Tensor] = {}
    for names in passes(named, named):
        moments = gathered(model, {n: named[n] for n in names}, batches)
        for name in names:
            found[name] = of_layer(named[name], moments.pop(name))
            done += weights[name].numel()
            progress(done, total)
    return {"removals": found}


def of_layer(layer: nn.Module, seen: Moments) -> Tensor:
    """The weight's shape."""
    weight = layer.weight
    assert isinstance(weight, Tensor)
    g, d = groups_of(layer), inputs_of(layer)
    rows = weight.detach().float().reshape(g, -1, d)  # (g, o/g, d)
    costs = torch.empty_like(rows)
    for group, spread in enumerate(seen.spread()):
        for own in torch.arange(d).tensor_split(-(-d // BLOCK)):
            inverse = torch.cholesky_inverse(torch.linalg.cholesky(spread[own][:, own])).float()
            for some in _at_once(len(rows[group]), len(own)):
                turns, paid, _ = eliminate(rows[group, some][:, own], inverse)
                costs[group, some, own[0] : own[-1] + 1] = torch.empty_like(paid).scatter(1, turns, _rising(paid))
    return costs.reshape(weight.shape)


def _at_once(rows: int, d: int) -> Iterator[slice]:
    many = max(1, AT_ONCE // (4 * d * d))
    return (slice(i, i + many) for i in range(0, rows, many))


def _rising(paid: Tensor) -> Tensor:
    """(r, d), each at least RISE times the one before."""
    ramp = RISE ** torch.arange(paid.shape[1], dtype=torch.float64)
    return ((paid.double() / ramp).cummax(1).values * ramp).float()


def eliminate(weight: Tensor, inverse: Tensor, count: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """One by one, `count` (all) weights of every row go, each time the one of least w² / [H⁻¹]_pp; the others move by
    −w / [H⁻¹]_pp · H⁻¹[:, p] (Frantar & Alistarh 2022, eq. 3). weight: (r, d); inverse: (d, d), of the inputs'
    covariance.

    Returns who goes, in turn (r, count); what that costs (r, count); the weights that are left, zero where they went
    (r, d). H⁻¹ of what is left is never made: it is the first one less the outer products of the columns that were
    used up, of which only what is still there is kept.
    """
    r, d = weight.shape
    count = d if count is None else count
    left = torch.arange(d).repeat(r, 1)  # (r, a): who is still in the tables, a of them
    w, diagonal = weight.clone(), inverse.diagonal().repeat(r, 1)  # (r, a)
    used = weight.new_empty(r, count, d)  # (r, t, a)
    gone = torch.zeros(r, d, dtype=torch.bool)  # (r, a)
    turns, paid = torch.empty(r, count, dtype=torch.long), weight.new_empty(r, count)
    every, row = max(1, d // COMPACTIONS), torch.arange(r)
    for t in range(count):
        if t and t % every == 0:
            stay = (~gone).nonzero()[:, 1].reshape(r, d - t)
            left, w, diagonal = left.gather(1, stay), w.gather(1, stay), diagonal.gather(1, stay)
            used = _narrowed(used, t, stay, count)
            gone = torch.zeros_like(w, dtype=torch.bool)
        cost = (w.square() / diagonal).masked_fill_(gone, torch.inf)
        place = cost.argmin(1)  # (r,)
        turns[:, t], paid[:, t] = left[row, place], cost[row, place]
        column = inverse[turns[:, t]].gather(1, left)  # (r, a)
        if t:
            before = used[:, :t]
            column -= torch.bmm(before[row, :, place][:, None], before)[:, 0]
        at = column[row, place]
        w -= column * (w[row, place] / at)[:, None]
        scaled = column / at.sqrt()[:, None]
        used[:, t] = scaled
        diagonal -= scaled.square()
        gone[row, place] = True
        w[row, place] = 0.0
    return turns, paid, torch.zeros_like(weight).scatter(1, left, w)


def _narrowed(used: Tensor, t: int, stay: Tensor, count: int) -> Tensor:
    """What is kept of the first t columns, where it is still asked for."""
    made = used.new_empty(len(used), count, stay.shape[1])
    made[:, :t] = used[:, :t].gather(2, stay[:, None].expand(-1, t, -1))
    return made
