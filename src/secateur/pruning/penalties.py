"""Penalties: what is added to the gradient so that channels fall silent before they are cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from secateur.errors import UserError
from secateur.pruning.masks import Masks

STRENGTH = 1e-3  # λ; Liu et al. took 1e-5 to 1e-4 for networks trained ten times as long


class Slimming:
    """L1 on the scales of batch norms: λ · sign(γ) is added to ∂L/∂γ (Liu et al. 2017, arXiv:1708.06519, eq. 1).

    Raises UserError for a network without batch norms.
    """

    def __init__(self, model: nn.Module, strength: float = STRENGTH) -> None:
        norms = (nn.BatchNorm1d, nn.BatchNorm2d)
        self.scales: list[Tensor] = [m.weight for m in model.modules() if isinstance(m, norms) and m.affine]
        if not self.scales:
            raise UserError("slimming needs batch norms, and this network has none")
        self.strength = strength
        self.masks: Masks = {}
        self.parameters: dict[str, Tensor] = {}
        self.end = 0

    @torch.no_grad()
    def before_step(self, step: int) -> None:
        for scale in self.scales:
            if scale.grad is not None:
                scale.grad.add_(scale.sign(), alpha=self.strength)

    def after_step(self, step: int) -> None:
        """Nothing is held."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """There is nothing to go on with."""
