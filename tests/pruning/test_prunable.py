"""Which weights a part of a network has, and what is said of every kind of module."""

from __future__ import annotations

import pytest
from torch import nn

from secateur.errors import NotKnown, UserError
from secateur.models import prunable
from secateur.models.build import build, skeleton


def transfer(backbone: str, head: str) -> nn.Module:
    return skeleton(backbone, 10, 64, {"pool": "avg", "head": head})


def test_the_studys_head_is_the_two_layers_in_front_of_the_classifier():
    model = transfer("mobilenetv2_100", "study")
    head, backbone = prunable.weights(model, part="head"), prunable.weights(model, part="backbone")
    assert list(head) == ["head.fc1.weight", "head.fc2.weight"]
    assert all(name.startswith("body.") for name in backbone)
    assert set(prunable.weights(model)) == {*head, *backbone, "head.fc3.weight"}


def test_a_head_of_one_layer_is_that_layer():
    assert list(prunable.weights(transfer("resnet18", "linear"), part="head")) == ["head.fc.weight"]


def test_the_cnn_is_one_piece():
    model = build("cnn", 10, 16)
    assert prunable.parts(model) == ("all",)
    assert len(prunable.weights(model)) == 8
    with pytest.raises(NotKnown, match="part of this network 'head' is not known"):
        prunable.weights(model, part="head")


def test_spared_layers_are_left_out_and_have_to_be_there():
    model = transfer("resnet18", "linear")
    assert "body.conv1.weight" not in prunable.weights(model, ["body.conv1"])
    with pytest.raises(NotKnown, match=r"did you mean 'body\.conv1'"):
        prunable.weights(model, ["body.conv9"])
    with pytest.raises(UserError, match="nothing to prune in part 'head'"):
        prunable.weights(model, ["head.fc"], "head")


@pytest.mark.parametrize(
    ("backbone", "name", "said"),
    [
        ("tf_efficientnet_b0", "body.conv_stem", "weights, filters"),
        ("tf_efficientnet_b0", "body.blocks.1.0.conv_dw", "depthwise"),
        ("tf_efficientnet_b0", "body.blocks.1.0.se.conv_reduce", "weights, filters"),
        ("tf_efficientnet_b0", "body.blocks.1.0.se.conv_expand", "squeeze-excite"),
        ("tf_efficientnet_b0", "body.blocks.1.0.bn1", "no: scale and shift follow the layer before"),
        ("tf_efficientnet_b0", "head.fc1", "weights, hidden units"),
        ("tf_efficientnet_b0", "head.fc3", "they are the classes"),
        ("tf_efficientnet_b0", "head.drop1", "no: has no weights"),
        ("convnext_tiny", "body.stages.0.blocks.0", "no: parameters of its own"),
        ("convnext_tiny", "body.stages.0.blocks.0.norm", "follow the layers that it normalises"),
        ("convnext_tiny", "body.stages.0.blocks.0.mlp.fc1", "weights, filters"),
        ("resnext50_32x4d", "body.layer1.0.conv2", "whole groups at a time (32)"),
    ],
)
def test_what_is_said_of_a_layer(backbone: str, name: str, said: str):
    model = transfer(backbone, "study")
    assert said in prunable.why(model, name, model.get_submodule(name))
