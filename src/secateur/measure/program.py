"""A program that torch.export saved, opened: only one that this machine has just written.

torch.export reads parts of its files with pickle, which may run code: no file that a user names comes here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from secateur.measure.runtimes import Array, Opened, one_image

KINDS = {torch.uint8: "uint8", torch.float32: "float"}


def open_program(file: Path) -> Opened:
    """Load a .pt2 file of ours."""
    program = torch.export.load(file)
    module = program.module()
    values = {node.name: node.meta["val"] for node in program.graph.nodes if "val" in node.meta}
    seen = []
    for name in program.graph_signature.user_inputs:
        value = values[str(name)]
        sizes = [n if isinstance(n, int) else "n" for n in value.shape]
        seen.append((str(name), sizes, KINDS.get(value.dtype, "other")))
    shape, dtype, fixed = one_image(file, seen)

    @torch.inference_mode()
    def call(x: Array) -> Array:
        return np.asarray(module(torch.from_numpy(x)).numpy())

    return Opened(call, shape, dtype, fixed)
