"""What a method asks of a network that this one may not have."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from secateur.models.build import skeleton

_KINDS: dict[str, tuple[type[nn.Module], ...]] = {"batch norm": (nn.BatchNorm1d, nn.BatchNorm2d)}


def lacks(backbone: str, input_px: int, options: Mapping[str, str] | None, need: str) -> bool:
    """Is there none of `need` in what a backbone is made of? Built without values."""
    model = skeleton(backbone, 2, input_px, options)
    return not any(isinstance(m, _KINDS[need]) for m in model.modules())
