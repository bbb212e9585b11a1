"""What stands on a Keras network's features, folded: dense layers with ReLU between them, whatever norms are there.

A batch norm that is not followed by an activation is affine, and so is part of the dense layer behind it, or before it:
GlobalAveragePooling2D – BatchNormalization – Dropout – Dense is one dense layer once it is trained, with other numbers.

Letters: c channels, (h, w, c) the map that was flattened, i inputs and o outputs of a dense layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from secateur.errors import UserError
from secateur.models.keras_layers import Graph, Layer, misfit
from secateur.models.keras_walk import expect

POOLS = {"GlobalAveragePooling2D": "avg", "GlobalMaxPooling2D": "max", "Flatten": "flatten"}
HELD = ("Dense", "BatchNormalization", "Activation")
STUDYS = (("Dense", 128), "relu", "norm", ("Dense", 256), "relu", "norm")  # and a dense layer of as many as classes
CAN = "global pooling or Flatten, then dense layers with ReLU between them, batch norms among them"

Floats = npt.NDArray[np.float64]
Weights = Callable[[Layer], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Head:
    """Layers behind the last map, in order; the pool is not among them."""

    pool: str
    layers: tuple[Layer, ...]

    @property
    def plain(self) -> bool:
        """Is it one of the heads that are read layer by layer?"""
        return len(self.layers) == 1 or self.studys

    @property
    def studys(self) -> bool:
        return tuple(map(_word, self.layers[:-1])) == STUDYS

    @property
    def name(self) -> str:
        """As `transfer` calls it: "linear", "study", "dense-256"."""
        if self.studys:
            return "study"
        widths = self._hidden()
        return "-".join(["dense", *map(str, widths)]) if widths else "linear"

    def _hidden(self) -> list[int]:
        """Outputs of every dense layer, or of several with nothing between them, that a ReLU stands behind; of two with
        a norm between them that of the norm."""
        widths, last = [], 0
        for layer in self.layers:
            if layer.kind == "Dense":
                last = int(layer.config["units"])
            elif layer.kind == "Activation":
                widths.append(last)
        return widths


def _word(layer: Layer) -> Any:
    if layer.kind == "Dense":
        return layer.kind, layer.config.get("units")
    return "norm" if layer.kind == "BatchNormalization" else layer.config["activation"]


def head(graph: Graph) -> Head:
    """Of a network, from its end back to its pooling. Raises UserError naming the layer that no such head has."""
    found: list[Layer] = []
    layer = graph.layers[graph.output]
    while layer.kind in HELD:
        if len(layer.inputs) != 1:
            raise misfit(layer, "it takes several layers")
        found.insert(0, layer)
        layer = graph.layers[layer.inputs[0]]
    dense = next((n for n, one in enumerate(found) if one.kind == "Dense"), len(found))
    if layer.kind in ("Conv2D", "DepthwiseConv2D", "Add", "Multiply"):  # the map itself: its norm was gone past, too
        raise UserError("no global pooling stands before its first dense layer: build it with pooling='avg' or 'max'")
    before = graph.layers[layer.inputs[0]] if layer.inputs else layer
    if layer.kind == "Flatten" and before.kind in POOLS:  # of a vector, or of a map one pixel wide: it changes nothing
        layer = before
    if layer.kind not in POOLS:
        raise misfit(layer, f"it stands under the head; expected {CAN}")
    for one in found[:dense]:
        if one.kind == "Activation":
            raise misfit(one, "an activation stands between the pooling and the first dense layer; expected none")
    for one in found:
        if one.kind == "Activation":
            expect(one, activation="relu")
    return Head(POOLS[layer.kind], tuple(found))


def folded(head: Head, weights: Weights, wide: int, grid: tuple[int, int, int] | None) -> list[tuple[Floats, Floats]]:
    """(weight (o, i), bias (o,)) of every dense layer that is left. `wide`: features under the head; `grid`: (h, w, c)
    of the map that was flattened, whose order is ours afterwards: (c, h, w)."""
    scale, shift = np.ones(wide), np.zeros(wide)  # of what the next dense layer takes
    made: list[tuple[Floats, Floats]] = []
    open_ended = False  # is the last one still affine in what it takes?
    for layer in head.layers:
        if layer.kind == "Activation":
            if not open_ended:  # a norm between two activations is part of no dense layer: it is one by itself
                made.append((np.diag(scale), shift))
            open_ended = False
            scale, shift = np.ones(len(made[-1][1])), np.zeros(len(made[-1][1]))
        elif layer.kind == "BatchNormalization":
            by, more = _norm(layer, weights, len(made[-1][1]) if open_ended else len(scale))
            if open_ended:
                kernel, bias = made[-1]
                made[-1] = (kernel * by[:, None], bias * by + more)
            else:
                scale, shift = scale * by, shift * by + more
        else:
            kernel, bias = _dense(layer, weights, len(made[-1][1]) if open_ended else len(scale))
            if open_ended:  # nothing stands between two dense layers: they are one
                before, its_bias = made[-1]
                made[-1] = (kernel @ before, kernel @ its_bias + bias)
            else:
                made.append((kernel * scale, kernel @ shift + bias))
            open_ended = True
    if grid:
        kernel, bias = made[0]
        made[0] = (kernel.reshape(-1, *grid).transpose(0, 3, 1, 2).reshape(len(kernel), -1), bias)
    return made


def _dense(layer: Layer, weights: Weights, inputs: int) -> tuple[Floats, Floats]:
    units, biased = layer.config.get("units"), layer.config.get("use_bias", True)
    held = _shaped(layer, weights, [(inputs, units)] + ([(units,)] if biased else []))
    return held[0].T, held[1] if biased else np.zeros(len(held[0].T))


def _norm(layer: Layer, weights: Weights, wide: int) -> tuple[Floats, Floats]:
    """(scale, shift) a feature, in eval mode: γ · (x − μ) / √(σ² + ε) + β."""
    axis = layer.config.get("axis")
    if axis not in (-1, [-1], 1, [1]):
        raise misfit(layer, f"axis is {axis}, expected the last")
    scaled, centred = (layer.config.get(key, True) for key in ("scale", "center"))
    held = list(_shaped(layer, weights, [(wide,)] * (2 + bool(scaled) + bool(centred))))
    gamma = held.pop(0) if scaled else np.ones(wide)
    beta = held.pop(0) if centred else np.zeros(wide)
    mean, variance = held
    epsilon = layer.config.get("epsilon", 1e-3)
    if not isinstance(epsilon, float) or not math.isfinite(epsilon) or (variance + epsilon).min() <= 0:
        raise misfit(layer, f"its variances and epsilon {epsilon} have no root")
    by = gamma / np.sqrt(variance + epsilon)
    return by, beta - mean * by


def _shaped(layer: Layer, weights: Weights, expected: Sequence[tuple[Any, ...]]) -> list[Floats]:
    """A layer's arrays, whose shapes and types are checked before one is read."""
    held = weights(layer)
    shapes = [tuple(d.shape) for d in held]
    if shapes != list(expected):
        raise misfit(layer, f"its weights have shapes {shapes}, expected {list(expected)}")
    for dataset in held:
        if dataset.dtype.kind != "f":
            raise misfit(layer, f"its weights are {dataset.dtype}, expected floats")
    return [np.asarray(d[()], dtype=np.float64) for d in held]
