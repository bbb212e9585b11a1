"""Keras's EfficientNet B0 to B7 walked beside timm's tf_efficientnet_b0 to b7, which pads as TensorFlow does.

Letters: a block is expand 1×1 (not in the first stage), depthwise, squeeze-and-excite, project 1×1; its input is
added where the shape is the same. Tan & Le 2019, arXiv:1905.11946.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from secateur.errors import UserError
from secateur.models.keras_head import POOLS, Head
from secateur.models.keras_layers import Graph
from secateur.models.keras_walk import Walk, expect

# (blocks, filters of the last convolution) → which: both follow from the paper's depth and width factors.
WHICH = {
    (16, 1280): "b0",
    (23, 1280): "b1",
    (23, 1408): "b2",
    (26, 1536): "b3",
    (32, 1792): "b4",
    (39, 2048): "b5",
    (45, 2304): "b6",
    (55, 2560): "b7",
}


def is_one(graph: Graph) -> bool:
    """Whether to read a network as an EfficientNet: the other one that can be read has no depthwise layer."""
    return any(layer.kind == "DepthwiseConv2D" for layer in graph.layers)


def backbone(graph: Graph) -> str:
    """timm's name of the network. Raises UserError where its size is none of B0 to B7."""
    blocks = sum(layer.kind == "DepthwiseConv2D" for layer in graph.layers)
    filters = [int(layer.config.get("filters") or 0) for layer in graph.layers if layer.kind == "Conv2D"]
    last = filters[-1] if filters else 0
    which = WHICH.get((blocks, last))
    if not which:
        raise UserError(f"{blocks} depthwise layers, the last convolution of {last} filters: no EfficientNet B0 to B7")
    return f"tf_efficientnet_{which}"


def walk(on: Walk, model: Any, head: Head) -> int:
    """From behind the input's normalisation to the end, or to the head's first layer where that is folded; the side of
    the last map. Raises UserError naming the first layer that does not fit."""
    body = model.body
    on.conv("body.conv_stem", body.conv_stem)
    _norm(on, "body.bn1", body.bn1)
    for i, stage in enumerate(body.blocks):
        for j, block in enumerate(stage):
            _block(on, f"body.blocks.{i}.{j}", block)
    on.conv("body.conv_head", body.conv_head)
    _norm(on, "body.bn2", body.bn2)
    side = on.side
    pool = on.step(*POOLS)
    expect(pool, data_format="channels_last")
    upcoming = on.next()
    if upcoming and upcoming.kind == "Flatten":
        on.step("Flatten")
    elif pool.kind != "Flatten":
        expect(pool, keepdims=False)
    if head.plain and head.pool != "flatten":
        on.chain("head.", model.head)
        on.end()
    return side


def _block(on: Walk, name: str, block: Any) -> None:
    start = on.at
    if hasattr(block, "conv_pwl"):
        on.conv(f"{name}.conv_pw", block.conv_pw)
        _norm(on, f"{name}.bn1", block.bn1)
    number = 2 if hasattr(block, "conv_pwl") else 1
    on.conv(f"{name}.conv_dw", block.conv_dw)
    _norm(on, f"{name}.bn{number}", getattr(block, f"bn{number}"))
    _squeeze(on, f"{name}.se", block.se)
    project = "conv_pwl" if hasattr(block, "conv_pwl") else "conv_pw"
    on.conv(f"{name}.{project}", getattr(block, project))
    _norm(on, f"{name}.bn{number + 1}", getattr(block, f"bn{number + 1}"))
    if block.has_skip:
        on.step("Add", beside=start)


def _norm(on: Walk, name: str, module: Any) -> None:
    """timm's batch-norm holds the activation behind it."""
    on.norm(name, module)
    if isinstance(module.act, nn.SiLU):
        on.act("silu")


def _squeeze(on: Walk, name: str, se: Any) -> None:
    """Average, reduce, SiLU, expand, sigmoid; what comes out scales the channels."""
    start, side = on.at, on.side
    expect(on.step("GlobalAveragePooling2D"), keepdims=False, data_format="channels_last")
    expect(on.step("Reshape"), target_shape=[1, 1, se.conv_reduce.in_channels])
    on.side = 1
    on.conv(f"{name}.conv_reduce", se.conv_reduce)
    on.act("silu")
    on.conv(f"{name}.conv_expand", se.conv_expand)
    on.act("sigmoid")
    on.step("Multiply", beside=start)
    on.side = side
