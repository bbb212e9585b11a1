"""Photos and requests, good and bad: what each is, and which answers it may get."""

from __future__ import annotations

import gzip
import io
import random
import socket
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

OK, NO_PHOTO, BROKEN = frozenset({200}), frozenset({415}), frozenset({422})
ANY_PHOTO = OK | NO_PHOTO | BROKEN
Chunk = bytes | float | None  # bytes to send, seconds to wait, or the end of the connection


def picture(width: int = 40, height: int = 30, seed: int = 0, mode: str = "RGB") -> Image.Image:
    """Large coloured squares with noise on them."""
    made = np.random.default_rng(seed)
    coarse = Image.fromarray(made.integers(0, 256, (4, 4, 3), np.uint8)).resize((width, height))
    noise = made.integers(-20, 20, (height, width, 3))
    return Image.fromarray(np.clip(np.asarray(coarse) + noise, 0, 255).astype(np.uint8)).convert(mode)


def saved(image: Image.Image, kind: str, **more: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


@cache
def good() -> dict[str, bytes]:
    """A photo of every kind and of the unusual ones among them."""
    turned = Image.Exif()
    turned[0x0112] = 6
    glass = picture(mode="RGBA")
    glass.putalpha(Image.linear_gradient("L").resize(glass.size))
    return {
        "jpeg": saved(picture(900, 700), "JPEG", quality=88),
        "jpeg turned by exif": saved(picture(300, 200, 1), "JPEG", exif=turned),
        "jpeg progressive": saved(picture(200, 300, 2), "JPEG", progressive=True),
        "jpeg cmyk": saved(picture(120, 90, 3, "CMYK"), "JPEG"),
        "jpeg grey": saved(picture(120, 90, 4, "L"), "JPEG"),
        "png": saved(picture(seed=5), "PNG"),
        "png with alpha": saved(glass, "PNG"),
        "png palette": saved(picture(mode="P"), "PNG"),
        "png of 16 bits": saved(Image.fromarray(np.arange(1200, dtype=np.uint16).reshape(30, 40) * 50), "PNG"),
        "webp": saved(picture(300, 100, 6), "WEBP"),
        "webp of two frames": saved(picture(seed=7), "WEBP", save_all=True, append_images=[picture(seed=8)]),
        "gif": saved(picture(seed=9), "GIF"),
        "bmp": saved(picture(seed=10), "BMP"),
        "tiff": saved(picture(seed=11), "TIFF"),
        "tiff lzw": saved(picture(seed=12), "TIFF", compression="tiff_lzw"),
        "png of 16 megapixels": saved(Image.new("RGB", (4_000, 4_000)), "PNG"),
        "one pixel": saved(picture(1, 1), "PNG"),
    }


def png(width: int, height: int, *chunks: tuple[bytes, bytes], mode: int = 2, bits: int = 8) -> bytes:
    """A PNG that says it is so large; its pixels, if any, are in `chunks`."""
    head = (b"IHDR", struct.pack(">IIBBBBB", width, height, bits, mode, 0, 0, 0))
    parts = [b"\x89PNG\r\n\x1a\n"]
    for name, body in (head, *chunks, (b"IEND", b"")):
        parts.append(struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)))
    return b"".join(parts)


