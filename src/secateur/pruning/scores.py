"""Scores of weights and of single layers' filters: higher is more worth keeping.

Letters: o filters, i input channels, k kernel side. `seen`: piece of evidence → tensor, see `evidence`.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

Seen = Mapping[str, Tensor]


def magnitude(weight: Tensor, generator: torch.Generator) -> Tensor:
    """|w|, the weight's shape. Han et al. 2015, arXiv:1506.02626. Uses no chance."""
    return weight.detach().abs()


def lamp(weight: Tensor, generator: torch.Generator) -> Tensor:
    """w² / Σ v² over all v of the layer that are no smaller, the weight's shape. Lee et al. 2021, arXiv:2010.07611.
    Of equal weights the later one counts as larger, as their sort does. The largest of a layer scores 1, so
    that no threshold below it empties one."""
    squares = weight.detach().double().square().flatten()
    order = squares.argsort(stable=True)
    rising = squares[order]
    no_smaller = rising.flip(0).cumsum(0).flip(0)
    scored = torch.empty_like(rising)
    scored[order] = rising / no_smaller.clamp_min(torch.finfo(torch.float64).tiny)
    return scored.reshape(weight.shape).float()


def fisher(weight: Tensor, generator: torch.Generator, seen: Seen) -> Tensor:
    """w² · E[(∂L/∂w)²], the weight's shape: what the loss gains, to second order, when w is set to zero, with the
    empirical Fisher matrix's diagonal for the Hessian's and up to the factor ½ (LeCun et al. 1990, Optimal Brain
    Damage, eq. 3 and § 2.2; single photos' gradients for it: Theis et al. 2018, arXiv:1801.05787)."""
    return weight.detach().square() * seen["squares"]


def taylor(weight: Tensor, generator: torch.Generator, seen: Seen) -> Tensor:
    """|w| · E[|∂L/∂w|] over photos, the weight's shape: how much the loss changes, to first order, when w is set to
    zero, whichever way. Molchanov et al. 2017 (arXiv:1611.06440, § 2.2, eq. 7) take it of a feature map's output."""
    return weight.detach().abs() * seen["sizes"]


def snip(weight: Tensor, generator: torch.Generator, seen: Seen) -> Tensor:
    """|w · E[∂L/∂w]|, the weight's shape: the sensitivity of the loss to a gate on w (Lee et al. 2019,
    arXiv:1810.02340, § 4.1), without the division by their sum, which moves no order."""
    return (weight.detach() * seen["means"]).abs()


def grasp(weight: Tensor, generator: torch.Generator, seen: Seen) -> Tensor:
    """w · (Hg), the weight's shape: how much the squared gradient falls, to first order, when w is set to zero; what is
    most negative hinders training and goes first (Wang et al. 2020, arXiv:2002.07376, algorithm 1, its sign turned)."""
    return weight.detach() * seen["bends"]


def obs(weight: Tensor, generator: torch.Generator, seen: Seen) -> Tensor:
    """What the weight's going costs its layer when its turn comes, the weight's shape; see `obs.removals`."""
    return seen["removals"]


def wanda(weight: Tensor, generator: torch.Generator, seen: Seen) -> Tensor:
    """|w| · ‖x‖₂ of what w is multiplied with, the weight's shape (Sun et al. 2023, arXiv:2306.11695); the norm
    as a root mean square, which moves no order. A convolution's inputs are those of each kernel place."""
    norms = seen["inputs"].sqrt()  # (i,), or (i of all groups, k, k)
    if weight.dim() == 2:
        return weight.detach().abs() * norms
    groups = len(norms) // weight.shape[1]
    of_each = norms.reshape(groups, 1, *weight.shape[1:]).expand(-1, len(weight) // groups, -1, -1, -1)
    return weight.detach().abs() * of_each.reshape(weight.shape)


def random(weight: Tensor, generator: torch.Generator) -> Tensor:
    """Uniform in [0, 1), the weight's shape: the control."""
    return torch.rand(weight.shape, generator=generator)


def filter_l1(weight: Tensor, generator: torch.Generator) -> Tensor:
    """Σ|w| of each filter or unit: weight (o, i, k, k) or (o, i) → (o,). Li et al. 2017, arXiv:1608.08710."""
    return weight.detach().abs().flatten(1).sum(1)


def filter_l2(weight: Tensor, generator: torch.Generator) -> Tensor:
    """√Σw² of each filter or unit: weight (o, …) → (o,). He et al. 2018, arXiv:1808.06866, with p = 2."""
    return weight.detach().flatten(1).square().sum(1).sqrt()


def filter_fpgm(weight: Tensor, generator: torch.Generator) -> Tensor:
    """Σ_j ‖F_c − F_j‖₂ over the filters of a layer: weight (o, …) → (o,). The least is nearest to their geometric
    median (He et al. 2019, arXiv:1811.00250, § 3). Distances are taken as they are, not by products: filters that
    are alike must come out so."""
    flat = weight.detach().flatten(1)
    return torch.cdist(flat, flat, compute_mode="donot_use_mm_for_euclid_dist").sum(1)


def filter_random(weight: Tensor, generator: torch.Generator) -> Tensor:
    """Uniform in [0, 1) a filter: weight (o, …) → (o,): the control."""
    return torch.rand(weight.shape[0], generator=generator)
