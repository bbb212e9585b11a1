"""Penalties: what is added to the gradient so that channels fall silent before they are cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from secateur.errors import UserError
from secateur.pruning.masks import Masks

STRENGTH = 1e-3  # λ of slimming; Liu et al. took 1e-5 to 1e-4 for networks trained ten times as long
LASSO = 1e-3  # λ of the group lasso


class Penalty:
    """A hook that adds to gradients, and holds nothing."""

    def __init__(self) -> None:
        self.masks: Masks = {}
        self.parameters: dict[str, Tensor] = {}
        self.end = 0

    def before_step(self, step: int) -> None:
        """After the gradients are there, before the optimiser moves the weights."""
        raise NotImplementedError

    def after_step(self, step: int) -> None:
        """Nothing is held."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """There is nothing to go on with."""


class Slimming(Penalty):
    """L1 on the scales of batch norms: λ · sign(γ) is added to ∂L/∂γ (Liu et al. 2017, arXiv:1708.06519, eq. 1).

    Raises UserError for a network without batch norms.
    """

    def __init__(self, model: nn.Module, strength: float = STRENGTH) -> None:
        super().__init__()
        norms = (nn.BatchNorm1d, nn.BatchNorm2d)
        self.scales: list[Tensor] = [m.weight for m in model.modules() if isinstance(m, norms) and m.affine]
        if not self.scales:
            raise UserError("slimming needs batch norms, and this network has none")
        self.strength = strength

    @torch.no_grad()
    def before_step(self, step: int) -> None:
        for scale in self.scales:
            if scale.grad is not None:
                scale.grad.add_(scale.sign(), alpha=self.strength)


class GroupLasso(Penalty):
    """L2 norms of filters: λ √d · w / ‖w‖₂ is added to ∂L/∂w for every filter w of d weights (Wen et al. 2016,
    arXiv:1608.03665; the √d of Yuan & Lin 2006, so that long filters do not get off lightly). A filter at zero
    stays there."""

    def __init__(self, model: nn.Module, strength: float = LASSO) -> None:
        super().__init__()
        self.weights: list[Tensor] = [m.weight for m in model.modules() if isinstance(m, nn.Conv2d)]
        self.strength = strength

    @torch.no_grad()
    def before_step(self, step: int) -> None:
        for weight in self.weights:
            if weight.grad is not None:
                flat = weight.flatten(1)
                norms = flat.norm(dim=1).clamp_min(1e-12).view(-1, *[1] * (weight.dim() - 1))
                weight.grad.add_(weight / norms, alpha=self.strength * flat.shape[1] ** 0.5)


PENALTIES: dict[str, type[Slimming] | type[GroupLasso]] = {"slimming": Slimming, "group-lasso": GroupLasso}
