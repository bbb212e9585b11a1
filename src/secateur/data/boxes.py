"""HEIF and AVIF with sectors that were never written: their decoders notice nothing, or not always.

Neither coder puts out long runs of zeros: HEVC breaks each after two bytes, and AV1 codes a picture of one colour in a
thousand bytes. EXIF, in the same box of the file, may hold any, so the items of the file are told apart.

Source: ISO/IEC 14496-12, 8.11.3 (iloc) and 8.11.6 (iinf); ITU-T H.265, 7.3.1.1.
"""

from __future__ import annotations

from collections.abc import Iterator

from secateur.data.damage import ZEROS

_CODED = (b"hvc1", b"av01", b"hev1", b"avc1")


def zeros_in_picture(data: bytes) -> str:
    """Why the picture is not whole, in a line; "" where it is, or where the file says too little."""
    if bytes(ZEROS) not in data:
        return ""
    meta = next(((begin, end) for kind, begin, end in _boxes(data, 0, len(data)) if kind == b"meta"), None)
    if meta is None:
        return ""
    try:
        parts = {kind: (begin, end) for kind, begin, end in _boxes(data, meta[0] + 4, meta[1])}
        kinds = dict(_kinds(data, *parts[b"iinf"]))
        for item, begin, end in _extents(data, *parts[b"iloc"]):
            if kinds.get(item) in _CODED and data.find(bytes(ZEROS), begin, end) >= 0:
                return "a part of its coded picture is zeros"
    except (KeyError, IndexError):
        pass  # a file of another make; what its decoder said has to do
    return ""


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, where its content begins, where it ends)."""
    while at + 8 <= end:
        size, kind, head = _number(data, at, 4), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = _number(data, at + 8, 8), 16
        size = size or end - at
        if size < head:
            return
        yield kind, at + head, min(at + size, end)
        at += size


def _kinds(data: bytes, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
    """(number, kind) of each item."""
    for kind, at, _ in _boxes(data, begin + (6 if data[begin] == 0 else 8), end):
        if kind == b"infe" and data[at] >= 2:
            wide = 2 if data[at] == 2 else 4
            yield _number(data, at + 4, wide), data[at + 6 + wide : at + 10 + wide]


def _extents(data: bytes, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(number of an item, where a piece of it begins and ends in the file)."""
    version = data[begin]
    sizes = _number(data, begin + 4, 2)
    offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    index = index if version in (1, 2) else 0
    wide = 4 if version == 2 else 2
    count, at = _number(data, begin + 6, wide), begin + 6 + wide
    for _ in range(count):
        item, at = _number(data, at, wide), at + wide
        method = 0
        if version in (1, 2):
            method, at = _number(data, at, 2) & 15, at + 2
        start, at = _number(data, at + 2, base), at + 2 + base
        pieces, at = _number(data, at, 2), at + 2
        for _ in range(pieces):
            at += index
            place, size = _number(data, at, offset), _number(data, at + offset, length)
            at += offset + length
            if at > end:
                return
            if method == 0:  # in the file itself
                yield item, start + place, start + place + size


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")