def tiff(*tags: tuple[int, int, int, int], tail: bytes = b"") -> bytes:
    """Little-endian, one directory of (tag, type, count, value)."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + b"\0\0\0\0" + tail


def tiff_of(width: int, height: int, *more: tuple[int, int, int, int], tail: bytes = b"") -> bytes:
    """Grey of eight bits, deflated."""
    plain = ((256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1))
    return tiff(*plain, *more, tail=tail)


def in_many_passes(passes: int) -> bytes:
    """A progressive JPEG whose last pass is drawn again and again."""
    data = saved(picture(24, 24), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * passes + b"\xff\xd9"


@cache
def bombs() -> dict[str, bytes]:
    """Small files that claim to be, or become, very large."""
    huge = 9_000
    row = zlib.compress(bytes(3 * huge + 1) * huge, 6)  # 243 MB of black
    tile = zlib.compress(bytes(1 << 24), 1)
    jpeg = bytearray(saved(picture(), "JPEG"))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", 65_500, 65_500)
    webp = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + (16_382).to_bytes(3, "little") * 2
    bmp = bytearray(saved(picture(), "BMP"))
    bmp[18:26] = struct.pack("<ii", 60_000, 60_000)
    at = 8 + 2 + 12 * 10 + 4
    tiled = tiff_of(
        64, 64, (322, 4, 1, 1 << 14), (323, 4, 1, 1 << 14), (324, 4, 1, at), (325, 4, 1, len(tile)), tail=tile
    )
    return {
        "png bomb: header": png(50_000, 50_000),
        "png bomb: real": png(huge, huge, (b"IDAT", row)),
        "jpeg bomb": bytes(jpeg),
        "webp bomb": b"RIFF" + struct.pack("<I", len(webp) + 4) + b"WEBP" + webp,
        "gif bomb": b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + b"," + bytes(9) + b"\x02\x01\0\0;",
        "bmp bomb": bytes(bmp),
        "tiff bomb": tiff_of(60_000, 60_000, (273, 4, 1, 8), (278, 4, 1, 60_000), (279, 4, 1, 100)),
        "tiff bomb: one tile": tiled,
        "webp of 36 megapixels": saved(Image.new("RGB", (6_000, 6_000)), "WEBP", method=0),
        "png bomb: grey of 16 bits": png(7_000, 7_000, mode=0, bits=16),
        "jpeg of 5,000 passes": in_many_passes(5_000),
    }


@cache
def no_photos() -> dict[str, bytes]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(8):
            archive.writestr(f"../../../tmp/{i}.jpg", bytes(1 << 22))
    form = b'--x\r\nContent-Disposition: form-data; name="f"; filename="../../x.jpg"\r\n\r\n'
    return {
        "random": random.Random(0).randbytes(5_000),
        "text": b"no photo at all",
        "zip bomb": packed.getvalue(),
        "gz bomb": gzip.compress(bytes(1 << 24), 1),
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "svg that names a file": b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
        "html": b"<!doctype html><script>fetch('/api/models')</script>",
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
        "pdf": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript>>>>",
        "ppm of text": b"P3 7000 7000 255\n" + b"0 " * 1000,
        "avif": saved(picture(), "AVIF"),
        "ico": saved(picture(32, 32), "ICO"),
        "a form": form + good()["jpeg"] + b"\r\n--x--\r\n",
        "nul": bytes(3_000),
    }


@cache
def odd() -> dict[str, tuple[bytes, frozenset[int]]]:
    """Broken photos, and ones that are something else besides."""
    jpeg, gif = good()["jpeg"], good()["gif"]
    tiny = saved(Image.new("P", (4, 4)), "GIF")
    frame = tiny[tiny.index(b",") : -1]
    text = zlib.compress(bytes(1 << 26), 1)
    weird = (
        (700, 7, 0xFFFFFFFF, 8),
        (34665, 4, 1, 8),
        (270, 2, 0x7FFFFFFF, 0),
        (65000, 12, 9, 1 << 31),
        (258, 3, 1, 0),
    )
    return {
        "jpeg cut short": (jpeg[: len(jpeg) // 2], BROKEN),
        "jpeg of its head alone": (jpeg[:3], NO_PHOTO | BROKEN),
        "png cut short": (good()["png"][:-300], BROKEN),
        "png without pixels": (png(10, 10), BROKEN),
        "webp cut short": (good()["webp"][:500], BROKEN | NO_PHOTO),
        "jpeg with a zip behind": (jpeg + no_photos()["zip bomb"], OK),
        "jpeg with html behind": (jpeg + no_photos()["html"], OK),
        "gif that is a script": (gif + b"=1;alert(1)//", OK),
        "gif of 10,000 frames": (tiny[:-1] + frame * 10_000 + b";", OK),
        "jpeg of 90 passes": (in_many_passes(80), OK),
        "png with a text bomb": (png(1, 1, (b"zTXt", b"x\0\0" + text), (b"IDAT", zlib.compress(bytes(4)))), ANY_PHOTO),
        "png with a profile bomb": (
            png(1, 1, (b"iCCP", b"x\0\0" + text), (b"IDAT", zlib.compress(bytes(4)))),
            ANY_PHOTO,
        ),
        "tiff of weird tags": (tiff_of(8, 8, *weird[:4]), NO_PHOTO | BROKEN),
        "tiff that says 0 bits": (tiff((256, 4, 1, 8), (257, 4, 1, 8), weird[4]), NO_PHOTO | BROKEN),
        "tiff whose directory is itself": (b"II*\0" + struct.pack("<IHI", 8, 0, 8), NO_PHOTO | BROKEN),
    }


def mutated(seed: int) -> bytes:
    """A good photo with some bytes changed, dropped or doubled."""
    chance = random.Random(seed)
    data = bytearray(chance.choice(sorted(good().values())))
    for _ in range(chance.randint(1, 12)):
        at, n = chance.randrange(len(data)), chance.randint(1, 8)
        data[at : at + n] = chance.choice((chance.randbytes(n), b"", bytes(data[at : at + n]) * 2))
    return bytes(data)


@dataclass(frozen=True)
class Act:
    """One request: what is sent, and the statuses it may get; 0: the connection ends without one."""

    name: str
    sent: Callable[[str], Iterable[Chunk]]  # of the host's name with its port
    may: frozenset[int]


def post(body: bytes, *headers: str, path: str = "/api/predict", method: str = "POST", length: object = None) -> bytes:
    """A request whose Host is put in later, for {host}."""
    own = [h for h in headers if h.lower().startswith("host:")]
    lines = [f"{method} {path} HTTP/1.1", *(own or ["Host: {host}"]), *(h for h in headers if h not in own)]
    if not any(h.lower().startswith("transfer-encoding") for h in headers) and length != "none":
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def talk(address: tuple[str, int], act: Act, patience: float = 60) -> int:
    """Send it, and read the first status that is not 100; 0: there was none."""
    host = f"{address[0]}:{address[1]}".encode()
    with socket.create_connection(address, timeout=patience) as line:
        try:
            for chunk in act.sent(host.decode()):
                if chunk is None:
                    return 0
                if isinstance(chunk, float):
                    time.sleep(chunk)
                else:
                    line.sendall(chunk.replace(b"{host}", host, 1))
        except OSError:
            pass  # it has had enough, and may have said why
        heard = b""
        try:
            while b"\r\n\r\n" not in heard.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n"):
                got = line.recv(1 << 16)
                if not got:
                    break
                heard += got
        except ConnectionError:
            pass
    heard = heard.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    return int(heard[9:12]) if heard.startswith(b"HTTP/1.1 ") else 0


def acts(limit: int) -> list[Act]:
    """All of them; `limit`: the server's --max-upload in bytes."""
    found = []

    def add(name: str, sent: bytes | tuple[Chunk, ...], *may: int) -> None:
        chunks = sent if isinstance(sent, tuple) else (sent,)
        found.append(Act(name, lambda host: chunks, frozenset(may)))

    for name, body in good().items():
        add(name, post(body), 200)
    for name, body in bombs().items():
        add(name, post(body), 422)
    for name, body in no_photos().items():
        add(name, post(body, "Content-Type: image/jpeg"), 415)
    for name, (body, may) in odd().items():
        add(name, post(body), *may)
    photo = good()["jpeg"]
    _headers(add, photo)
    _lengths(add, photo, limit)
    _addresses(add, photo)
    return found


