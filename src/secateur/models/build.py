"""A network by the name of its backbone."""

from __future__ import annotations

import torch
from torch import nn

from secateur import catalogue
from secateur.errors import UserError


def build(backbone: str, classes: int, input_px: int, seed: int = 0) -> nn.Module:
    """A network with fresh weights, the same for the same seed; (n, 3, px, px) in [0, 1] → logits (n, classes).

    Raises NotKnown for an unknown backbone, UserError for a size it cannot take.
    """
    row = catalogue.backbone(backbone)
    torch.manual_seed(seed)
    try:
        model: nn.Module = catalogue.load(row.where)(classes, input_px)
    except ValueError as error:
        raise UserError(str(error)) from error
    return model


def skeleton(backbone: str, classes: int, input_px: int) -> nn.Module:
    """The same network on the meta device: shapes without values, in no memory."""
    with torch.device("meta"):
        return build(backbone, classes, input_px)
