"""The packed form of an exported file, written; see `packed` for what it is.

Letters: n elements of a tensor, m of them the rarer of zeros and values, c channels.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from secateur.errors import UserError
from secateur.forms.packed import FILTERS, MAGIC

Values = Literal["fp32", "fp16", "int8"]
LEAST = 64  # elements: a smaller tensor stays with the rest
MOST_K = 24
SAMPLES, SAMPLE, NOISE = 16, 4096, 0.99  # looks at a plane of bytes, bytes a look, what of them may stay


@dataclass(frozen=True, slots=True)
class Packed:
    """What came of it."""

    content: bytes
    error: float  # the largest difference of a weight, over the largest weight of its tensor; 0 for fp32
    reference: int  # bytes: n·H(sparsity) bits a tensor, and the values that are not zero at their bits


def pack(content: bytes, values: Values = "fp32") -> Packed:
    """An ONNX file's bytes. Its float32 tensors of two dimensions and more are kept as `values` says, tensors of whole
    numbers as they are. Raises UserError for what is no ONNX file."""
    import onnx

    try:
        graph = onnx.load_from_string(content).graph
    except Exception as error:  # protobuf's own kinds, which differ between its releases
        raise UserError(f"no ONNX file: {type(error).__name__}") from error
    table: list[dict[str, Any]] = []
    streams: list[bytes] = []
    rest: list[bytes] = []
    made: list[bytes] = []
    done, worst, bits = 0, 0.0, 0.0
    for initializer in graph.initializer:
        raw, array = initializer.raw_data, onnx.numpy_helper.to_array(initializer)
        at = content.find(raw, done)
        large = array.size >= LEAST and array.ndim >= 2 and array.dtype.name in ("float32", "int8", "uint8")
        if not raw or at < 0 or not large:
            continue
        found = _tensor(array, values if array.dtype == np.float32 else "raw")
        rest.append(content[done:at])
        made += [rest[-1], found.restored.tobytes()]
        table.append(found.about | {"at": sum(map(len, rest))})
        streams += found.streams
        off = _off(found.restored, array.reshape(-1))
        worst = max(worst, off)
        done, bits = at + len(raw), bits + found.reference_bits
    rest.append(content[done:])
    body = _lzma(b"".join(rest))
    whole = hashlib.sha256(b"".join([*made, rest[-1]])).hexdigest()
    head = {"size": len(content), "sha256": whole, "rest": len(body), "tensors": table}
    words = _lzma(json.dumps(head, separators=(",", ":")).encode())
    packed = b"".join([MAGIC, len(words).to_bytes(4, "big"), words, body, *streams])
    return Packed(packed, worst, int(np.ceil(bits / 8)))


def exactly(source: Path, out: Path) -> float:
    """Write out/model.packed of an exported ONNX file: it becomes that file again when it is loaded."""
    return _write(source, out, "fp32")


def in_fp16(source: Path, out: Path) -> float:
    """The same, weights rounded to float16."""
    return _write(source, out, "fp16")


def in_int8(source: Path, out: Path) -> float:
    """The same, weights rounded to eight bits with a scale a channel."""
    return _write(source, out, "int8")


def _write(source: Path, out: Path, values: Values) -> float:
    """The largest error of a weight: see `Packed`."""
    made = pack(source.read_bytes(), values)
    (out / "model.packed").write_bytes(made.content)
    return made.error


def _off(restored: npt.NDArray[Any], array: npt.NDArray[Any]) -> float:
    """The largest difference over the largest value; of numbers that are none, 0 where they are the same."""
    if np.array_equal(restored, array, equal_nan=restored.dtype.kind == "f"):
        return 0.0
    return float(np.abs(restored.astype(np.float64) - array).max() / np.abs(array.astype(np.float64)).max())


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    about: dict[str, Any]
    streams: list[bytes]
    restored: npt.NDArray[Any]
    reference_bits: float


def _tensor(array: npt.NDArray[Any], values: str) -> _Kept:
    """`values` "raw": as they are, whatever they are."""
    flat = np.ascontiguousarray(array).reshape(-1)
    if values == "fp16" and np.abs(flat).max() > np.finfo(np.float16).max:
        values = "fp32"
    kept = flat != 0  # −0.0, as masks leave it, loses its sign
    m = int(kept.sum())
    rare = "zeros" if 2 * m > len(flat) else "values"
    quotients, remainders, k = rice(~kept if rare == "zeros" else kept)
    chosen, scales, inner = _as(array, flat[kept], kept, values)
    planes = [_least(plane.tobytes()) for plane in chosen.view(np.uint8).reshape(m, chosen.itemsize).T]
    about = {"n": len(flat), "m": min(m, len(flat) - m) if rare == "zeros" else m, "k": k, "rare": rare}
    about |= {"dtype": array.dtype.name, "values": values, "quotients": len(quotients), "remainders": len(remainders)}
    about |= {"planes": [len(plane) for plane in planes]}
    streams = [quotients, remainders, *planes]
    restored = np.zeros_like(flat)
    restored[kept] = chosen
    if values == "int8":
        about |= {"scales": 2 * len(scales), "inner": inner}
        streams.append((scales.view("<u4") >> 16).astype("<u2").tobytes())
        restored[kept] = chosen * scales[np.arange(len(flat))[kept] // inner % len(scales)]
    return _Kept(about, streams, restored, len(flat) * entropy_bits(1 - m / len(flat)) + m * 8 * chosen.itemsize)


def entropy_bits(s: float) -> float:
    """Bits a position, where a fraction s is zero."""
    return 0.0 if s in (0, 1) else float(-s * np.log2(s) - (1 - s) * np.log2(1 - s))


def _as(
    array: npt.NDArray[Any], values: npt.NDArray[Any], kept: npt.NDArray[np.bool_], how: str
) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32], int]:
    """(the kept values in their type, a scale a channel, how many elements stand between two channels)."""
    if how != "int8":
        return values.astype({"fp16": "<f2"}.get(how, values.dtype)), np.zeros(0, np.float32), 1
    best: tuple[float, npt.NDArray[Any], npt.NDArray[np.float32], int] | None = None
    for axis in (0, 1) if array.ndim == 2 else (0,):  # a dense layer stands (c, i) or (i, c)
        others = tuple(d for d in range(array.ndim) if d != axis)
        scales = _bfloat16(np.abs(array).max(others) / np.float32(127))
        inner = int(np.prod(array.shape[axis + 1 :]))
        own = scales[np.arange(array.size)[kept] // inner % len(scales)]
        whole = np.divide(values, own, out=np.zeros_like(values), where=own > 0).round().clip(-127, 127).astype(np.int8)
        error = float(np.square(whole * own - values).sum())
        # half of the error is a bit a value; a scale is sixteen
        price = 16 * len(scales) + len(values) / 2 * float(np.log2(max(error, 1e-30)))
        if best is None or price < best[0]:
            best = price, whole, scales, inner
    assert best is not None
    return best[1:]


def _bfloat16(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Rounded up to the next number of which only the upper two bytes are filled."""
    bits = np.ascontiguousarray(values, "<f4").view("<u4")
    upper: npt.NDArray[np.float32] = ((bits + 0xFFFF) & 0xFFFF0000).astype("<u4").view("<f4")
    return upper


