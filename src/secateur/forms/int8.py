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
from secateur.forms.int8_scales import logits, overflows, scales
from secateur.forms.runtime import Pixels

PHOTOS = 200  # to calibrate with
LEAST = 20
BATCH = 8
FAMILY = "secateur.int8_for"  # in the file's metadata: the kind of processor that it was made for
WEIGHTS = "secateur.int8_weights"  # likewise, how weights were rounded: one of the three below
EIGHT, IN_PAIRS, SEVEN = "8 bits", "8 bits, pairs within 16", "7 bits"


def quantize(file: Path, photos: Pixels, out: Path, *, family: str, in_16_bits: bool = False) -> None:
    """Write `out`, an INT8 version of `file` (ours, FP32). `photos` (n, px, px, 3): of training, never of the test.

    `in_16_bits`: for processors that sum two products in 16 bits, x86 without VNNI; see `_in_16_bits`. `family` and
    how weights were rounded are kept in the file's metadata, beside what `file` has there.

    Raises StepFailed for too few photos, or an operation that cannot be quantised.
    """
    import onnx
    from onnxruntime.quantization.shape_inference import quant_pre_process

    if len(photos) < LEAST:
        raise StepFailed(f"INT8 needs at least {LEAST} photos to calibrate with, got {len(photos)}")
    with tempfile.TemporaryDirectory(dir=out.parent) as folder, converting("INT8"):
        folded, made, weights = Path(folder, "folded.onnx"), Path(folder, "int8.onnx"), EIGHT
        quant_pre_process(file, folded, skip_symbolic_shape=True)
        if in_16_bits:
            made, weights = _in_16_bits(folded, photos)
        else:
            _static(folded, photos, made, {})
        proto = onnx.load(made)
    told = {p.key: p.value for p in onnx.load(file, load_external_data=False).metadata_props}
    del proto.metadata_props[:]
    onnx.helper.set_model_props(proto, told | {FAMILY: family, WEIGHTS: weights})
    out.write_bytes(proto.SerializeToString(deterministic=True))


def _in_16_bits(folded: Path, photos: Pixels) -> tuple[Path, str]:
    """A file beside `folded` of which no pair of products overflows 16 bits, and how its weights were rounded.

    Eight bits with scales such that no pair overflows (see `int8_scales`), or seven for every weight: which errs less
    depends on how alike a filter's neighbouring weights are. Both are made, and the one is taken whose answers on the
    calibration photos are nearer to the float graph's (mean square of the logits' difference); seven where the other
    is seen to overflow all the same."""
    pairs, seven = folded.with_name("pairs.onnx"), folded.with_name("seven.onnx")
    _static(folded, photos, pairs, {"TensorQuantOverrides": scales(folded)})
    _static(folded, photos, seven, {}, reduce_range=True)
    if overflows(pairs, photos[:LEAST]):
        return seven, SEVEN
    said = logits(folded, photos)
    off = [float(np.square(logits(file, photos) - said).mean()) for file in (pairs, seven)]
    return (pairs, IN_PAIRS) if off[0] <= off[1] else (seven, SEVEN)


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
