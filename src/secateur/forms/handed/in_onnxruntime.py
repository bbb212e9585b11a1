"""The model in ONNX Runtime: pip install onnxruntime."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it sends events to its maker unless this is set before
import onnxruntime


def load(folder: Path) -> tuple[Callable[[Any], Any], int]:
    """(photos → logits, the side of a photo)"""
    content = folder / "model.onnx"
    if (folder / "model.packed").is_file():
        import packed

        content = packed.unpack((folder / "model.packed").read_bytes())
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return lambda photos: session.run(None, {"photos": photos})[0], session.get_inputs()[0].shape[1]
