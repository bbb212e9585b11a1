"""Whether a picture that a decoder accepted has rows missing, or painted with something else.

libjpeg goes on over anything, grey where nothing came, and says so in a warning that Pillow drops. Of its dozen
warnings some tell of a harmless file (bytes between segments, scan parameters of some phones, an odd colour transform),
some of a broken one, and of several only the last is handed on. So words are a hint, and bytes decide: a decoder that
looks past the end of a scan draws another picture when other bytes stand there. Where the words are not to be had
(this file stands beside a model that is handed on, and needs Pillow alone there), that is what tells missing rows.

Source: ITU-T T.81 (JPEG), annexes B, F and G; RFC 9649 (WebP), section 2; jerror.h of libjpeg-turbo.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

try:
    import simplejpeg
except ImportError:  # this file also goes with a model that is handed on, and there it may be missing
    simplejpeg = None

ZEROS = (
    512  # bytes: a sector that was never written; no entropy coder puts out as many, but for a picture of one colour
)
# Pictures of one colour hold runs of zeros as WebP: of up to 2,800 bytes a megapixel at quality 100, 100 at 80.
PIXELS_A_ZERO = 330
REST, REST_PART, REST_VALUES = 512, 0.02, 64  # of coded bytes that no row used: so many, such a part, so mixed

_SPOILT = (
    ("premature end", "its coded rows end early (the rest is grey, or coarse)"),
    ("bad huffman code", "its coded rows are broken"),
    ("bad arithmetic code", "its coded rows are broken"),
    ("instead of rst", "a part of its coded rows is missing"),
)
_LEFT = re.compile(r"(\d+) extraneous bytes before marker 0x([0-9a-f]{2})")
_MARKER = re.compile(rb"\xff+([\x01-\xfe])")
_AFTER_ROWS = re.compile(rb"\xff+[\x01-\xcf\xd8-\xfe]")  # a stuffed zero and restarts belong to the rows
_RESTART = re.compile(rb"(\xff[\xd0-\xd7])")
_START, _END, _SCAN, _TABLES, _INTERVAL = 0xD8, 0xD9, 0xDA, 0xC4, 0xDD
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_PROGRESSIVE = (0xC2, 0xCA)
_USUAL_LAST = bytes((1, 1, 0, 1, 63, 0x10))  # the pass that libjpeg makes last: brightness to the last bit
_FILLS = [bytes(1 + n % 254 for n in np.random.default_rng(seed).integers(0, 254, 256).tolist()) for seed in (1, 2)]


@dataclass(frozen=True, slots=True)
class _Scan:
    """One pass over the picture: its coded rows are data[begin:end]; what it brings of the first component."""

    head: int  # where its marker stands
    begin: int
    end: int
    first: bool  # of the first component
    band: tuple[int, int]  # coefficients, both included
    exact: bool  # to the last bit
    restarts: int  # that stand within it where nothing is missing


@dataclass(frozen=True, slots=True)
class _Layout:
    """What a JPEG's headers say."""

    progressive: bool
    scans: tuple[_Scan, ...]
    tables: tuple[bytes, ...]  # of Huffman codes, as segments hold them


def of_jpeg(data: bytes) -> str:
    """Why a JPEG's picture is not whole, in a line; "" where it is, whatever its decoder warned of."""
    said = _warning(data)
    if simplejpeg and not said:
        return unsaid(data)
    once = _each_pass_once(data)
    if len(once) < len(data):
        return of_jpeg(once)
    found, left = _layout(data), _LEFT.search(said)
    if why := _spoilt(said) or _unsaid(data, found, int(left[1]) if left else 0):
        return why
    if not found.scans:
        return ""
    several = len(found.scans) > 1 or found.scans[0].restarts > 0
    if (several or not simplejpeg) and (_restarts_missing(data, found.scans) or _reads_on(data, found.scans)):
        return _SPOILT[0][1]
    if left:
        return _left_over(data, found, int(left[1]), several)
    return "" if simplejpeg or several else _left_over(data, found, _not_read(data, found.scans), several)


def _each_pass_once(data: bytes) -> bytes:
    """Without passes that were there before: their bits are taken for others, and what is missing then is nothing."""
    known: set[bytes] = set()
    made, at = [], 0
    for scan in _layout(data).scans:
        words = data[scan.head : scan.begin]
        if words in known:
            made.append(data[at : scan.head])
            at = scan.end
        known.add(words)
    return b"".join([*made, data[at:]])


