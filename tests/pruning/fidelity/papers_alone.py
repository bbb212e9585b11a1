"""What papers take away once they have looked at each layer alone, written out anew."""

from __future__ import annotations

import copy

import numpy as np
import torch
from papers import NORMS, stays, weights
from small_case import Case, Kept
from torch import nn
from torch.nn import functional as F


def _loss(case: Case, model: nn.Module) -> float:
    with torch.no_grad():
        return float(F.cross_entropy(model(case.val[0]), case.val[1]))


def _bought(curves: dict[str, list[tuple[float, float]]], sizes: dict[str, int], going: int) -> dict[str, int]:
    """How many of each layer go: one by one where the convex hull of the curve rises least."""
    slopes = {}
    for n, curve in curves.items():
        points, most = [(0.0, 0.0)], 0.0
        for s, rise in curve:
            most = max(most, rise)
            points.append((s, most))
        steps: list[float] = []
        at = 0
        while at < len(points) - 1:  # from each corner of the hull to the one that is reached least steeply
            rises = [(p[1] - points[at][1]) / (p[0] - points[at][0]) for p in points[at + 1 :]]
            to = at + 1 + max(i for i, r in enumerate(rises) if r <= min(rises) + 1e-12)
            many = round(points[to][0] * sizes[n]) - round(points[at][0] * sizes[n])
            steps += [(points[to][1] - points[at][1]) / many if many else 0.0] * many
            at = to
        slopes[n] = steps
    taken = dict.fromkeys(curves, 0)
    for _ in range(going):
        n = min((n for n in curves if taken[n] < len(slopes[n])), key=lambda n: slopes[n][taken[n]])
        taken[n] += 1
    return taken


def sensitivity(case: Case, target: float) -> Kept:
    """Every layer alone, at each sparsity, on the photos held out; then what costs least goes."""
    dense, own = _loss(case, case.dense), weights(case.dense)
    curves = {}
    for n, w in own.items():
        curve = []
        for s in (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99):
            model = copy.deepcopy(case.dense)
            with torch.no_grad():
                model.get_parameter(n).mul_(torch.from_numpy(stays(abs(w).ravel(), s).reshape(w.shape)))
            curve.append((s, _loss(case, model) - dense))
        curves[n] = curve
    sizes = {n: w.size for n, w in own.items()}
    going = _bought(curves, sizes, round(target * sum(sizes.values())))
    return {n: stays(abs(w).ravel(), going[n] / w.size).reshape(w.shape) for n, w in own.items()}


def filter_sensitivity(case: Case, target: float) -> Kept:
    """Every layer's filters alone, by their L1 norms; a filter is worth as much in each layer."""
    dense, own = _loss(case, case.dense), {n: weights(case.dense)[f"{n}.weight"] for n in NORMS}
    norms = {n: abs(w).sum((1, 2, 3)) for n, w in own.items()}
    curves = {}
    for n, rated in norms.items():
        curve = []
        for s in (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 0.95):
            gone = np.argsort(rated, kind="stable")[: min(int(s * rated.size + 1e-9), rated.size - 1)]
            silent = torch.ones(rated.size)
            silent[gone] = 0
            shut = case.dense.get_submodule(f"relu{n[-1]}").register_forward_hook(
                lambda _, x, out, m=silent: out * m.view(1, -1, 1, 1)
            )
            curve.append((s, _loss(case, case.dense) - dense))
            shut.remove()
        curves[n] = curve
    going = _bought(curves, {n: r.size for n, r in norms.items()}, int(target * sum(r.size for r in norms.values())))
    return {n: stays(r, going[n] / r.size, whole=True) for n, r in norms.items()}
