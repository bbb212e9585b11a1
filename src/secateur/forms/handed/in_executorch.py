"""The model in ExecuTorch: pip install executorch torch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from executorch.runtime import Runtime


def load(folder: Path) -> tuple[Callable[[Any], Any], int]:
    """(photos → logits, the side of a photo)"""
    program = Runtime.get().load_program(folder / "model.pte")
    method = program.load_method("forward")
    side = method.metadata.input_tensor_meta(0).sizes()[1]

    def answer(photos: Any, program: Any = program) -> Any:  # a method lives no longer than its program
        return method.execute([torch.from_numpy(photos)])[0].numpy()

    return answer, side