def unsaid(data: bytes) -> str:
    """Of a progressive JPEG, what no decoder warns of, read from its headers: a file that was closed between two
    passes, and zeros in what refines the picture."""
    last = data.rfind(b"\xff\xda")
    if data[last + 4 : last + 10] == _USUAL_LAST and not _hole(data, ZEROS):
        return ""  # nearly all files; reading all headers takes a fifth of the time that a small picture does
    return _unsaid(data, _layout(data), 0)


def _unsaid(data: bytes, found: _Layout, left: int) -> str:
    """`left`: bytes of the last pass that no row used.

    Only the first component's passes are counted: an encoder may leave out colours that are all zero. Zeros are how
    brightness itself may be written, never what is added to it.
    """
    if not found.progressive:
        return ""
    exact = 0  # a bit a coefficient
    for scan in found.scans:
        if scan.first and scan.exact:
            exact |= (2 << scan.band[1]) - (1 << scan.band[0])
    if exact != 2**64 - 1:
        return "its last passes are missing (all of it is coarse)"
    if _hole(data, ZEROS):
        for scan in found.scans:
            rows = data[scan.begin : scan.end]
            known = simplejpeg and scan is found.scans[-1]
            rows = rows[: len(rows) - left] if known else rows.rstrip(b"\0")
            if scan.band[0] and bytes(ZEROS) in rows:
                return "a part of its coded rows is zeros"
    return ""


