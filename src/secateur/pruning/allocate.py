"""How much goes from each layer: the curves of a sensitivity scan turned into ratios for a target.

A curve says what the loss gains when one layer alone loses so much of itself. Its lower hull is convex, so a budget is
best spent by price: what costs the loss least, for what it saves, goes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import prod

import torch
from torch import Tensor

from secateur.errors import UserError
from secateur.pruning.masks import count

Points = Sequence[tuple[float, float]]  # (sparsity, rise of the loss), sparsity rising and below 1


def hull(points: Points) -> list[tuple[float, float]]:
    """The lower convex hull of a curve through (0, 0); no rise is below 0, and none falls with sparsity."""
    rising, most = [(0.0, 0.0)], 0.0
    for sparsity, rise in points:
        most = max(most, rise)
        rising.append((sparsity, most))
    found: list[tuple[float, float]] = []
    for point in rising:
        while len(found) > 1 and _slope(found[-2], found[-1]) >= _slope(found[-1], point):
            found.pop()
        found.append(point)
    return found


def _slope(a: tuple[float, float], b: tuple[float, float]) -> float:
    return (b[1] - a[1]) / (b[0] - a[0])


def weights(curves: Mapping[str, Points], sizes: Mapping[str, int], prune: int) -> dict[str, int]:
    """Tensor → how many of its elements go, `prune` in all: the least rise of the loss, were rises to add up.

    No layer goes beyond the last point of its curve. Raises UserError where that is not enough.
    """
    pieces: list[tuple[float, int, str, int]] = []
    for name, points in curves.items():
        line = hull(points)
        for one, other in pairwise(line):
            many = round(other[0] * sizes[name]) - round(one[0] * sizes[name])
            if many:
                pieces.append(((other[1] - one[1]) / many, len(pieces), name, many))
    most = sum(many for _, _, _, many in pieces)
    if prune > most:
        raise UserError(f"a scan that goes up to {most / sum(sizes.values()):.1%} cannot say how to prune more")
    going = dict.fromkeys(curves, 0)
    for _, _, name, many in sorted(pieces):
        taken = min(many, prune)
        going[name] += taken
        prune -= taken
    return going


def prices(points: Points, size: int, saves: float) -> Tensor:
    """(c,) rising: what the loss pays for each further channel of a group, over what that channel saves.

    No two are equal: of the piece on which a target falls as many channels go as it asks for. Channels beyond the last
    point of the curve cost more than any other.
    """
    paid = torch.full((size,), torch.inf, dtype=torch.float64)
    for one, other in pairwise(hull(points)):
        paid[round(one[0] * size) : round(other[0] * size)] = _slope(one, other) / size / max(saves, 1e-12)
    turn = torch.arange(size, dtype=torch.float64)
    return paid * (1 + 1e-9 * turn) + 1e-15 * turn


def erk(shapes: Mapping[str, Sequence[int]], sparsity: float) -> dict[str, int]:
    """Tensor → how many of its elements go: density in proportion to (Σ of its sides) / (their product), so that wide
    layers lose more than narrow ones; layers that would be more than dense stay whole (Evci et al. 2020,
    arXiv:1911.11134, § 3; Mocanu et al. 2018, arXiv:1707.04780). shapes: (o, i, …).
    """
    sizes = {name: prod(shape) for name, shape in shapes.items()}
    raw = {name: sum(shape) / sizes[name] for name, shape in shapes.items()}
    whole: set[str] = set()
    keep = sum(sizes.values()) - count(sparsity, sum(sizes.values()))
    while True:
        left = keep - sum(sizes[n] for n in whole)
        scale = left / max(sum(raw[n] * sizes[n] for n in sizes if n not in whole), 1e-12)
        dense = {n for n in sizes if n not in whole and raw[n] * scale >= 1}
        if not dense:
            break
        whole |= dense
    stay = {n: sizes[n] if n in whole else round(raw[n] * scale * sizes[n]) for n in sizes}
    widest = max((n for n in sizes if n not in whole), key=lambda n: sizes[n], default="")
    if widest:
        stay[widest] += keep - sum(stay.values())  # rounding
    return {name: sizes[name] - stay[name] for name in sizes}
