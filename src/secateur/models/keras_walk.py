"""A Keras graph walked beside our network: every layer checked, and noted whose weights go where.

Our network, on the meta device, says what is expected: there is no second list of widths, strides and paddings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import nn

from secateur.models.keras_layers import Graph, Layer, misfit

ABSENT = {"groups": 1, "dilation_rate": [1, 1], "data_format": "channels_last", "keepdims": False}  # in old releases


@dataclass(frozen=True, slots=True)
class Pair:
    """One of our modules, and the Keras layer that holds its weights."""

    name: str  # "body.blocks.0.0.conv_dw"
    module: nn.Module
    layer: Layer
    grid: tuple[int, int, int] | None = None  # (h, w, c) that was flattened into a dense layer's inputs


def expect(layer: Layer, **wanted: Any) -> None:
    """Raises UserError naming the first setting of a layer that is not as wanted."""
    for key, value in wanted.items():
        got = layer.config.get(key, ABSENT.get(key))
        got = list(got) if isinstance(got, tuple) else got
        near = isinstance(got, float) and isinstance(value, float) and math.isclose(got, value, rel_tol=1e-6)
        if got != value and not near:
            raise misfit(layer, f"{key} is {got}, expected {value}")


class Walk:
    """A place in a graph that moves on as layers fit. `side` is that of the square map there, in pixels."""

    def __init__(self, graph: Graph, side: int) -> None:
        self.graph, self.side = graph, side
        self.at = 0
        self.pairs: list[Pair] = []
        self._takers: dict[int, list[int]] = {}
        for place, layer in enumerate(graph.layers):
            for source in layer.inputs:
                self._takers.setdefault(source, []).append(place)

    def next(self) -> Layer | None:
        """The layer behind this place, where the way does not fork or end."""
        takers = self._takers.get(self.at, [])
        return self.graph.layers[takers[0]] if len(takers) == 1 and self.at != self.graph.output else None

    def step(self, *kinds: str, beside: int | None = None) -> Layer:
        """Move on to the one layer of these kinds that takes this place, and `beside` where it takes two.

        Raises UserError naming the layer that stands there instead.
        """
        takers = self._takers.get(self.at, [])
        found = [place for place in takers if self.graph.layers[place].kind in kinds]
        wanted = " or ".join(kinds)
        if len(found) != 1:
            if not takers:
                raise misfit(self.graph.layers[self.at], f"nothing stands behind it, expected {wanted}")
            raise misfit(self.graph.layers[takers[0]], f"expected {wanted} in its place")
        layer = self.graph.layers[found[0]]
        inputs = {self.at} if beside is None else {self.at, beside}
        if set(layer.inputs) != inputs or len(layer.inputs) != len(inputs):
            raise misfit(layer, "it takes other layers than expected")
        self.at = found[0]
        return layer

    def end(self) -> None:
        """Raises UserError where the network goes on, or ended before this place."""
        if self.at != self.graph.output:
            behind = self._takers.get(self.at, [self.graph.output])
            raise misfit(self.graph.layers[behind[0]], "expected the network to end before it")

    def conv(self, name: str, module: nn.Conv2d) -> None:
        """A convolution, depthwise where ours is; padded inside, or by a layer before it as much as "same" would."""
        stride, kernel = module.stride[0], module.kernel_size[0]
        padding = "same"
        upcoming = self.next()
        if upcoming and upcoming.kind == "ZeroPadding2D":
            whole = max((math.ceil(self.side / stride) - 1) * stride + kernel - self.side, 0)
            both = [whole // 2, whole - whole // 2]
            expect(self.step("ZeroPadding2D"), padding=[both, both], data_format="channels_last")
            padding = "valid"
        depthwise = module.groups > 1
        layer = self.step("DepthwiseConv2D" if depthwise else "Conv2D")
        own: dict[str, Any] = {"depth_multiplier": 1} if depthwise else {"filters": module.out_channels, "groups": 1}
        expect(
            layer,
            **own,
            kernel_size=list(module.kernel_size),
            strides=list(module.stride),
            padding=padding,
            dilation_rate=[1, 1],
            use_bias=module.bias is not None,
            data_format="channels_last",
        )
        self.side = math.ceil(self.side / stride)
        self.pairs.append(Pair(name, module, layer))

    def norm(self, name: str, module: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
        """A batch-norm over the last axis, as Keras has its channels."""
        layer = self.step("BatchNormalization")
        axis = layer.config.get("axis")
        last = 3 if isinstance(module, nn.BatchNorm2d) else 1
        if axis not in (-1, [-1], last, [last]):
            raise misfit(layer, f"axis is {axis}, expected {last}")
        expect(layer, epsilon=module.eps, center=True, scale=True)
        self.pairs.append(Pair(name, module, layer))

    def act(self, word: str) -> None:
        """An activation, a layer of its own or part of the layer before."""
        expect(self.step("Activation"), activation=word)

    def dense(self, name: str, module: nn.Linear, grid: tuple[int, int, int] | None = None) -> None:
        """A dense layer with a bias; `grid` is the map (h, w, c) that was flattened before it."""
        layer = self.step("Dense")
        expect(layer, units=module.out_features, use_bias=True)
        self.pairs.append(Pair(name, module, layer, grid))

    def chain(self, prefix: str, modules: nn.Sequential) -> None:
        """Layers one after the other. Raises UserError naming the first that does not fit."""
        channels, grid = 0, None
        for name, module in modules.named_children():
            match module:
                case nn.Conv2d():
                    self.conv(prefix + name, module)
                    channels = module.out_channels
                case nn.BatchNorm1d() | nn.BatchNorm2d():
                    self.norm(prefix + name, module)
                case nn.ReLU():
                    self.act("relu")
                case nn.MaxPool2d():
                    pool = self.step("MaxPooling2D")
                    expect(pool, pool_size=[2, 2], strides=[2, 2], padding="valid", data_format="channels_last")
                    self.side //= 2
                case nn.Flatten():
                    expect(self.step("Flatten"), data_format="channels_last")
                    grid = (self.side, self.side, channels)
                case nn.Linear():
                    self.dense(prefix + name, module, grid)
                    grid = None
                case nn.Dropout():
                    pass  # left out of the graph: it does nothing outside training
                case _:
                    raise TypeError(f"'{name}' is a {type(module).__name__}, which no chain of ours has")
