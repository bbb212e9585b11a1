"""A network that Keras saved, as ours: the study's CNN, or EfficientNet B0 to B7 under a head of dense layers.

Dropout rates are not taken over: they do nothing to a trained network, and ours are the study's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from secateur.errors import UserError
from secateur.models import keras_efficientnet, keras_head
from secateur.models.architecture import Architecture, rebuild
from secateur.models.build import skeleton
from secateur.models.keras_file import Dataset, opened
from secateur.models.keras_input import Normalisation, normalisation
from secateur.models.keras_layers import Graph, Layer, graph, misfit
from secateur.models.keras_walk import Pair, Walk

Weights = Callable[[Layer], list[Dataset]]


@dataclass(frozen=True, slots=True)
class Imported:
    """A network of others, and what is known of it."""

    model: nn.Module
    backbone: str
    classes: int
    input_px: int
    options: dict[str, str]
    normalisation: Normalisation
    format: str


def read(path: Path) -> Imported:
    """The network of a .keras or .h5 file, in eval mode; its outputs are logits.

    Raises UserError that names the first layer that does not fit, or what is wrong with the file.
    """
    try:
        with opened(path) as file:
            described = graph(file.model_config)
            return _imported(described, file.weights, f"{file.format}, Keras {file.keras or 'of an unknown release'}")
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _imported(described: Graph, weights: Weights, format: str) -> Imported:
    px, classes = _side(described), _classes(described)
    efficient = keras_efficientnet.is_one(described)
    backbone = keras_efficientnet.backbone(described) if efficient else "cnn"
    top = keras_head.head(described) if efficient else None
    options = {"pool": top.pool, "head": top.name} if top else {}
    model = skeleton(backbone, classes, px, options)
    on = Walk(described, px)
    scaled = normalisation(
        on, lambda layer: [list(map(float, d[()].flat)) for d in _small(layer, weights)], not efficient
    )
    on_top: dict[str, torch.Tensor] = {}
    if top:
        side = keras_efficientnet.walk(on, model, top)
        if not (top.plain and top.pool != "flatten"):
            on_top = _on_top(top, weights, model, side)
    else:
        assert isinstance(model, nn.Sequential)
        on.chain("", model)
        on.end()
    tensors = {name: torch.zeros((), dtype=torch.long) for name in model.state_dict() if name.endswith("_tracked")}
    for pair in on.pairs:
        tensors |= _tensors(pair, weights(pair.layer))
    tensors |= on_top
    rebuilt = rebuild(Architecture(backbone, classes, px, options=options), tensors)
    return Imported(rebuilt, backbone, classes, px, options, scaled, format)


def _on_top(top: keras_head.Head, weights: Weights, model: Any, side: int) -> dict[str, torch.Tensor]:
    """The dense layers of our head, out of whatever norms stand among Keras's."""
    dense = [name for name, module in model.head.named_children() if isinstance(module, nn.Linear)]
    wide = model.head.get_submodule(dense[0]).in_features
    grid = (side, side, wide // side**2) if top.pool == "flatten" else None
    found = {}
    for name, (kernel, bias) in zip(dense, keras_head.folded(top, weights, wide, grid), strict=True):
        found[f"head.{name}.weight"] = torch.from_numpy(np.ascontiguousarray(kernel.astype(np.float32)))
        found[f"head.{name}.bias"] = torch.from_numpy(bias.astype(np.float32))
    return found


def _side(described: Graph) -> int:
    said = described.shapes[0] if described.shapes else ()
    if len(said) != 4 or not all(isinstance(n, int) for n in said[1:]):
        raise UserError("it does not say how large its photos are: build it with an input_shape, such as (224, 224, 3)")
    _, height, width, channels = said
    if height != width or channels != 3:
        raise UserError(f"it takes {height} × {width} × {channels}; expected square photos of three colours")
    return int(height or 0)


def _classes(described: Graph) -> int:
    last = described.layers[described.output]
    if last.kind != "Dense":
        what = f"activation {last.config['activation']}" if last.kind == "Activation" else "it"
        raise misfit(last, f"{what} is the last; expected a dense layer with softmax")
    units = last.config.get("units")
    if not isinstance(units, int) or units < 2:
        raise misfit(last, f"units is {units}, expected one a class, two at least")
    return units


def _small(layer: Layer, weights: Weights) -> list[Dataset]:
    """Mean and variance of a Normalization layer, and how many photos they were taken of."""
    held = weights(layer)
    shapes = [d.shape for d in held]
    if shapes not in ([(3,), (3,), ()], [(3,), (3,)]):
        raise misfit(layer, f"its weights have shapes {shapes}, expected a mean and a variance a channel")
    return held


def _tensors(pair: Pair, held: Sequence[Dataset]) -> dict[str, torch.Tensor]:
    """Ours out of Keras's arrays, whose shapes are checked before one is read."""
    expected = _expected(pair.module)
    if len(held) != len(expected):
        raise misfit(pair.layer, f"it has {len(held)} weights, expected {len(expected)}")
    found = {}
    for (leaf, shape), dataset in zip(expected.items(), held, strict=True):
        if tuple(dataset.shape) != shape:
            raise misfit(
                pair.layer, f"its {leaf} has shape {list(dataset.shape)}, expected {list(shape)} in Keras's order"
            )
        if dataset.dtype.kind != "f":
            raise misfit(pair.layer, f"its {leaf} is {dataset.dtype}, expected floats")
        values = np.ascontiguousarray(_turned(pair, leaf, dataset[()].astype(np.float32)))
        found[f"{pair.name}.{leaf}"] = torch.from_numpy(values)
    return found


def _expected(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """Our leaf → the shape that Keras gives it, in the order in which Keras writes them."""
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        return dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (module.num_features,))
    shapes: dict[str, tuple[int, ...]] = {}
    if isinstance(module, nn.Conv2d):
        out, of, height, width = module.weight.shape
        shapes["weight"] = (height, width, out, of) if module.groups > 1 else (height, width, of, out)
    elif isinstance(module, nn.Linear):
        shapes["weight"] = (module.in_features, module.out_features)
    if module.bias is not None:
        shapes["bias"] = (len(module.bias),)  # type: ignore[arg-type]
    return shapes


def _turned(pair: Pair, leaf: str, values: Any) -> Any:
    if leaf != "weight" or values.ndim == 1:
        return values
    if isinstance(pair.module, nn.Conv2d):
        # depthwise: (h, w, channel, 1) → (channel, 1, h, w); else (h, w, in, out) → (out, in, h, w)
        return values.transpose((2, 3, 0, 1) if pair.module.groups > 1 else (3, 2, 0, 1))
    if pair.grid:  # Keras flattens (h, w, c), PyTorch (c, h, w)
        assert math.prod(pair.grid) == len(values)
        values = values.reshape(*pair.grid, -1).transpose(2, 0, 1, 3).reshape(len(values), -1)
    return values.T
