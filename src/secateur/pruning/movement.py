"""Movement pruning: what stays is what training moves away from zero."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from secateur.pruning import masks as masking
from secateur.pruning.regimes import Course, Gradual, over_half


class Movement(Gradual):
    """S ← S − w · ∂L/∂w after every batch, and those of highest S stay (Sanh et al. 2020, arXiv:2005.07683, eq. 2
    and 3); sparsity rises along the cubic of `Gradual`, as theirs does (their eq. 5).

    The gradient is the one at the pruned network, and goes straight through to what is dropped: its weight waits as it
    was, its score goes on, and it comes back where that rises above another's. From `end` on nothing moves.
    """

    def __init__(self, parameters: Mapping[str, Tensor], target: float, **course: Any) -> None:
        super().__init__(parameters, target, **course)
        self.movement = {name: torch.zeros_like(p) for name, p in self.parameters.items()}  # S
        self.waiting = {name: torch.zeros_like(p) for name, p in self.parameters.items()}  # of w, what is dropped

    @torch.no_grad()
    def before_step(self, step: int) -> None:
        if step <= self.end:
            for name, p in self.parameters.items():
                if p.grad is not None:
                    self.movement[name].addcmul_(p + self.waiting[name], p.grad, value=-1)
        super().before_step(step)
        if step == self.end:
            self.waiting = {name: torch.zeros_like(w) for name, w in self.waiting.items()}

    def _select(self, step: int) -> None:
        self.masks = masking.lowest(self.movement, self.sparsity_at(step), self.scope)
        with torch.no_grad():
            for name, p in self.parameters.items():
                whole = p + self.waiting[name]
                p.copy_(whole * self.masks[name])
                self.waiting[name] = whole * ~self.masks[name]

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"movement": dict(self.movement), "waiting": dict(self.waiting)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self.movement, self.waiting = dict(state["movement"]), dict(state["waiting"])


def movement(weights: Mapping[str, Tensor], target: float, course: Course) -> Movement:
    """Over the first half of the steps, as `gradual`."""
    return Movement(weights, target, **over_half(course))
