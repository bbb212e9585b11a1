"""A network's shape with weights that have learnt nothing."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def renewed(model: nn.Module, seed: int) -> nn.Module:
    """`model`, whatever was cut from it, with weights drawn as `cnn` draws them: Glorot uniform, biases zero, batch
    norms at one and zero. The same for the same seed. Raises ValueError for another kind of layer with weights."""
    torch.manual_seed(seed)
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.reset_parameters()
        elif any(True for _ in module.parameters(recurse=False)):
            raise ValueError(f"'{name}' is a {type(module).__name__}: how it begins is not known here")
    return model
