"""The model in OpenVINO: pip install openvino."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openvino


def load(folder: Path) -> tuple[Callable[[Any], Any], int]:
    """(photos → logits, the side of a photo)"""
    model = openvino.Core().compile_model(folder / "model.xml", "CPU")
    return lambda photos: model(photos)[0], model.inputs[0].partial_shape[1].get_length()
