"""Small networks for the tests of fine-tuning."""

from __future__ import annotations

import torch
from torch import nn

from secateur.models.build import build

PX, CLASSES = 64, 5
BODIES = ("tf_efficientnet_lite0", "resnet18")


def network(body: str, head: str = "linear", chance: bool = False) -> nn.Module:
    """With statistics that fit its weights, as a pretrained one has; without `chance`, nothing is dropped."""
    model = build(body, CLASSES, PX, 0, {"pool": "avg", "head": head}).to(memory_format=torch.channels_last)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.momentum = None
        if not chance and isinstance(module, nn.Dropout):
            module.p = 0.0
        if not chance and hasattr(module, "drop_prob"):
            module.drop_prob = 0.0
    with torch.no_grad():
        model.train()(photos(16)[0])
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.momentum = 0.1
    return model


def photos(n: int = 7, seed: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """x (n, 3, h, w), y (n,)."""
    chance = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 3, PX, PX, generator=chance).contiguous(memory_format=torch.channels_last)
    return x, torch.randint(0, CLASSES, (n,), generator=chance)
