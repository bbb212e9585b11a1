"""timm, imported once and only here: networks by name, and what is known of their weights."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from typing import Any

from torch import nn

from secateur.errors import NotKnown, UserError
from secateur.models.torchvision_shim import import_torchvision


@dataclass(frozen=True, slots=True)
class Facts:
    """What timm says of a network's weights; mean and std of pixels in [0, 1]."""

    tag: str  # "tf_efficientnet_b7.aa_in1k"
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    licence: str
    source: str
    input_px: int
    fixed_px: bool  # a vision transformer is built for one size


@cache
def timm() -> Any:
    """The library. Raises UserError where it is not installed."""
    try:
        import_torchvision()
        return importlib.import_module("timm")
    except ImportError as error:
        raise UserError(f"backbones need timm; install it with: pip install 'secateur[train]' ({error})") from error


def known(name: str) -> None:
    """Raises NotKnown with the nearest name where timm has no such network."""
    plain = name.partition(".")[0]
    if not timm().is_model(plain):
        raise NotKnown("backbone", name, ["cnn", *timm().list_models()], see="secateur inspect --help")


def facts(name: str) -> Facts:
    """Of the weights that timm would take for this name. Raises NotKnown."""
    known(name)
    cfg = timm().get_pretrained_cfg(name)
    if cfg is None:
        raise UserError(f"timm knows no pretrained weights for '{name}': give a file, or ask for random ones")
    plain = name.partition(".")[0]
    return Facts(
        tag=f"{plain}.{cfg.tag}" if cfg.tag else plain,
        mean=tuple(cfg.mean),
        std=tuple(cfg.std),
        licence=cfg.license or "not stated",
        source=f"timm hub: {cfg.hf_hub_id}" if cfg.hf_hub_id else cfg.url or "timm",
        input_px=int(cfg.input_size[-1]),
        fixed_px=bool(cfg.fixed_input_size),
    )


def create(name: str, input_px: int, classes: int = 0, pool: str = "") -> nn.Module:
    """The network with fresh weights; `classes` 0: without its last layer. Raises NotKnown, ValueError."""
    known(name)
    plain = name.partition(".")[0]
    more: dict[str, Any] = {"global_pool": pool} if pool else {}
    cfg = timm().get_pretrained_cfg(name)
    if cfg is not None and cfg.fixed_input_size:
        more["img_size"] = input_px
    model: nn.Module = timm().create_model(plain, pretrained=False, num_classes=classes, **more)
    return model
