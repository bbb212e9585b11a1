"""A network as one ONNX file with its preprocessing inside: uint8 RGB photos in, logits out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from secateur.errors import StepFailed
from secateur.export.converting import converting
from secateur.export.deployed import deployed, example, properties
from secateur.export.names import name_after_layers

OPSET = 20


def export(
    model: nn.Module, preprocess: Mapping[str, Any], labels: Sequence[str], file: Path, metadata: Mapping[str, str]
) -> None:
    """Write `file`. Labels, input size and `metadata` stand in the file's metadata.

    Raises StepFailed naming the reason when the network has an operation that ONNX lacks.
    """
    import onnx

    wrapped = deployed(model, preprocess)
    with converting("ONNX export", "torch.onnx"):
        program = torch.onnx.export(
            wrapped,
            (example(preprocess, 2),),
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
    for item in proto.graph.node:
        del item.metadata_props[:]  # tracing notes: half of a small file, and they name this machine's paths
        item.doc_string = ""
    for value in (*proto.graph.value_info, *proto.graph.input, *proto.graph.output, *proto.graph.initializer):
        del value.metadata_props[:]
    del proto.graph.metadata_props[:]
    name_after_layers(proto.graph)
    onnx.helper.set_model_props(proto, properties(preprocess, labels, metadata))
    file.write_bytes(proto.SerializeToString(deterministic=True))
