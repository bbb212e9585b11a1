"""Scales of 8-bit weights whose products may be summed in 16 bits.

x86 without VNNI multiplies unsigned by signed bytes, adds neighbouring products in 16 bits, and cuts off what is too
large (`vpmaddubsw`). Seven bits for every weight are safe and cost up to four times the error. What must fit is less:
that of two neighbours of one sign, times 255. So a filter's scale is the largest such sum over 127. In the mean over
filters that is 1.26 times the scale of eight bits in EfficientNet-Lite0 (layers 1.14 to 1.32), whose 1×1 convolutions
have one large weight a filter, and 1.59 times in the custom CNN (1.48 to 1.63), where it gains little on seven bits,
which is 1.98 times. `int8` therefore makes both and keeps the better.

Sources: Intel's instruction reference for `vpmaddubsw`; onnxruntime's page on quantisation for the seven bits. In which
order its kernels take weights is nowhere promised: it was seen, and `overflows` looks again at every file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from secateur.forms.runtime import Pixels

DEAD = 1e-4  # of a tensor's largest: a filter of less has no bias of 32 bits in its units, and rounds to nothing
LARGEST = 127  # of one weight, and before rounding of two: 128 · 255 fits into 16 bits with a sign
BATCH = 64
NOISE = 0.01  # of the logits' variance: rounding makes the two ways differ by a thousandth, overflow by a tenth

Array = npt.NDArray[Any]


def scales(file: Path) -> dict[str, list[dict[str, Any]]]:
    """For onnxruntime's TensorQuantOverrides: weight of a float file → a scale for every filter.

    Neighbours are taken as the run-time multiplies them: a convolution's weights (o, i, kh, kw) in the order kh, kw, i.
    A depthwise one is summed in 32 bits and takes all eight. What is neither a convolution nor a product with a matrix
    has no row here.
    """
    import onnx

    graph = onnx.load(file).graph
    arrays = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
    found: dict[str, list[dict[str, Any]]] = {}
    for node in graph.node:
        weight = arrays.get(node.input[1]) if len(node.input) > 1 else None
        said = {a.name: a.i for a in node.attribute}
        if weight is None or (axis := _filters(node.op_type, weight, said)) is None:
            continue
        alone = node.op_type == "Conv" and said.get("group", 1) == len(weight) and weight.shape[1] == 1
        rows = np.moveaxis(weight, axis, 0)
        rows = (np.moveaxis(rows, 1, -1) if weight.ndim > 2 else rows).reshape(len(rows), -1)
        largest = np.abs(rows).max(1) if alone else paired(rows)
        least = DEAD * largest.max() or 1.0
        each = (np.maximum(largest, least) / LARGEST).astype(np.float32)
        found[node.input[1]] = [{"axis": axis, "scale": s, "zero_point": np.int8(0)} for s in each]
    return found


def _filters(op: str, weight: Array, said: Mapping[str, int]) -> int | None:
    """The dimension of the filters; None where a node is none of these."""
    if op == "Conv":
        return 0
    if op == "Gemm":
        return 0 if said.get("transB") else 1
    return 1 if op == "MatMul" and weight.ndim == 2 else None


def paired(rows: Array) -> Array:
    """(o, d) → (o,): the largest sum of two neighbours (0 and 1, 2 and 3, …) of one sign, without it."""
    pairs = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2))).reshape(len(rows), -1, 2)
    positive, negative = np.maximum(pairs, 0).sum(2), np.maximum(-pairs, 0).sum(2)
    most: Array = np.maximum(positive.max(1), negative.max(1))
    return most


def overflows(file: Path, photos: Pixels) -> bool:
    """Whether an INT8 file says other things in whole numbers than the same graph in floating point, which has no
    bounds: another release of the run-time may add in another order. `photos` (n, px, px, 3)."""
    whole, simulated = logits(file, photos), logits(file, photos, whole=False)
    return bool(np.square(whole - simulated).mean() > NOISE * simulated.var())


def logits(file: Path, photos: Pixels, whole: bool = True) -> npt.NDArray[np.float32]:
    """(n, classes). `whole`: as the run-time computes it, in whole numbers where the graph lets it."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    levels = ort.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if whole else levels.ORT_DISABLE_ALL
    session = ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    batches = np.array_split(photos, -(-len(photos) // BATCH))
    return np.concatenate([session.run(None, {"photos": np.ascontiguousarray(b)})[0] for b in batches])
