"""Scores: higher is more worth keeping. Letters: o filters, i input channels, k kernel side."""

from __future__ import annotations

import torch
from torch import Tensor


def magnitude(weight: Tensor, generator: torch.Generator) -> Tensor:
    """|w|, the weight's shape. Han et al. 2015, arXiv:1506.02626. Uses no chance."""
    return weight.detach().abs()


def fisher(weight: Tensor, generator: torch.Generator, square: Tensor) -> Tensor:
    """w² · E[(∂L/∂w)²], the weight's shape: what the loss gains, to second order, when w is set to zero, with the
    empirical Fisher matrix's diagonal for the Hessian's and up to the factor ½ (LeCun et al. 1990, Optimal Brain
    Damage, eq. 5; Theis et al. 2018, arXiv:1801.05787, eq. 9). square: the weight's shape."""
    return weight.detach().square() * square


def random(weight: Tensor, generator: torch.Generator) -> Tensor:
    """Uniform in [0, 1), the weight's shape: the control."""
    return torch.rand(weight.shape, generator=generator)


def filter_l1(weight: Tensor, generator: torch.Generator) -> Tensor:
    """Σ|w| of each filter or unit: weight (o, i, k, k) or (o, i) → (o,). Li et al. 2017, arXiv:1608.08710."""
    return weight.detach().abs().flatten(1).sum(1)


def filter_random(weight: Tensor, generator: torch.Generator) -> Tensor:
    """Uniform in [0, 1) a filter: weight (o, …) → (o,): the control."""
    return torch.rand(weight.shape[0], generator=generator)
