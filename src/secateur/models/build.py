"""A network by the name of its backbone."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from secateur import catalogue
from secateur.errors import UserError
from secateur.models.transfer import transfer


def build(
    backbone: str, classes: int, input_px: int, seed: int = 0, options: Mapping[str, str] | None = None
) -> nn.Module:
    """A network with fresh weights, the same for the same seed; (n, 3, px, px) → logits (n, classes).

    `options`: "pool" and "head" of a transfer network (see `transfer`); the CNN has none.

    Raises NotKnown for an unknown backbone, UserError for a size it cannot take.
    """
    torch.manual_seed(seed)
    where = catalogue.backbone(backbone).where
    try:
        if where:
            model: nn.Module = catalogue.load(where)(classes, input_px)
            return model
        chosen = {"pool": "avg", "head": "linear"} | dict(options or {})
        return transfer(backbone, classes, input_px, **chosen)
    except ValueError as error:
        raise UserError(str(error)) from error


def skeleton(backbone: str, classes: int, input_px: int, options: Mapping[str, str] | None = None) -> nn.Module:
    """The same network on the meta device: shapes without values, in no memory."""
    with torch.device("meta"):
        return build(backbone, classes, input_px, options=options)
