"""RigL: a network that is sparse all the time, its connections moved while it trains."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from secateur.pruning import masks as masking
from secateur.pruning.allocate import erk
from secateur.pruning.masks import Masks
from secateur.pruning.regimes import Course, Held

FRACTION = 0.3  # of a layer's connections move at first: α
LAST = 0.75  # of the steps: from then on the masks stay
UPDATES = 60  # of the masks in a training, at most


class RigL(Held):
    """Every `frequency` steps, in each layer, the smallest weights go and as many grow where the loss's gradient is
    largest, at zero; their number falls as f(t) = α/2 · (1 + cos(π t / T)) of those that are kept (Evci et al. 2020,
    arXiv:1911.11134, algorithm 1). How many weights a layer has never changes.

    The step of the batch that moved them is taken as every other is, where the paper leaves it out.
    """

    def __init__(
        self, parameters: Mapping[str, Tensor], masks: Masks, *, end: int, frequency: int, fraction: float = FRACTION
    ) -> None:
        super().__init__(parameters, masks)
        self.end, self.frequency, self.fraction = end, max(1, frequency), fraction

    def moving(self, step: int) -> float:
        """f(t)."""
        return self.fraction / 2 * (1 + math.cos(math.pi * step / self.end))

    def before_step(self, step: int) -> None:
        if 0 < step < self.end and step % self.frequency == 0:
            with torch.no_grad():
                for name, p in self.parameters.items():
                    if p.grad is not None:
                        self.masks[name] = _moved(p, p.grad, self.masks[name], self.moving(step))
        super().before_step(step)


def _moved(weight: Tensor, gradient: Tensor, mask: Tensor, part: float) -> Tensor:
    kept = int(mask.sum())
    many = int(part * kept)
    if not many or kept == mask.numel():
        return mask
    falling = weight.abs().masked_fill(~mask, torch.inf).flatten().argsort(stable=True)[:many]
    stays = mask.flatten().clone()
    stays[falling] = False
    rising = gradient.abs().flatten().masked_fill(stays, -1).argsort(descending=True, stable=True)[:many]
    stays[rising] = True
    grown = torch.zeros_like(stays)
    grown[rising] = True
    weight.masked_fill_(grown.reshape(mask.shape), 0)
    return stays.reshape(mask.shape)


def rigl(weights: Mapping[str, Tensor], target: float, course: Course) -> RigL:
    """Every layer loses `target` of its weights, at first chosen by chance ("uniform" in the paper's § 3, which keeps
    the first layer dense: it is not among `weights` then); with scope "erk" wide layers lose more than narrow ones
    ("Erdős–Rényi-Kernel")."""
    chance = torch.Generator().manual_seed(course.seed)
    drawn = {name: torch.rand(w.shape, generator=chance) for name, w in weights.items()}
    if course.scope == "erk":
        begin = masking.lowest_counts(drawn, erk({n: tuple(w.shape) for n, w in weights.items()}, target))
    else:
        begin = masking.lowest(drawn, target, course.scope)
    end = max(int(LAST * course.steps), 1)
    return RigL(weights, begin, end=end, frequency=max(1, min(course.frequency, end // UPDATES)))
