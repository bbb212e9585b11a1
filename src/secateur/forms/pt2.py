"""torch.export's own form, for programs that have torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from secateur.forms.converting import converting
from secateur.forms.deployed import deployed, example, properties

ABOUT = "secateur.json"  # a file in it: what ONNX calls metadata


def convert(
    model: nn.Module, preprocess: Mapping[str, Any], labels: Sequence[str], out: Path, metadata: Mapping[str, str]
) -> None:
    """Write out/model.pt2, for any number of photos. Raises StepFailed for what cannot be traced."""
    with converting("torch.export"):
        batch = {"photos": {0: torch.export.Dim("n")}}
        program = torch.export.export(deployed(model, preprocess), (example(preprocess, 2),), dynamic_shapes=batch)
    about = json.dumps(properties(preprocess, labels, metadata), ensure_ascii=False)
    torch.export.save(program, out / "model.pt2", extra_files={ABOUT: about})
