"""timm, imported once and only here: networks by name, and what is known of their weights."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from secateur.errors import NotKnown, UserError
from secateur.models.torchvision_shim import import_torchvision

FLATTEN = "flatten"  # no pooling: every place of the last map is a feature of its own
OWN = "own"  # the pooling that timm's network has by itself: a class token, or a query of attention, for one
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, as timm has them for whatever it says nothing of
USUAL_PX = 224


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
    """Of the weights that timm would take for this name; of a network without any, timm's usual. Raises NotKnown."""
    known(name)
    plain = name.partition(".")[0]
    cfg = timm().get_pretrained_cfg(name)
    if cfg is None:
        return Facts(plain, MEAN, STD, "not stated", "timm", USUAL_PX, False)
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
    """The network with fresh weights; `classes` 0: without its last layer; `pool` "" or OWN: as timm pools it.

    Whatever the pool, it has the tensors that its published weights have. Raises NotKnown, ValueError.
    """
    known(name)
    plain, pool = name.partition(".")[0], "" if pool == OWN else pool
    size = {"img_size": input_px} if facts(name).fixed_px else {}
    if pool not in ("", FLATTEN) and _renames(plain, pool):
        return _pooled(timm().create_model(plain, pretrained=False, num_classes=classes, **size), classes, pool)
    if pool == FLATTEN:
        return _flattened(timm().create_model(plain, pretrained=False, num_classes=classes, **size, global_pool=""))
    more = size | ({"global_pool": pool} if pool else {})
    model: nn.Module = timm().create_model(plain, pretrained=False, num_classes=classes, **more)
    return model


@cache
def _renames(plain: str, pool: str) -> bool:
    """Does asking for this pool give the network tensors that it has not by itself? A ViT then moves its last norm
    behind the pool, under another name, where no published weights have one."""
    with torch.device("meta"):
        own = timm().create_model(plain, pretrained=False, num_classes=0)
        asked = timm().create_model(plain, pretrained=False, num_classes=0, global_pool=pool)
    return not asked.state_dict().keys() <= own.state_dict().keys()


def _pooled(model: Any, classes: int, pool: str) -> nn.Module:
    """With another pool and the tensors that it has, as timm itself changes a network whose weights are there."""
    try:
        model.reset_classifier(classes, pool)
    except TypeError as error:
        raise ValueError(f"timm pools it in one way only, not by '{pool}': take pool '{OWN}'") from error
    found: nn.Module = model
    return found


def _flattened(model: Any) -> nn.Module:
    """With its last map laid out as a vector, (c, h, w) in this order."""
    if not isinstance(getattr(model, "global_pool", None), nn.Module):
        raise ValueError(f"{type(model).__name__} has no pooling of its own that could be left out: take another pool")
    model.global_pool = nn.Flatten(1)
    found: nn.Module = model
    return found


def resized(state: Mapping[str, Tensor], body: nn.Module) -> dict[str, Tensor]:
    """Tensors that depend on the size of the photos (where a token stands) resampled to that of `body` by timm's own
    rule for the family, as its loader does; all of them as they are where it has none."""
    family = sys.modules[type(body).__module__]
    rule = getattr(family, "checkpoint_filter_fn", None)
    return dict(rule(dict(state), body)) if rule else dict(state)
