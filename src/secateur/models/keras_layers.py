"""What a Keras file says of its network, as one flat graph: nested networks opened, nothing deserialised.

A layer is read as words and numbers, so a Lambda has nothing to run in; it is refused with everything else that is
not listed here. An activation inside a layer becomes a layer of its own, and what does nothing outside training
(dropout, augmentation) is left out, so that one network written in two ways is one graph.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from secateur.errors import UserError

CONTAINERS = {"Functional", "Model", "Sequential"}
IDLE = {"Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout"} | {
    f"Random{what}" for what in ("Flip", "Rotation", "Translation", "Zoom", "Contrast", "Brightness")
}
KNOWN = {
    *("Rescaling", "Normalization", "ZeroPadding2D", "Conv2D", "DepthwiseConv2D", "BatchNormalization", "Activation"),
    *("ReLU", "Softmax", "Add", "Multiply", "Reshape", "GlobalAveragePooling2D", "GlobalMaxPooling2D"),
    *("MaxPooling2D", "Flatten", "Dense"),
}
OURS = ("keras", "tf_keras", "tensorflow")  # modules whose class names mean what they say
SAME_NAME = {"swish": "silu"}


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer, as the file describes it."""

    name: str
    kind: str  # Keras's class name
    config: Mapping[str, Any]
    inputs: tuple[int, ...]  # positions in the graph; () for the network's input alone
    path: tuple[str, ...]  # from the outermost network: its own name last
    address: str  # of its weights in a .keras file


@dataclass(frozen=True, slots=True)
class Graph:
    """Layers in an order in which each stands after its inputs. The first is the network's input."""

    layers: tuple[Layer, ...]
    output: int
    shapes: tuple[tuple[int | None, ...], ...]  # of the input, what is said first standing first


def misfit(layer: Layer, why: str) -> UserError:
    """The one line that names a layer that does not fit."""
    return UserError(f"layer '{layer.name}' ({layer.kind}) does not fit: {why}")


def graph(model_config: Mapping[str, Any]) -> Graph:
    """From "config.json", or the attribute "model_config" of an .h5 file.

    Raises UserError naming the first layer that is of no kind that can be imported, or is used in a way that none is.
    """
    layers = [Layer("input", "InputLayer", {}, (), (), "")]
    shapes: list[tuple[int | None, ...]] = []
    try:
        output = _open(model_config, 0, (), "", layers, shapes)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise UserError(f"its description is of no form that Keras writes ({type(error).__name__}: {error})") from error
    return Graph(tuple(layers), _without_softmax(layers, output), tuple(shapes))


def _without_softmax(layers: list[Layer], output: int) -> int:
    """Ours gives logits; the last softmax is left to whoever wants chances."""
    last = layers[output]
    softmax = last.kind == "Softmax" or (last.kind == "Activation" and last.config["activation"] == "softmax")
    return last.inputs[0] if softmax else output


def _open(
    spec: Mapping[str, Any],
    feed: int,
    path: tuple[str, ...],
    address: str,
    layers: list[Layer],
    shapes: list[tuple[int | None, ...]],
) -> int:
    """Put a network's layers behind `feed` into `layers`; where its output stands."""
    if spec["class_name"] not in CONTAINERS:
        raise UserError(f"it holds a {spec['class_name']}, which is no network of layers that can be read")
    config = spec["config"]
    inner = config if isinstance(config, list) else config["layers"]  # a list: Keras before 2.3
    chain = spec["class_name"] == "Sequential"
    used: dict[str, int] = {}  # of class names, as the .keras format numbers them
    placed: dict[str, int] = {}
    before = feed
    for one in inner:
        kind, name = one["class_name"], one["config"].get("name") or one.get("name", "")
        number = used[kind] = used.get(kind, -1) + 1
        own = f"{address}layers/{snake(kind)}{f'_{number}' if number else ''}"
        if feed == 0:
            shape = one["config"].get("batch_shape") or one["config"].get("batch_input_shape")
            if shape and (kind == "InputLayer" or before == 0):
                shapes.append(tuple(shape))
        if kind == "InputLayer":
            placed[name] = feed
            continue
        inputs = (before,) if chain else tuple(placed[n] for n in _inbound(one, name))
        if kind in CONTAINERS:
            if len(inputs) != 1:
                raise UserError(f"network '{name}' has {len(inputs)} inputs; expected one photo")
            placed[name] = before = _open(one, inputs[0], (*path, name), f"{own}/", layers, shapes)
        else:
            placed[name] = before = _place(one, kind, Layer(name, kind, {}, inputs, (*path, name), own), layers)
    if chain:
        if feed == 0 and isinstance(config, dict) and config.get("build_input_shape"):
            shapes.append(tuple(config["build_input_shape"]))
        return before
    outputs = _names(config["output_layers"])
    if len(outputs) != 1:
        raise UserError(f"network '{config.get('name')}' has {len(outputs)} outputs; expected one")
    return placed[outputs[0]]


