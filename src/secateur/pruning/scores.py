"""Scores: higher is more worth keeping. Letters: o filters, i input channels, k kernel side."""

from __future__ import annotations

import torch
from torch import Tensor


def magnitude(weight: Tensor, generator: torch.Generator) -> Tensor:
    """|w|, the weight's shape. Han et al. 2015, arXiv:1506.02626. Uses no chance."""
    return weight.detach().abs()


def random(weight: Tensor, generator: torch.Generator) -> Tensor:
    """Uniform in [0, 1), the weight's shape: the control."""
    return torch.rand(weight.shape, generator=generator)


def filter_l1(weight: Tensor, generator: torch.Generator) -> Tensor:
    """Σ|w| of each filter or unit: weight (o, i, k, k) or (o, i) → (o,). Li et al. 2017, arXiv:1608.08710."""
    return weight.detach().abs().flatten(1).sum(1)


def filter_random(weight: Tensor, generator: torch.Generator) -> Tensor:
    """Uniform in [0, 1) a filter: weight (o, …) → (o,): the control."""
    return torch.rand(weight.shape[0], generator=generator)
