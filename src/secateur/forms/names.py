"""Nodes and values of an ONNX graph, called after the layers that they came from.

Run-times name what they measure after nodes, or after the values that nodes give once they are fused: with these names
a profile, and any viewer of networks, says where it is in the network that was trained.
"""

from __future__ import annotations

from typing import Any

INPUT = "input"
WRAPPED = "model."  # what Deployed calls the network inside it


def name_after_layers(graph: Any) -> None:
    """'node_Conv_916' → 'body.conv_stem/Conv'. A node without weights belongs to the layer before it: of several, to
    the one that ran last. Inputs, outputs and weights keep their names."""
    weights = {i.name for i in graph.initializer}
    given = {v.name for v in graph.input}
    kept = weights | given | {v.name for v in graph.output} | {""}
    layers: dict[str, tuple[int, str]] = {}  # value → (place of its layer, layer)
    places: dict[str, int] = {}
    renamed: dict[str, str] = {}
    taken: dict[str, int] = {}
    for node in graph.node:
        own = next((_layer(i) for i in node.input if i in weights and _layer(i)), "")
        before = max((layers[i] for i in node.input if i in layers), default=(-1, INPUT))
        place = (places.setdefault(own, len(places)), own) if own and _weighs(node) else before
        label = f"{place[1]}/{node.op_type}"
        taken[label] = taken.get(label, 0) + 1
        node.name = label if taken[label] == 1 else f"{label}_{taken[label]}"
        for i, value in enumerate(node.output):
            layers[value] = place
            if value not in kept:
                renamed[value] = node.name if i == 0 else f"{node.name}:{i}"
    for node in graph.node:
        node.input[:] = [renamed.get(v, v) for v in node.input]
        node.output[:] = [renamed.get(v, v) for v in node.output]
    for value in graph.value_info:
        value.name = renamed.get(value.name, value.name)


def _weighs(node: Any) -> bool:
    return node.op_type in ("Conv", "Gemm", "MatMul", "BatchNormalization", "LayerNormalization", "PRelu", "Mul", "Add")


def _layer(weight: str) -> str:
    """'model.body.conv_stem.weight' → 'body.conv_stem'; "" for a constant that belongs to no layer."""
    name = weight.removesuffix("_bias")
    owner, dot, leaf = name.rpartition(".")
    return owner.removeprefix(WRAPPED) if dot and leaf in ("weight", "bias", "gamma") else ""
