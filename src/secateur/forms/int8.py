"""An exported file with weights and activations in 8 bits: a quarter of the size, and what pruning must beat.

Static quantisation in QDQ form (Jacob et al. 2018, arXiv:1712.05877): weights signed and symmetric, a scale for every
filter; activations unsigned, one scale a tensor, from the least and the largest value that calibration photos gave.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from secateur.errors import StepFailed
from secateur.forms.converting import converting
from secateur.forms.int8_scales import overflows, scales
from secateur.forms.runtime import Pixels

PHOTOS = 200  # to calibrate with
LEAST = 20
BATCH = 8
FAMILY = "secateur.int8_for"  # in the file's metadata: the kind of processor that it was made for


def quantize(file: Path, photos: Pixels, out: Path, *, family: str, in_16_bits: bool = False) -> None:
    """Write `out`, an INT8 version of `file` (ours, FP32). `photos` (n, px, px, 3): of training, never of the test.

    `in_16_bits`: for processors that sum two products in 16 bits, x86 without VNNI. Scales are such that none overflows
    (see `int8_scales`); where that is seen to fail, weights take 7 bits. `family` is kept in the file's metadata,
    beside what `file` has there.

    Raises StepFailed for too few photos, or an operation that cannot be quantised.
    """
    import onnx
    from onnxruntime.quantization.shape_inference import quant_pre_process

    if len(photos) < LEAST:
        raise StepFailed(f"INT8 needs at least {LEAST} photos to calibrate with, got {len(photos)}")
    with tempfile.TemporaryDirectory(dir=out.parent) as folder, converting("INT8"):
        folded, made = Path(folder, "folded.onnx"), Path(folder, "int8.onnx")
        quant_pre_process(file, folded, skip_symbolic_shape=True)
        _static(folded, photos, made, {"TensorQuantOverrides": scales(folded)} if in_16_bits else {})
        if in_16_bits and overflows(made, photos[:LEAST]):
            _static(folded, photos, made, {}, reduce_range=True)
        proto = onnx.load(made)
    told = {p.key: p.value for p in onnx.load(file, load_external_data=False).metadata_props}
    del proto.metadata_props[:]
    onnx.helper.set_model_props(proto, told | {FAMILY: family})
    out.write_bytes(proto.SerializeToString(deterministic=True))


def _static(folded: Path, photos: Pixels, out: Path, extra: dict[str, Any], reduce_range: bool = False) -> None:
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    quantize_static(
        folded,
        out,
        _Reader(photos),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=reduce_range,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        extra_options=extra,
    )


class _Reader:
    """Calibration photos, a few at a time, as the quantiser asks for them."""

    def __init__(self, photos: Pixels) -> None:
        self.batches: Iterator[Pixels] = iter(np.array_split(photos, -(-len(photos) // BATCH)))

    def get_next(self) -> dict[str, Any] | None:
        batch = next(self.batches, None)
        return None if batch is None else {"photos": np.ascontiguousarray(batch)}
