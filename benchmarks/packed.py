"""How small the packed form is: against gzip and zstandard of the same exported file, and PROTOCOL's reference.

Claim: within 5 % of the reference, n·H(sparsity) bits a tensor for the places and the kept values at their bits.

    python benchmarks/packed.py FILE.onnx …
    python benchmarks/packed.py DENSE.onnx --zeros 0.5 0.7 0.9 0.95     # lowest magnitudes of each tensor set to zero

Files of trained networks, as a study exports them: fresh weights, drawn from one box, have exponents that compress to
nothing. One run says all: sizes have no noise.
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path

import numpy as np
import onnx
import zstandard

from secateur.forms.packed import unpack
from secateur.forms.packing import pack

TARGET = 1.05


def thinned(content: bytes, sparsity: float) -> bytes:
    """With the lowest magnitudes of every float tensor of two dimensions and more set to zero."""
    model = onnx.load_from_string(content)
    for initializer in model.graph.initializer:
        array = np.array(onnx.numpy_helper.to_array(initializer))
        if array.ndim >= 2 and array.dtype == np.float32:
            places = np.argsort(np.abs(array), axis=None, kind="stable")[: round(sparsity * array.size)]
            array.reshape(-1)[places] = 0
            initializer.CopyFrom(onnx.numpy_helper.from_array(array, initializer.name))
    return bytes(model.SerializeToString(deterministic=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--zeros", nargs="+", type=float, default=[])
    asked = parser.parse_args()
    print("zeros, file, gzip, zstd; packed as fp32, fp16, int8 (of the reference, of gzip)")
    files = [file.read_bytes() for file in asked.files]
    for content in [thinned(f, s) for f in files for s in asked.zeros] or files:
        tensors = [onnx.numpy_helper.to_array(i) for i in onnx.load_from_string(content).graph.initializer]
        zeros = 1 - sum(int(np.count_nonzero(t)) for t in tensors) / sum(t.size for t in tensors)
        gzip, zstd = len(zlib.compress(content, 9)), len(zstandard.ZstdCompressor(level=19).compress(content))
        words = []
        for values in ("fp32", "fp16", "int8"):
            made = pack(content, values)  # type: ignore[arg-type]
            unpack(made.content)
            ratio = len(made.content) / made.reference
            missed = "" if ratio <= TARGET else " MISSED"
            words.append(f"{len(made.content):,} ({ratio:.3f}, {len(made.content) / gzip:.2f}){missed}")
        print(f"{zeros:6.1%}  {len(content):,}  {gzip:,}  {zstd:,}  {'  '.join(words)}", flush=True)


if __name__ == "__main__":
    main()