def rice(mask: npt.NDArray[np.bool_]) -> tuple[bytes, bytes, int]:
    """(quotients, remainders, k) of the gaps before the true places; k is the one that takes fewest bits."""
    gaps = np.diff(np.flatnonzero(mask), prepend=-1) - 1
    k = min(range(MOST_K), key=lambda k: int((gaps >> k).sum()) + len(gaps) * k)
    unary = np.ones(int((gaps >> k).sum()) + len(gaps), np.uint8)
    unary[np.cumsum((gaps >> k) + 1) - 1] = 0
    low = (gaps[:, None] >> np.arange(k)[::-1]) & 1
    # the last byte is filled with ones, which end nothing
    padded = np.concatenate([unary, np.ones(-len(unary) % 8, np.uint8)])
    return np.packbits(padded).tobytes(), np.packbits(low.astype(np.uint8).reshape(-1)).tobytes(), k


def _least(plane: bytes) -> bytes:
    """Through lzma where that is less: a stream as long as what it holds is taken as it is. The low bytes of floats are
    noise, which a look at little of them shows."""
    size = max(len(plane) // SAMPLES, 1)
    look = b"".join(plane[i : i + SAMPLE] for i in range(0, len(plane), size))
    if len(plane) > 2 * SAMPLES * SAMPLE and len(_lzma(look)) > NOISE * len(look):
        return plane
    squeezed = _lzma(plane)
    return squeezed if len(squeezed) < len(plane) else plane


def _lzma(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_RAW, filters=FILTERS)
