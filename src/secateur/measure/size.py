"""Sizes, the same for every model: weights only, no optimiser state. A zero in a dense file saves nothing until
the file is compressed, so every size is given beside the others."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import zstandard

from secateur.records import Sizes

DEFLATE = 6  # what zip programs take; level 9 saves a hundredth in eight times the time
ZSTD = 12  # level 19 saves a twentieth in eight times the time


def entropy_bits(sparsity: float) -> float:
    """H(s) = −s·log₂ s − (1 − s)·log₂(1 − s): bits a position, when a fraction s is zero. 0 at both ends.

    >>> entropy_bits(0.5)
    1.0
    """
    if sparsity <= 0 or sparsity >= 1:
        return 0.0
    return -sparsity * math.log2(sparsity) - (1 - sparsity) * math.log2(1 - sparsity)


def reference_bytes(layers: Iterable[tuple[int, int]], bits: int = 32) -> int:
    """What a good packed form would take: for each layer (n values, k of them not zero) n·H(1 − k/n) bits for
    the positions and k × `bits` for the values. Rounded up to whole bytes at the end."""
    total = 0.0
    for n, nonzero in layers:
        if n:
            total += n * entropy_bits(1 - nonzero / n) + nonzero * bits
    return math.ceil(total / 8)


def of_file(exported: Path, packed: int) -> Sizes:
    """Of a network that exists as an ONNX file alone, as INT8 ones do: all sizes are those of that file, but for the
    reference and the memory, which count its values at the bits of their types. `packed`: bytes of its packed form."""
    import onnx

    content = exported.read_bytes()
    tensors = [onnx.numpy_helper.to_array(i) for i in onnx.load(exported).graph.initializer]
    values = [(t.size, int(np.count_nonzero(t)), t.itemsize) for t in tensors]
    return Sizes(
        file=len(content),
        deflate=len(zlib.compress(content, DEFLATE)),
        zstd=len(zstandard.ZstdCompressor(level=ZSTD).compress(content)),
        reference=sum(reference_bytes([(n, k)], 8 * width) for n, k, width in values),
        packed=packed,
        onnx=len(content),
        memory=sum(n * width for n, _, width in values),
    )


def sizes(
    weights: Path, exported: Path | None, layers: Iterable[tuple[int, int]], memory: int, packed: int = 0
) -> Sizes:
    """Sizes in bytes of a safetensors file and of the exported file.

    `layers`: (values, values that are not zero) of every tensor; `memory`: bytes of all values once loaded;
    `packed`: bytes of the exported file's packed form.
    """
    content = weights.read_bytes()
    return Sizes(
        file=len(content),
        deflate=len(zlib.compress(content, DEFLATE)),
        zstd=len(zstandard.ZstdCompressor(level=ZSTD).compress(content)),
        reference=reference_bytes(layers),
        packed=packed,
        onnx=exported.stat().st_size if exported else 0,
        memory=memory,
    )
