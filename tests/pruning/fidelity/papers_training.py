"""What papers take away while a network trains, written out anew: plain loops over the whole weights and a mask."""

from __future__ import annotations

import copy
import math

import numpy as np
import torch
from papers import LAYERS, NORMS, filters, lowest, scales, weights
from small_case import RATE, STEPS, Case, Kept, courses, ours
from torch import Tensor, nn
from torch.nn import functional as F

from secateur import catalogue


def _stepped(model: nn.Module, x: Tensor, y: Tensor, extra: Tensor | float = 0.0) -> dict[str, Tensor]:
    """Parameter → gradient."""
    named = dict(model.named_parameters())
    loss = F.cross_entropy(model.eval()(x), y) + extra
    return dict(zip(named, torch.autograd.grad(loss, list(named.values())), strict=True))


def _moved(model: nn.Module, gradient: dict[str, Tensor], mask: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for n, p in model.named_parameters():
            p -= RATE * gradient[n] * mask.get(n, 1.0)


def _tensors(kept: Kept) -> dict[str, Tensor]:
    return {n: torch.from_numpy(m).float() for n, m in kept.items()}


def _cubic(step: int, target: float) -> float:
    """Eq. 1 from 0, over the first half of the steps."""
    return target - target * (1 - step / (STEPS // 2)) ** 3


def gradual(case: Case, target: float) -> Kept:
    model = copy.deepcopy(case.dense)
    kept: Kept = {n: np.ones(w.shape, bool) for n, w in weights(model).items()}
    for step, (x, y) in enumerate(courses(case)):
        gradient = _stepped(model, x, y)
        if step <= STEPS // 2:
            kept = lowest({n: abs(w) for n, w in weights(model).items()}, _cubic(step, target))
        _moved(model, gradient, _tensors(kept))
        with torch.no_grad():
            for n, m in _tensors(kept).items():
                model.get_parameter(n).mul_(m)
    return kept


def movement(case: Case, target: float) -> Kept:
    """S ← S − w ∂L/∂w, the gradient at the masked weights and straight through; what is masked waits as it was."""
    model = copy.deepcopy(case.dense)
    whole = {n: torch.from_numpy(w).float() for n, w in weights(model).items()}
    score = {n: torch.zeros_like(w) for n, w in whole.items()}
    kept: Kept = {n: np.ones(w.shape, bool) for n, w in whole.items()}
    for step, (x, y) in enumerate(courses(case)):
        gradient = _stepped(model, x, y)
        if step <= STEPS // 2:
            for n in whole:
                score[n] -= whole[n] * gradient[n]
            kept = lowest({n: s.double().numpy() for n, s in score.items()}, _cubic(step, target))
        _moved(model, gradient, _tensors(kept))
        with torch.no_grad():
            for n, m in _tensors(kept).items():
                whole[n] -= RATE * gradient[n] * m
                model.get_parameter(n).copy_(whole[n] * m)
    return kept


def rigl(case: Case, target: float) -> Kept:
    """Algorithm 1, ΔT = 1 and T_end at three quarters. Where it begins is chance: taken from ours, and looked at."""
    row = catalogue.method("rigl")
    begin = _begun(case, target)
    assert "conv1.weight" not in begin  # dense, in the paper's § 3 (1)
    assert {n: int(m.sum()) for n, m in begin.items()} == {n: m.size - round(target * m.size) for n, m in begin.items()}
    assert row.scopes[0] == "layer"
    model, mask, end = copy.deepcopy(case.initial), _tensors(begin), int(0.75 * STEPS)
    with torch.no_grad():
        for n, m in mask.items():
            model.get_parameter(n).mul_(m)
    for step, (x, y) in enumerate(courses(case)):
        gradient = _stepped(model, x, y)
        if 0 < step < end:
            share = 0.3 / 2 * (1 + math.cos(step * math.pi / end))
            for n, m in mask.items():
                mask[n] = _regrown(model.get_parameter(n).detach(), gradient[n], m, int(share * int(m.sum())))
        _moved(model, gradient, mask)
        with torch.no_grad():
            for n, m in mask.items():
                model.get_parameter(n).mul_(m)
    return {n: m.numpy() > 0 for n, m in mask.items()}


def _begun(case: Case, target: float) -> Kept:
    from secateur.models import prunable
    from secateur.pruning.regimes import Course

    weights = prunable.weights(copy.deepcopy(case.initial), whole_first=True)
    hooks = catalogue.load(catalogue.method("rigl").where)(weights, target, Course(STEPS, 2, "layer", 3))
    return {n: m.numpy() for n, m in hooks.masks.items()}


def _regrown(w: Tensor, gradient: Tensor, mask: Tensor, many: int) -> Tensor:
    """`many` of the smallest go, as many of those that are not left come; they begin at zero."""
    flat = mask.flatten().clone()
    active = flat.nonzero().flatten()
    size = w.abs().flatten()[active]
    flat[active[size.argsort(stable=True)[:many]]] = 0
    outside = (flat == 0).nonzero().flatten()
    steep = gradient.abs().flatten()[outside]
    grown = outside[steep.argsort(descending=True, stable=True)[:many]]
    w.view(-1)[grown] = 0
    flat[grown] = 1
    return flat.view(mask.shape)


def slimming(case: Case, target: float) -> Kept:
    """L + λ Σ|γ|, its gradient by autograd; then the least |γ| of every layer."""
    model = copy.deepcopy(case.dense)
    for x, y in courses(case):
        norms = [m.weight for m in model.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
        _moved(model, _stepped(model, x, y, 1e-3 * torch.cat([g.abs() for g in norms]).sum()), {})
    return filters(scales(model), target)


def group_lasso(case: Case, target: float) -> Kept:
    """L + λ Σ √d ‖F‖₂ over the filters of convolutions; then the shortest of every layer."""
    model = copy.deepcopy(case.dense)
    for x, y in courses(case):
        own = [model.get_parameter(f"{n}.weight").flatten(1) for n in NORMS]
        price = torch.stack([w.shape[1] ** 0.5 * w.norm(dim=1).sum() for w in own]).sum()
        _moved(model, _stepped(model, x, y, 1e-3 * price), {})
    found = weights(model)
    return filters({n: (found[f"{n}.weight"] ** 2).sum((1, 2, 3)) for n in NORMS}, target)


def as_many(case: Case, target: float) -> Kept:
    """A control is no method of a paper: as much goes of each layer as by magnitude, wherever."""
    ones = ours(case, catalogue.method("random"), target)
    assert {n: int(m.sum()) for n, m in ones.items()} == {n: m.size - round(target * m.size) for n, m in ones.items()}
    assert list(ones) == [f"{n}.weight" for n in LAYERS]
    return ones


def as_many_filters(case: Case, target: float) -> Kept:
    found = ours(case, catalogue.method("filter-random"), target)
    assert {n: int(m.sum()) for n, m in found.items()} == {n: m.size - int(target * m.size) for n, m in found.items()}
    assert list(found) == list(NORMS)
    return found