def _place(spec: Mapping[str, Any], kind: str, plain: Layer, layers: list[Layer]) -> int:
    """Put one layer, and its activation behind it, into `layers`; where its output stands."""
    module = spec.get("module") or OURS[0]
    if kind == "Lambda":
        raise misfit(plain, "it is code, and importing runs none")
    if kind == "PruneLowMagnitude":
        raise misfit(plain, "take tfmot's wrappers off first, with strip_pruning")
    if kind not in KNOWN | IDLE or module.split(".")[0] not in OURS:
        raise misfit(plain, "no network that can be imported has such a layer")
    if kind in IDLE:
        return plain.inputs[0]
    config = dict(spec["config"])
    if kind == "ReLU":
        odd = [k for k in ("max_value", "negative_slope", "threshold") if config.get(k)]
        if odd:
            raise misfit(plain, f"{odd[0]} is {config[odd[0]]}, expected a plain ReLU")
        kind, config = "Activation", {"activation": "relu"}
    activation = _activation(plain, config.pop("activation", None))
    if kind == "Activation":
        config = {"activation": activation}
        if activation == "linear":
            return plain.inputs[0]
        activation = "linear"
    layers.append(Layer(plain.name, kind, config, plain.inputs, plain.path, plain.address))
    if activation != "linear":
        behind = len(layers) - 1
        layers.append(Layer(plain.name, "Activation", {"activation": activation}, (behind,), plain.path, ""))
    return len(layers) - 1


def _activation(layer: Layer, got: Any) -> str:
    """Its name: a word, or the dict that later releases write for a function of their own."""
    if isinstance(got, Mapping) and str(got.get("module", "")).split(".")[0] in OURS:
        got = got.get("config")
    if not isinstance(got, str | None):
        raise misfit(layer, "its activation is none of Keras's own")
    return SAME_NAME.get(got or "linear", got or "linear")


def _inbound(spec: Mapping[str, Any], name: str) -> list[str]:
    """Names of the layers that one takes; a layer is used once in every network that can be imported."""
    calls = spec["inbound_nodes"]
    if len(calls) != 1:
        raise UserError(f"layer '{name}' ({spec['class_name']}) does not fit: it is used {len(calls)} times")
    return _names(calls[0])


def _names(described: Any) -> list[str]:
    """Layers named by ["name", 0, 0, …], as Keras 2 writes a tensor, or by "keras_history", as Keras 3 does."""
    if isinstance(described, Mapping):
        if described.get("class_name") == "__keras_tensor__":
            return [described["config"]["keras_history"][0]]
        return _all(described.values())
    if isinstance(described, list | tuple):
        if len(described) >= 3 and isinstance(described[0], str) and isinstance(described[1], int):
            return [described[0]]
        return _all(described)
    return []


def _all(several: Iterable[Any]) -> list[str]:
    return [name for one in several for name in _names(one)]


def snake(kind: str) -> str:
    """A class name as the .keras format writes it: BatchNormalization is "batch_normalization", Conv2D "conv2d"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=.)(?=[A-Z][a-z])", "_", kind).lower()
