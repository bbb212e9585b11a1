"""An exported file with its arithmetic in 16-bit floats: half of the size, for what computes in them.

A run-time without 16-bit arithmetic, as on most desktop processors, casts to 32 bits and back around every operation.
"""

from __future__ import annotations

from pathlib import Path

from secateur.forms.converting import converting


def convert(source: Path, out: Path) -> None:
    """Write out/model.onnx, the FP16 version of `source` (ours, FP32); photos go in as uint8, logits come out as
    float32, as before. Raises StepFailed for what cannot be converted."""
    import onnx

    with converting("FP16"):
        from onnxruntime.transformers.float16 import convert_float_to_float16

        made = convert_float_to_float16(onnx.load(source), keep_io_types=True)
        (out / "model.onnx").write_bytes(made.SerializeToString(deterministic=True))
