"""The study's custom CNN (shared facts: 5,011,242 values at 100 px and ten classes, as Keras counts them).

Letters: n photos, h = w = input_px.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

WIDTHS = (32, 64, 128)
HIDDEN = 256
KERAS_EPS = 1e-3  # Keras's default; PyTorch's is 1e-5


def cnn(classes: int, input_px: int) -> nn.Sequential:
    """(n, 3, h, w) in [0, 1] → logits (n, classes).

    Three blocks of [conv 3×3 same – BN – ReLU] × 2 – max-pool 2 – dropout 0.25; then flatten, dense 256 – BN –
    ReLU – dropout 0.5, dense. Weights start as Keras's do: Glorot uniform, biases zero.

    Raises ValueError when `input_px` is below 8: three poolings leave nothing.
    """
    if input_px < 8:
        raise ValueError(f"backbone 'cnn' takes photos of at least 8 px, got {input_px}")
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    width, number = 3, 0
    for block, out in enumerate(WIDTHS, start=1):
        for _ in range(2):
            number += 1
            layers[f"conv{number}"] = nn.Conv2d(width, out, 3, padding=1)
            layers[f"bn{number}"] = nn.BatchNorm2d(out, eps=KERAS_EPS)
            layers[f"relu{number}"] = nn.ReLU(inplace=True)
            width = out
        layers[f"pool{block}"] = nn.MaxPool2d(2)
        layers[f"drop{block}"] = nn.Dropout(0.25)
    side = input_px // 8
    layers["flatten"] = nn.Flatten()
    layers["fc1"] = nn.Linear(width * side * side, HIDDEN)
    layers["bn_fc1"] = nn.BatchNorm1d(HIDDEN, eps=KERAS_EPS)
    layers["relu_fc1"] = nn.ReLU(inplace=True)
    layers["drop_fc1"] = nn.Dropout(0.5)
    layers["fc2"] = nn.Linear(HIDDEN, classes)
    model = nn.Sequential(layers)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]  # every layer above has one
    return model
