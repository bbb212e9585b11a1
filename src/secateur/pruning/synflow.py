"""SynFlow: weights by what flows through them of a picture of ones, without any photo."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from secateur.pruning import masks as masking
from secateur.pruning.masks import Masks

ROUNDS = 100
_GATES = (nn.Sigmoid, nn.Hardsigmoid, nn.Softmax)  # these weigh channels; a network is not linear in them
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def synflow(
    model: nn.Module, weights: Mapping[str, Tensor], target: float, example: Tensor, rounds: int = ROUNDS
) -> Masks:
    """Masks that drop `target` of the weights named in `weights`, all of them compared (Tanaka et al. 2020,
    arXiv:2006.05467, algorithm 1).

    Round k of n keeps (1 − target)^(k/n) of them, those of highest |∂R/∂w · w| with R the sum of the network's answers
    to ones, every weight at its magnitude. So that what flows in flows out (their theorem 1), biases are zero, batch
    norms only scale, and activations pass everything. Works on a copy, in float64. example: (1, 3, px, px).
    """
    linear = _linear(model)
    own = {name: p for name, p in linear.named_parameters() if name in weights}
    for p in linear.parameters():
        p.requires_grad_(False)
    for p in own.values():
        p.requires_grad_(True)
    ones = torch.ones(example.shape, dtype=torch.float64)
    found: Masks = {name: torch.ones(p.shape, dtype=torch.bool) for name, p in own.items()}
    for turn in range(1, rounds + 1):
        linear.zero_grad(set_to_none=True)
        linear(ones).sum().backward()
        with torch.no_grad():
            scores = {name: _flow(p) for name, p in own.items()}
            most = max(float(s.max()) for s in scores.values())
            scored = {n: (s / most if most > 0 else s).float().masked_fill_(~found[n], -1) for n, s in scores.items()}
            sparsity = target if turn == rounds else 1 - (1 - target) ** (turn / rounds)
            found = masking.lowest(scored, sparsity, "global")
            masking.apply(own, found)
    return {name: found[name].to(weights[name].device) for name in weights}


def _flow(p: Tensor) -> Tensor:
    return torch.zeros_like(p) if p.grad is None else (p.grad * p).abs()


@torch.no_grad()
def _linear(model: nn.Module) -> nn.Module:
    """A copy through which everything flows."""
    made = copy.deepcopy(model).cpu().double().eval()
    for p in made.parameters():
        p.abs_()
    for module in list(made.modules()):
        bias = getattr(module, "bias", None)
        if isinstance(bias, Tensor):
            bias.zero_()
        if isinstance(module, _NORMS):
            module.reset_running_stats()
        for name, child in module.named_children():
            if _passes(child):
                setattr(module, name, nn.Identity())
    return made


def _passes(module: nn.Module) -> bool:
    """An activation, torch's or timm's, that is no gate."""
    home = type(module).__module__
    activation = home == "torch.nn.modules.activation" or home.startswith("timm.layers.activations")
    return activation and not isinstance(module, _GATES) and not any(True for _ in module.parameters())
