"""A transfer network: a backbone without its last layer, pooled to a vector, and a new head on it.

Letters: n photos, h = w = input_px, d features.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from secateur.models import timm_zoo
from secateur.models.cnn import KERAS_EPS

POOLS = ("avg", "max", timm_zoo.FLATTEN, timm_zoo.OWN)
HEADS = re.compile(r"linear|study|dense(-[1-9][0-9]{0,4})+")
LINEAR_DROPOUT = 0.2
_wide: dict[tuple[str, int, str], int] = {}  # (backbone, px, pool) → features


class Transfer(nn.Module):
    """(n, 3, h, w), normalised → logits (n, classes)."""

    def __init__(self, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.body, self.head = body, head

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.body(x))
        return logits


def transfer(backbone: str, classes: int, input_px: int, pool: str, head: str) -> Transfer:
    """The network with fresh weights.

    pool: "avg" or "max" over the last map or tokens; "flatten": the map as it is; "own": as timm pools this network.
    head: "linear" (dropout 0.2, dense); "study": dense 128 ReLU – BN – dropout 0.45 – dense 256 ReLU – BN – dropout
    0.45 – dense, begun as Keras does; "dense-256-128": dense 256 ReLU – dropout 0.2 – dense 128 ReLU – dropout – dense.

    Raises NotKnown for an unknown backbone, ValueError for a pool, head or input size that is not possible.
    """
    if pool not in POOLS:
        raise ValueError(f"pool '{pool}' is not known; allowed: {', '.join(POOLS)}")
    if not HEADS.fullmatch(head):
        raise ValueError(f"head '{head}' is not known; allowed: linear, study, dense-256 and the like")
    try:
        body = timm_zoo.create(backbone, input_px, 0, pool)
        wide = features(body, backbone, input_px, pool)
    except (AssertionError, IndexError, RuntimeError, TypeError) as error:
        first = " ".join(str(error).split())[:160]
        if pool != timm_zoo.OWN and _possible(backbone, input_px):
            raise ValueError(f"backbone '{backbone}' cannot be pooled by '{pool}', take pool 'own': {first}") from error
        raise ValueError(f"backbone '{backbone}' cannot take photos of {input_px} px: {first}") from error
    return Transfer(body, _head(head)(wide, classes))


def _possible(backbone: str, input_px: int) -> bool:
    """Does it take photos of this size, pooled as timm pools it?"""
    try:
        with torch.device("meta"):
            features(timm_zoo.create(backbone, input_px), backbone, input_px, timm_zoo.OWN)
    except (AssertionError, IndexError, RuntimeError, TypeError, ValueError):
        return False
    return True


def features(body: nn.Module, backbone: str, input_px: int, pool: str) -> int:
    """d: how many features a photo has. A run on the meta device, once, which also shows that the size is possible: a
    network is built again whenever it is loaded, and the run took longer than all the rest of that."""
    asked = (backbone, input_px, pool)
    if asked not in _wide:
        on_meta = next(body.parameters()).is_meta
        with torch.device("meta"), torch.no_grad():
            probe = body if on_meta else timm_zoo.create(backbone, input_px, 0, pool)
            out = probe.eval()(torch.empty(1, 3, input_px, input_px))
            if not isinstance(out, Tensor) or out.dim() != 2:
                raise ValueError(f"backbone '{backbone}' gives no vector a photo under pool '{pool}'")
            _wide[asked] = int(out.shape[1])
    body.train()
    return _wide[asked]


def linear(wide: int, classes: int) -> nn.Sequential:
    """(n, d) → logits (n, classes)."""
    fc = nn.Linear(wide, classes)
    nn.init.zeros_(fc.bias)
    nn.init.normal_(fc.weight, std=0.01)
    return nn.Sequential(OrderedDict(drop=nn.Dropout(LINEAR_DROPOUT), fc=fc))


def study(wide: int, classes: int) -> nn.Sequential:
    """(n, d) → logits (n, classes): the head of the original study, which has ReLU before BN."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, units in ((1, 128), (2, 256)):
        layers[f"fc{number}"] = nn.Linear(wide, units)
        layers[f"relu{number}"] = nn.ReLU()
        layers[f"bn{number}"] = nn.BatchNorm1d(units, eps=KERAS_EPS)
        layers[f"drop{number}"] = nn.Dropout(0.45)
        wide = units
    layers["fc3"] = nn.Linear(wide, classes)
    return _begun(layers)


def dense(widths: Sequence[int], wide: int, classes: int) -> nn.Sequential:
    """(n, d) → logits (n, classes): dense layers of these widths with ReLU behind them, and one more."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, units in enumerate(widths, start=1):
        layers[f"fc{number}"] = nn.Linear(wide, units)
        layers[f"relu{number}"] = nn.ReLU()
        layers[f"drop{number}"] = nn.Dropout(LINEAR_DROPOUT)
        wide = units
    layers["fc"] = nn.Linear(wide, classes)
    return _begun(layers)


def _begun(layers: OrderedDict[str, nn.Module]) -> nn.Sequential:
    for module in layers.values():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    return nn.Sequential(layers)


def _head(name: str) -> Callable[[int, int], nn.Sequential]:
    if name in ("linear", "study"):
        return {"linear": linear, "study": study}[name]
    return partial(dense, [int(width) for width in name.split("-")[1:]])