def _headers(add: Callable[..., None], photo: bytes) -> None:
    add("gz declared", post(no_photos()["gz bomb"], "Content-Encoding: gzip"), 415)
    add("a name that climbs", post(photo, 'Content-Disposition: attachment; filename="../../../../etc/x"'), 200)
    add("a name that is absolute", post(photo, "X-Filename: /etc/passwd", "Content-Location: file:///etc/x"), 200)
    add("nul in a header", post(photo, "X-Filename: a\0.jpg"), 400)
    add("a type that lies", post(photo, "Content-Type: ../../text/html; charset=\xff"), 200)
    add("a header of 200 kB", post(photo, "X-Long: " + "x" * 200_000), 400, 0)
    add("wrong host", post(photo, "Host: evil.example"), 403)
    add("host with a user", post(photo, "Host: localhost@evil.example"), 403)
    add("two hosts", post(photo, "Host: localhost", "Host: evil.example"), 400)
    add("no host", b"POST /api/predict HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400)
    add("foreign origin", post(photo, "Origin: https://evil.example"), 403)
    add("no origin at all", post(photo, "Origin: null"), 403)
    add("own origin", post(photo, "Host: localhost:1", "Origin: http://localhost:1"), 200)
    add("asked to upgrade", post(b"", "Connection: upgrade", "Upgrade: websocket", method="GET", path="/"), 200)


def _lengths(add: Callable[..., None], photo: bytes, limit: int) -> None:
    add("empty", post(b""), 400)
    add("no length", post(b"", length="none"), 400)
    add("too long, and says so", post(b"", length=limit + 1), 413)
    add("too long, and waits for a word", post(b"", "Expect: 100-continue", length=10**15), 413)
    chunk = b"%x\r\n" % (1 << 20) + bytes(1 << 20) + b"\r\n"
    chunked = post(b"", "Transfer-Encoding: chunked")
    add("too long, in chunks", (chunked, *[chunk] * (limit // (1 << 20) + 2), b"0\r\n\r\n"), 413)
    add("in chunks", (chunked, b"%x\r\n" % len(photo), photo, b"\r\n0\r\n\r\n"), 200)
    add("chunks that are none", (chunked, b"zz\r\nxx"), 400)
    add("longer than it says", post(photo, length=100) + b"GET /x", 400, 415, 422)
    add("a length that is none", post(photo, length="many"), 400)
    add("a length below zero", post(photo, length=-5), 400)
    add("two lengths", post(photo, "Content-Length: 5"), 400)
    add("slow", (post(photo)[:200], 0.2, post(photo)[200:]), 200)
    add("breaks off", (post(photo)[:-2_000], None), 0)
    add("not http", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", 400, 0)
    add("http 2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 403)


def _addresses(add: Callable[..., None], photo: bytes) -> None:
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"):
        add(f"{method} a photo", post(photo, method=method), 405)
    add("GET with a body", post(photo, method="GET", path="/api/models"), 200)
    for path in ("/", "/page.css", "/page.js", "/api/models"):
        add(f"GET {path}", post(b"", method="GET", path=path), 200)
    for path in (
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/page.css/../../server.py",
        "/page.css%00.png",
        "/..%5c..%5cwindows",
        "/template/page.html",
        "/api/predict/",
        "/api/models?file=/etc/passwd#",
        "/" + "a" * 9_000,
    ):
        add(f"GET {path[:40]}", post(b"", method="GET", path=path), 200 if path.startswith("/api/models") else 404)
    add("a whole address", post(b"", method="GET", path="http://evil.example/etc/passwd"), 404)
    add("another's proxy", post(b"", method="CONNECT", path="evil.example:443"), 404, 405)
