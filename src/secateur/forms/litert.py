"""LiteRT's form (formerly TensorFlow Lite), for phones and small boards: one photo at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from secateur.forms.converting import converting
from secateur.forms.deployed import deployed, example, properties
from secateur.forms.litert_about import tell


def convert(
    model: nn.Module, preprocess: Mapping[str, Any], labels: Sequence[str], out: Path, metadata: Mapping[str, str]
) -> None:
    """Write out/model.tflite; every property is an entry of the file's metadata, under its name.

    Raises StepFailed for an operation that LiteRT lacks.
    """
    import litert_torch

    with converting("LiteRT"):
        made = litert_torch.convert(deployed(model, preprocess), (example(preprocess, 1),))
        made.export(str(out / "model.tflite"))
    tell(out / "model.tflite", properties(preprocess, labels, metadata))