def of_webp(data: bytes, pixels: int) -> str:
    """The same of a WebP of so many pixels: its coders notice nothing, so that sectors never written are looked for."""
    least, at = max(ZEROS, pixels // PIXELS_A_ZERO), 12
    if not _hole(data, least):
        return ""
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if (
            data[at : at + 4] in (b"VP8 ", b"VP8L", b"ALPH", b"ANMF")
            and data.find(bytes(least), at, at + 8 + size) >= 0
        ):
            return "a part of its coded picture is zeros"
        at += 8 + size + size % 2
    return ""


def _hole(data: bytes, zeros: int) -> bool:
    return bytes(16) in data and bytes(zeros) in data  # a short word is sought in no time


def _warning(data: bytes) -> str:
    """The last warning of the decoder, at its smallest scale; "" where there is none, or where it is not to be had."""
    if not simplejpeg:
        return ""
    for colours in ("GRAY", "CMYK"):
        try:
            simplejpeg.decode_jpeg(data, colours, min_factor=8)
        except ValueError as error:
            if colours == "GRAY" and "conver" in str(error).lower():
                continue
            return str(error)
        return ""
    return ""


def _spoilt(said: str) -> str:
    return next((why for words, why in _SPOILT if words in said.lower()), "")


def _segments(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """(marker, where its content begins, where that ends, where coded rows behind it end) up to the end mark; bytes
    between segments are passed over."""
    at = 0
    while step := _MARKER.search(data, at):
        marker, at = step[1][0], step.end()
        if marker == _END:
            return
        if marker == _START or 0xD0 <= marker <= 0xD7 or marker == 1:
            continue
        begin, at = at, at + int.from_bytes(data[at : at + 2], "big")
        if marker == _SCAN:
            rows, own = _AFTER_ROWS.search(data, at), at
            at = rows.start() if rows else len(data)
            yield marker, begin, own, at
        else:
            yield marker, begin, at, at


def _layout(data: bytes) -> _Layout:
    frame, interval, progressive = _Frame(0, 0, {}, -1), 0, False
    scans: list[_Scan] = []
    tables: list[bytes] = []
    for marker, begin, own, end in _segments(data):
        head = data[begin + 2 : own]
        if marker in _FRAMES:
            frame, progressive = _frame(head), marker in _PROGRESSIVE
        elif marker == _INTERVAL:
            interval = int.from_bytes(head[:2], "big")
        elif marker == _TABLES:
            tables.append(head)
        elif marker == _SCAN and head and len(head) >= 4 + 2 * head[0]:
            parts = head[1 : 1 + 2 * head[0] : 2]
            low, high, bits = head[1 + 2 * head[0] : 4 + 2 * head[0]]
            restarts = (frame.units(parts) - 1) // interval if interval else 0
            scans.append(
                _Scan(begin - 2, own, end, frame.first in parts, (low, min(high, 63)), bits & 15 == 0, restarts)
            )
    return _Layout(progressive, tuple(scans), tuple(tables))


@dataclass(frozen=True, slots=True)
class _Frame:
    width: int
    height: int
    sampling: dict[int, tuple[int, int]]  # component → across, down
    first: int  # component

    def units(self, components: bytes) -> int:
        """How many coded units a scan of these components has (T.81, A.2)."""
        known = [self.sampling[c] for c in components if c in self.sampling]
        if not known:
            return 1
        most = [max(s[i] for s in self.sampling.values()) for i in (0, 1)]
        sides = [self.width, self.height]
        if len(known) == 1:
            sides = [-(-side * known[0][i] // most[i]) for i, side in enumerate(sides)]
            most = [1, 1]
        return -(-sides[0] // (8 * most[0])) * -(-sides[1] // (8 * most[1]))


def _frame(head: bytes) -> _Frame:
    rows = [head[i : i + 3] for i in range(6, len(head) - 2, 3)]
    sampling = {row[0]: (max(row[1] >> 4, 1), max(row[1] & 15, 1)) for row in rows}
    first = rows[0][0] if rows else -1
    return _Frame(int.from_bytes(head[3:5], "big"), int.from_bytes(head[1:3], "big"), sampling, first)


def _first_symbols(tables: Sequence[bytes]) -> list[int]:
    """What the first code of each table stands for."""
    found = []
    for head in tables:
        at = 0
        while at + 17 < len(head):
            found.append(head[at + 17])
            at += 17 + sum(head[at + 1 : at + 17])
    return found


def _restarts_missing(data: bytes, scans: Sequence[_Scan]) -> bool:
    """They are numbered, 0 to 7 over and over; one more at the end does no harm."""
    for scan in scans:
        found = [mark[0][1] & 7 for mark in _RESTART.finditer(data, scan.begin, scan.end)][: scan.restarts]
        if found != [n % 8 for n in range(scan.restarts)]:
            return True
    return False


def _reads_on(data: bytes, scans: Sequence[_Scan], cut: int = 0) -> bool:
    """Whether the picture changes with what stands behind a scan (the last one less `cut` bytes), or behind a part of
    one before its restart."""
    drawn: list[NDArray[np.uint8]] = []
    for fill in _FILLS:
        made, at = [], 0
        for scan in scans:
            made.append(data[at : scan.begin])
            end = scan.end - cut if scan is scans[-1] else scan.end
            parts = _RESTART.split(data[scan.begin : end])  # with the marks between them
            made += [part if i % 2 else part + fill for i, part in enumerate(parts)]
            at = scan.end
        whole = b"".join([*made, data[at:]])
        try:
            with Image.open(io.BytesIO(whole)) as image:
                drawn.append(np.asarray(image))
        except Exception:  # Pillow's kinds; the file itself was read, so what stands behind it is no part of it
            return False
    return not np.array_equal(drawn[0], drawn[1])


def _not_read(data: bytes, scans: Sequence[_Scan]) -> int:
    """How many bytes at the end of the last scan no row needs, where they are more than a few."""
    length = scans[-1].end - scans[-1].begin
    low, high = max(REST, round(REST_PART * length)), length
    if low >= high or _reads_on(data, scans, low):
        return 0
    while high - low > 1:  # without `low` bytes all rows are there, without `high` they are not
        middle = (low + high) // 2
        low, high = (low, middle) if _reads_on(data, scans, middle) else (middle, high)
    return low


def _left_over(data: bytes, found: _Layout, n: int, several: bool) -> str:
    """Of n bytes before a marker: padding, or rows that were pushed out by others in their middle?

    Zeros within rows are no area of one colour unless the first code of each table, which is all zeros, stands for no
    change (T.81, C.2); the usual tables have none such.
    """
    last = found.scans[-1]
    if n > last.end - last.begin:
        return ""  # they stand elsewhere
    rows, rest = data[last.begin : last.end - n], data[last.end - n : last.end]
    rows = rows if simplejpeg or n else rows.rstrip(b"\0")
    if not several and (why := _spoilt(_warning(data[: last.end - n] + data[last.end :]))):
        return why
    coded = [data[s.begin : s.end].rstrip(b"\0") for s in found.scans] if several else [rows]
    if not found.progressive and any(_first_symbols(found.tables)) and any(bytes(ZEROS) in part for part in coded):
        return "a part of its coded rows is zeros"
    if n >= max(REST, REST_PART * len(rows)) and len(set(rest)) > REST_VALUES:
        return f"its rows are shifted ({n:,} bytes of them are left over)"
    return ""
