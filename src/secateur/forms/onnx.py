"""A network as one ONNX file with its preprocessing inside: uint8 RGB photos in, logits out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from secateur.errors import StepFailed
from secateur.forms.converting import converting
from secateur.forms.deployed import Deployed, deployed, example, properties
from secateur.forms.names import name_after_layers

OPSET = 20
KEPT = 4  # traced networks, of the last that were exported
MOST = 100_000_000  # bytes of weights that one which is kept may hold
FUSED = "fused_attn"  # timm's switch of attention as one operation
_traced: dict[str, Any] = {}  # what says how a network is built → its graph, not optimised yet


def export(
    model: nn.Module,
    preprocess: Mapping[str, Any],
    labels: Sequence[str],
    file: Path,
    metadata: Mapping[str, str],
    built: str = "",
) -> None:
    """Write `file`. Labels, input size and `metadata` stand in the file's metadata.

    `built`: how the network is built, in words that tell it from every other that this process exports; what has the
    same words and other weights is not traced again, which takes longer than all the rest, and gives the same bytes.

    Raises StepFailed naming the reason when the network has an operation that ONNX lacks.
    """
    import onnx

    wrapped = deployed(model, preprocess)
    with converting("ONNX export", "torch.onnx"):
        proto = _proto(wrapped, preprocess, built)
    for item in proto.graph.node:
        del item.metadata_props[:]  # tracing notes: half of a small file, and they name this machine's paths
        item.doc_string = ""
    for value in (*proto.graph.value_info, *proto.graph.input, *proto.graph.output, *proto.graph.initializer):
        del value.metadata_props[:]
    del proto.graph.metadata_props[:]
    name_after_layers(proto.graph)
    onnx.helper.set_model_props(proto, properties(preprocess, labels, metadata))
    file.write_bytes(proto.SerializeToString(deterministic=True))


def _proto(wrapped: Deployed, preprocess: Mapping[str, Any], built: str) -> Any:
    """The optimised graph, its weights in place; the same bytes whether it was traced before or now."""
    program = _traced.pop(built, None) or _trace(wrapped, preprocess)
    if built and sum(t.nbytes for t in wrapped.state_dict().values()) <= MOST:
        while len(_traced) >= KEPT:
            del _traced[next(iter(_traced))]
        _traced[built] = program
    own = torch.onnx.ONNXProgram(program.model.clone(), None)
    own.apply_weights(wrapped.state_dict())
    own.optimize()
    return own.model_proto


def _trace(wrapped: Deployed, preprocess: Mapping[str, Any]) -> Any:
    """Attention with a table of places behind it, as BEiT's, is one operation whose result torch's decomposition lays
    out otherwise than its tracing says: where that stops the export, it is traced again as the products that it is."""
    try:
        return _graph(wrapped, preprocess)
    except Exception:
        fused = [module for module in wrapped.modules() if getattr(module, FUSED, False)]
        if not fused:
            raise
    try:
        for module in fused:
            setattr(module, FUSED, False)
        return _graph(wrapped, preprocess)
    finally:
        for module in fused:
            setattr(module, FUSED, True)


def _graph(wrapped: Deployed, preprocess: Mapping[str, Any]) -> Any:
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
        optimize=False,
    )
    if program is None:
        raise StepFailed("ONNX export gave nothing")
    return program
