"""The model in LiteRT: pip install ai-edge-litert."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ai_edge_litert.interpreter import Interpreter


def load(folder: Path) -> tuple[Callable[[Any], Any], int]:
    """(photos → logits, the side of a photo)"""
    model = Interpreter(str(folder / "model.tflite"))
    model.allocate_tensors()
    given, said = model.get_input_details()[0], model.get_output_details()[0]

    def answer(photos: Any) -> Any:
        model.set_tensor(given["index"], photos)
        model.invoke()
        return model.get_tensor(said["index"])

    return answer, int(given["shape"][1])
