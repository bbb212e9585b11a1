"""A classifier of timm that somebody trained, as ours: the network without its last layer, and that layer on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from secateur.errors import UserError
from secateur.models import foreign, timm_zoo
from secateur.models.architecture import Architecture, rebuild

TOLERANCE = 1e-5  # of the largest logit: the split moves no number, so more is a network that does not split
NOT_OURS = "is no pooled network under one dense layer"
POOLS = ("avg", timm_zoo.OWN)


@dataclass(frozen=True, slots=True)
class Imported:
    """The network, and what timm says of networks of its name."""

    model: nn.Module
    backbone: str
    input_px: int
    options: dict[str, str]
    facts: timm_zoo.Facts
    tensors: str = ""  # which of the file's sets of tensors these are, and which were left, in words


def read(name: str, path: Path, classes: int, input_px: int = 0, tensors: str = "") -> Imported:
    """timm's network `name` with the weights of `path`, in eval mode; input_px 0: timm's size for it. `tensors`: which
    of the file's sets, see `foreign.opened`.

    Raises NotKnown for a name that timm has not, UserError naming the first tensor that does not fit, and for a
    network that is no pooled body under one dense layer.
    """
    if name == "cnn":
        raise UserError("'cnn' is no network of timm; a study's CNN comes by: secateur import keras")
    facts = timm_zoo.facts(name)
    px = input_px or facts.input_px
    opened = foreign.opened(path, tensors)
    plain = name.partition(".")[0]
    try:
        whole = timm_zoo.create(plain, px, classes)
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:
        raise UserError(f"'{name}' cannot be built for {classes} classes at {px} px: {_line(error)}") from error
    state, under = foreign.within(opened.tensors, whole.state_dict())
    _fits(whole.state_dict(), state, path, f"timm's {plain} of {classes} classes")
    whole.load_state_dict(state)
    last = _classifier(whole, plain)
    expected = _logits(whole, px, name)
    ours = {f"body.{k}": v for k, v in whole.state_dict().items() if not k.startswith(f"{last}.")}
    dense = whole.get_submodule(last)
    assert isinstance(dense, nn.Linear)
    ours["head.fc.weight"] = dense.weight.detach()
    ours["head.fc.bias"] = torch.zeros(classes) if dense.bias is None else dense.bias.detach()
    model, options = _apart(Architecture(plain, classes, px), ours, expected, name)
    said = [opened.said(), f"those under '{under}'" if under else ""]
    return Imported(model, plain, px, options, facts, "; ".join(filter(None, said)))


def _apart(
    plain: Architecture, tensors: Mapping[str, Tensor], expected: Tensor, name: str
) -> tuple[nn.Module, dict[str, str]]:
    """The body and the layer on it, averaged or, where that says something else, pooled as timm pools it; and how.
    Raises UserError where neither gives the logits that are `expected`."""
    why = ""
    for pool in POOLS:
        options = {"pool": pool, "head": "linear"}
        try:
            model = rebuild(replace(plain, options=options), tensors)
        except UserError as error:
            why = why or str(error)
            continue
        unsaved = [where for where, buffer in model.named_buffers() if buffer.is_meta]
        if unsaved:  # tables that timm computes and no weights file holds, as Swin's
            raise UserError(f"'{name}' cannot be saved as tensors alone: '{unsaved[0]}' is in no weights file")
        difference = float(
            (expected - _logits(model, plain.input_px, name)).abs().max() / expected.abs().max().clamp(min=1e-12)
        )
        if difference <= TOLERANCE:
            return model, options
        why = why or f"taken apart, its logits move by {difference:.1e}"
    raise UserError(f"'{name}' {NOT_OURS}: {why}")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]


def _fits(expected: Mapping[str, Tensor], got: Mapping[str, Tensor], path: Path, what: str) -> None:
    for name, tensor in expected.items():
        if name not in got:
            raise UserError(f"{path} lacks '{name}', which {what} has")
        if got[name].shape != tensor.shape:
            raise UserError(f"{path}: '{name}' has shape {list(got[name].shape)}; {what} has {list(tensor.shape)}")
    for name in got:
        if name not in expected:
            raise UserError(f"{path} holds '{name}', which {what} has not")


def _classifier(whole: Any, name: str) -> str:
    """Where the last layer stands. Raises UserError where there is not one dense layer."""
    found = whole.get_classifier()
    if not isinstance(found, nn.Linear):
        raise UserError(f"'{name}' ends in {type(found).__name__}, not in one dense layer: it cannot be taken apart")
    names: dict[nn.Module, str] = {module: where for where, module in whole.named_modules()}
    return names[found]


@torch.no_grad()
def _logits(net: nn.Module, px: int, name: str) -> Tensor:
    """Of the same noise every time, (2, classes). Raises UserError where it cannot be taken, or gives no numbers."""
    noise = torch.randn(2, 3, px, px, generator=torch.Generator().manual_seed(0))
    try:
        logits: Tensor = net.eval()(noise)
    except (AssertionError, RuntimeError, ValueError) as error:
        raise UserError(f"'{name}' cannot take photos of {px} px: {_line(error)}") from error
    if not torch.isfinite(logits).all():
        raise UserError(f"the weights give logits that are not finite, at {px} px")
    return logits
