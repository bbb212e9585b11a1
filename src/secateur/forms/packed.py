"""The packed form of an exported file, read: numpy and the standard library alone, and no code from the file is run.

This file goes with a packed model that is handed on, as it is: it imports nothing of Secateur.

    magic, 4 bytes: how long the table is, the table (lzma), the streams one behind the other

The table is JSON: `rest`, the file without the values of its large tensors (lzma); for each of these where its bytes
belong and how they are kept. Positions: the gaps between the rarer of zeros and values, as Rice codes, quotients in
unary and remainders of k bits each in a stream of their own (Rice & Plaut 1971): within 2.5 % of n·H(sparsity) bits.
Values: as they are, or as float16, or as int8 with a scale a channel (bfloat16); byte by byte through lzma, where that
is less.

Letters: n elements of a tensor, m of them the rarer.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from typing import Any

import numpy as np
import numpy.typing as npt

MAGIC = b"secateur-packed-1\n"
MOST = 1 << 31  # bytes that a file may claim to become
DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(code)
    for name, code in (("float32", "<f4"), ("fp32", "<f4"), ("fp16", "<f2"), ("int8", "i1"), ("uint8", "u1"))
}
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 1 << 20}]  # a compressor made in little memory, and time


class Altered(Exception):
    """A file that is not what it was."""


def is_packed(content: bytes) -> bool:
    return content.startswith(MAGIC)


def unpack(content: bytes) -> bytes:
    """The exported file: with values kept as fp32 every number as it was, a zero without its sign.

    Raises Altered for what is no such file, or was truncated or altered: its checksum is compared.
    """
    try:
        made = _unpacked(content)
    except (ValueError, KeyError, TypeError, IndexError, EOFError, lzma.LZMAError, OverflowError) as error:
        raise Altered(f"the packed file is truncated or altered ({type(error).__name__})") from error
    return made


def _unpacked(content: bytes) -> bytes:
    if not is_packed(content):
        raise ValueError("magic")
    start = len(MAGIC) + 4
    end = start + int.from_bytes(content[len(MAGIC) : start], "big")
    table = json.loads(expand(content[start:end], MOST))
    place = end

    def stream(size: int) -> bytes:
        nonlocal place
        place += size
        if size < 0 or place > len(content):
            raise ValueError("stream")
        return content[place - size : place]

    if not 0 <= table["size"] < MOST:
        raise ValueError("size")
    rest = expand(stream(table["rest"]), table["size"])
    parts, done = [], 0
    for tensor in table["tensors"]:
        parts += [rest[done : tensor["at"]], _tensor(tensor, stream).tobytes()]
        done = tensor["at"]
    made = b"".join([*parts, rest[done:]])
    if place != len(content) or len(made) != table["size"] or hashlib.sha256(made).hexdigest() != table["sha256"]:
        raise ValueError("checksum")
    return made


def expand(data: bytes, most: int) -> bytes:
    """lzma, never more than `most` bytes of it."""
    reader = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=FILTERS)
    made = reader.decompress(data, most + 1)
    if len(made) > most or not reader.eof:
        raise ValueError("longer than it says")
    return made


def _tensor(about: Any, stream: Any) -> npt.NDArray[Any]:
    """(n,) as the exported file holds it."""
    n, dtype = int(about["n"]), DTYPES[about["dtype"]]
    if not 0 <= n * dtype.itemsize < MOST:
        raise ValueError("n")
    kept = positions(stream(about["quotients"]), stream(about["remainders"]), n, about["m"], about["k"])
    if about["rare"] == "zeros":
        kept = ~kept
    raw = dtype if about["values"] == "raw" else DTYPES[about["values"]]
    count = int(kept.sum())
    planes = [stream(size) for size in about["planes"]]
    full = [p if len(p) == count else expand(p, count) for p in planes]
    values = np.frombuffer(b"".join(full), np.uint8).reshape(raw.itemsize, count).T.copy().view(raw).reshape(count)
    made = np.zeros(n, dtype)
    if about["values"] == "int8":
        scales = (np.frombuffer(stream(about["scales"]), "<u2").astype("<u4") << 16).view("<f4")  # bfloat16
        channel = np.arange(n)[kept] // about["inner"] % len(scales)
        made[kept] = values * scales[channel]
    else:
        made[kept] = values
    return made


def positions(quotients: bytes, remainders: bytes, n: int, m: int, k: int) -> npt.NDArray[np.bool_]:
    """(n,): true at the m places whose gaps were coded."""
    ends = np.flatnonzero(np.unpackbits(np.frombuffer(quotients, np.uint8)) == 0)[:m]
    low = np.unpackbits(np.frombuffer(remainders, np.uint8))[: m * k].reshape(m, k)
    gaps = (np.diff(ends, prepend=-1) - 1 << k) + low @ (1 << np.arange(k)[::-1])
    made = np.zeros(n, bool)
    made[np.cumsum(gaps + 1) - 1] = True
    return made
