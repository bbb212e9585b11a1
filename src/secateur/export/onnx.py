"""A network as one ONNX file with its preprocessing inside: uint8 RGB photos in, logits out."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from secateur.errors import StepFailed
from secateur.export.names import name_after_layers

OPSET = 20


class Deployed(nn.Module):
    """(n, px, px, 3) uint8 RGB → logits (n, classes)."""

    scale: Tensor
    shift: Tensor

    def __init__(self, model: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("scale", 1 / (255 * torch.tensor(std)).view(1, 3, 1, 1))
        self.register_buffer("shift", (torch.tensor(mean) / torch.tensor(std)).view(1, 3, 1, 1))

    def forward(self, photos: Tensor) -> Tensor:
        x = photos.permute(0, 3, 1, 2).to(torch.float32) * self.scale - self.shift
        logits: Tensor = self.model(x)
        return logits


def export(
    model: nn.Module, preprocess: Mapping[str, Any], labels: Sequence[str], file: Path, metadata: Mapping[str, str]
) -> None:
    """Write `file`. Labels, input size and `metadata` stand in the file's metadata.

    Raises StepFailed naming the reason when the network has an operation that ONNX lacks.
    """
    import onnx

    px = int(preprocess["input_px"])
    wrapped = Deployed(model.cpu().eval(), preprocess["mean"], preprocess["std"]).eval()
    example = torch.zeros((2, px, px, 3), dtype=torch.uint8)
    try:
        with _quiet():
            program = torch.onnx.export(
                wrapped,
                (example,),
                dynamo=True,
                opset_version=OPSET,
                input_names=["photos"],
                output_names=["logits"],
                dynamic_shapes={"photos": {0: torch.export.Dim("n")}},
                external_data=False,
                verbose=False,
            )
            if program is None:
                raise StepFailed("ONNX export gave nothing")
            proto = program.model_proto
    except torch.onnx.errors.OnnxExporterError as error:
        first = str(error).strip().splitlines()[0]
        raise StepFailed(f"ONNX export: {first}") from error
    for item in proto.graph.node:
        del item.metadata_props[:]  # tracing notes: half of a small file, and they name this machine's paths
        item.doc_string = ""
    for value in (*proto.graph.value_info, *proto.graph.input, *proto.graph.output, *proto.graph.initializer):
        del value.metadata_props[:]
    del proto.graph.metadata_props[:]
    name_after_layers(proto.graph)
    onnx.helper.set_model_props(
        proto,
        {"secateur.labels": json.dumps(list(labels), ensure_ascii=False), "secateur.input_px": str(px), **metadata},
    )
    file.write_bytes(proto.SerializeToString(deterministic=True))


@contextlib.contextmanager
def _quiet() -> Any:
    """The exporter reports its progress and torchvision's absence on every call; neither concerns a user."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
