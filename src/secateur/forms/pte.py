"""ExecuTorch's form, for phones and small boards: one photo at a time, on XNNPACK's kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from secateur.forms.converting import converting
from secateur.forms.deployed import deployed, example, properties


def convert(
    model: nn.Module, preprocess: Mapping[str, Any], labels: Sequence[str], out: Path, metadata: Mapping[str, str]
) -> None:
    """Write out/model.pte; its metadata are methods that answer with words: `secateur_labels()`.

    Raises StepFailed for an operation that ExecuTorch lacks.
    """
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    said = {name.replace(".", "_"): value for name, value in properties(preprocess, labels, metadata).items()}
    with converting("ExecuTorch"):
        program = torch.export.export(deployed(model, preprocess), (example(preprocess, 1),))
        edge = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()], constant_methods=said)
        made = edge.to_executorch()
    with (out / "model.pte").open("wb") as file:
        made.write_to_file(file)
