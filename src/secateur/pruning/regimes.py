"""Regimes: hooks in the one training loop that move or hold masks while a network trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from secateur.pruning import masks as masking
from secateur.pruning import scores
from secateur.pruning.masks import Masks


class Regime(Protocol):
    """What the loop calls. `step` counts optimiser steps from 0."""

    masks: Masks
    end: int  # the step from which the masks stay as they are: no earlier epoch may be kept as the best

    def before_step(self, step: int) -> None:
        """After the gradients are there, before the optimiser moves the weights."""

    def after_step(self, step: int) -> None:
        """After the optimiser moved the weights."""

    def state_dict(self) -> dict[str, Any]:
        """Tensors and numbers only."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""


@dataclass(frozen=True, slots=True)
class Course:
    """What a regime is told of the training that it is for."""

    steps: int  # of the optimiser, in all
    frequency: int  # the most steps between two selections
    scope: str
    seed: int


class Held:
    """Fixed masks: what was pruned stays pruned.

    Gradients of dropped weights are zeroed before the optimiser sees them, so its moments stay zero too; the
    weights are zeroed again after it, so that not even older momentum moves them.
    """

    def __init__(self, parameters: Mapping[str, Tensor], masks: Masks) -> None:
        self.parameters = dict(parameters)
        self.end = 0
        self.masks = {name: mask.to(self.parameters[name].device) for name, mask in masks.items()}
        masking.apply(self.parameters, self.masks)

    def before_step(self, step: int) -> None:
        for name, mask in self.masks.items():
            gradient = self.parameters[name].grad
            if gradient is not None:
                gradient.mul_(mask)

    def after_step(self, step: int) -> None:
        masking.apply(self.parameters, self.masks)

    def state_dict(self) -> dict[str, Any]:
        return {"masks": dict(self.masks)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.masks = dict(state["masks"])


class Gradual(Held):
    """Sparsity rises along a cubic (Zhu & Gupta 2017, eq. 1), the masks taken anew every `frequency` steps:

    s_t = s_f + (s_i − s_f) · (1 − (t − t_0) / (n Δt))³   for t in {t_0, t_0 + Δt, …, t_0 + n Δt}
    """

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        target: float,
        *,
        begin: int,
        end: int,
        frequency: int,
        scope: str = "layer",
        initial: float = 0.0,
    ) -> None:
        self.target, self.initial = target, initial
        self.scope = scope
        kept: Masks = {n: torch.ones_like(p, dtype=torch.bool) for n, p in parameters.items()}
        super().__init__(parameters, kept)
        self.begin, self.end, self.frequency = begin, max(end, begin), max(1, frequency)

    def sparsity_at(self, step: int) -> float:
        """s_t before rounding to elements; `target` from `end` on."""
        if step >= self.end:
            return self.target
        if step < self.begin:
            return 0.0
        passed = (step - self.begin) / (self.end - self.begin)
        return self.target + (self.initial - self.target) * (1 - passed) ** 3

    def before_step(self, step: int) -> None:
        due = self.begin <= step < self.end and (step - self.begin) % self.frequency == 0
        if due or step == self.end:
            self._select(step)
        super().before_step(step)

    def _select(self, step: int) -> None:
        # Dropped weights are zero, so they stand lowest and stay dropped: the masks nest.
        self.masks = masking.lowest(self._scores(), self.sparsity_at(step), self.scope)
        masking.apply(self.parameters, self.masks)

    def _scores(self) -> dict[str, Tensor]:
        generator = torch.Generator()
        found = {}
        for name, parameter in self.parameters.items():
            # A kept weight that happens to be 0 must not fall before one that was dropped earlier.
            found[name] = scores.magnitude(parameter, generator).masked_fill_(~self.masks[name], -1)
        return found


def over_half(course: Course) -> dict[str, Any]:
    """When a schedule rises: over the first half of the steps; the second half trains at the target, as Zhu & Gupta
    advise."""
    return {
        "begin": 0,
        "end": min(course.steps // 2, course.steps - 1),
        "frequency": min(course.frequency, max(1, course.steps // 20)),
        "scope": course.scope,
    }


def gradual(weights: Mapping[str, Tensor], target: float, course: Course) -> Gradual:
    """Magnitudes, over the first half of the steps."""
    return Gradual(weights, target, **over_half(course))
