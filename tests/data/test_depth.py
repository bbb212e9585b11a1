"""One white for a folder of photos of more than eight bits, and for every later photo of its models."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from secateur.data import seen
from secateur.data.depth import UNSTORED, step
from secateur.data.images import BadPhoto, square
from secateur.data.pixels import decode, open_pixels, write_pixels
from secateur.data.scan import scan
from secateur.records import Depth

PX = 32


def picture(seed: int, colours: int = 1) -> np.ndarray:
    """(48, 64) or (48, 64, colours) in [0, 1], both ends reached."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    large = np.asarray(Image.fromarray(small).resize((64, 48), Image.Resampling.BICUBIC), float)[..., :colours]
    large = (large - large.min()) / (large.max() - large.min())
    return large[..., 0] if colours == 1 else large


def whole(values: np.ndarray, bits: int) -> np.ndarray:
    return (values * (2**bits - 1)).round().astype(np.uint16)


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(values: np.ndarray, *, sbit: int = 0) -> bytes:
    """Of 16 bits: grey, grey and alpha, RGB or RGBA, as `values` has channels."""
    channels = 1 if values.ndim == 2 else values.shape[2]
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, kind, 0, 0, 0)
    said = chunk(b"sBIT", bytes([sbit] * channels)) if sbit else b""
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + said + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def tiff(values: np.ndarray, *, order: str = "<", photometric: int = 1, kind: int = 1, bits: int = 0, **more) -> bytes:
    """Uncompressed. kind: 1 unsigned, 2 signed, 3 floats; more: tag number as t281=value."""
    channels = 1 if values.ndim == 2 else values.shape[2]
    raw = packed12(values) if bits == 12 else values.astype(values.dtype.newbyteorder(order)).tobytes()
    bits = bits or 8 * values.itemsize
    tags = {256: values.shape[1], 257: values.shape[0], 258: bits, 259: 1, 262: photometric}
    tags |= {277: channels, 278: values.shape[0], 279: len(raw), 339: kind}
    tags |= {int(name[1:]): value for name, value in more.items()}
    at = 8 + len(raw)
    extra, rows = b"", []
    tags[273] = 8
    place = at + 2 + 12 * len(tags) + 4
    for tag, value in sorted(tags.items()):
        if tag in (258, 339) and channels > 1:
            rows.append(struct.pack(order + "HHII", tag, 3, channels, place + len(extra)))
            extra += struct.pack(order + "H", value) * channels
        elif tag in (273, 279):
            rows.append(struct.pack(order + "HHII", tag, 4, 1, value))
        else:
            rows.append(struct.pack(order + "HHIHH", tag, 3, 1, value, 0))
    mark = b"II*\0" if order == "<" else b"MM\0*"
    directory = struct.pack(order + "H", len(rows)) + b"".join(rows) + struct.pack(order + "I", 0)
    return mark + struct.pack(order + "I", at) + raw + directory + extra


def packed12(values: np.ndarray) -> bytes:
    """Two values in three bytes."""
    pairs = values.reshape(-1, 2).astype(int)
    first, second = pairs[:, 0], pairs[:, 1]
    return np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], 1).astype(np.uint8).tobytes()


def eight(values: np.ndarray) -> np.ndarray:
    """The same picture as an ordinary PNG, decoded."""
    out = io.BytesIO()
    Image.fromarray((values * 255).round().astype(np.uint8)).save(out, "PNG")
    return decode(out.getvalue(), PX).astype(int)


def apart(data: bytes, values: np.ndarray, depth: Depth) -> int:
    return int(np.abs(decode(data, PX, depth=depth) - eight(values)).max())


def folder_of(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def of_bits(root: Path, bits: int) -> Path:
    files = {f"{k}/{i}.png": png(whole(picture(10 * j + i), bits)) for j, k in enumerate("ab") for i in range(3)}
    return folder_of(root, files)


@pytest.mark.parametrize(("bits", "white"), [(8, 255), (10, 1023), (12, 4095), (14, 16383), (16, 65535)])
def test_a_folder_says_its_depth_and_is_seen_as_in_eight_bits(tmp_path: Path, bits: int, white: int):
    found = scan(of_bits(tmp_path / "deep", bits))
    assert found.depth == Depth(whole=white)
    write_pixels(tmp_path / "deep", found.photos, PX, tmp_path, depth=found.depth)
    for photo, row in zip(found.photos, open_pixels(tmp_path), strict=True):
        number = 10 * photo.label + int(Path(photo.path).stem)
        assert np.abs(row - eight(picture(number))).max() <= 1


def test_a_photo_is_seen_alike_alone_in_its_folder_and_in_another(tmp_path: Path):
    """The dark one reaches 900 of 4,095: by itself it would be taken for one of 10 bits."""
    root = of_bits(tmp_path / "season", 12)
    dark = png((whole(picture(77), 12) * 0.22).astype(np.uint16))
    folder_of(root, {"a/dark.png": dark})
    depth = scan(root).depth
    assert depth == Depth(whole=4095)
    folder_of(tmp_path / "alone", {"dark.png": dark})
    folder_of(tmp_path / "other", {"x.png": png(whole(picture(5), 16)), "dark.png": dark})
    shown = [seen.one(place / "dark.png", PX, depth) for place in (root / "a", tmp_path / "alone", tmp_path / "other")]
    assert all((s.pixels == shown[0].pixels).all() and not s.doubt for s in shown)
    assert 40 < shown[0].pixels.max() < 70
    above = seen.one(tmp_path / "other/x.png", PX, depth)
    assert above.pixels is not None and "up to 65,535 where 4,095 is white" in above.doubt


def test_eight_bits_beside_deep_ones_stay_as_they_are(tmp_path: Path):
    root = of_bits(tmp_path, 12)
    colour = io.BytesIO()
    Image.fromarray((picture(3, 3) * 255).astype(np.uint8)).save(colour, "PNG")
    folder_of(root, {"a/colour.png": colour.getvalue()})
    found = scan(root)
    assert found.depth == Depth(whole=4095)
    assert (decode(root / "a/colour.png", PX, depth=found.depth) == decode(colour.getvalue(), PX)).all()


def test_the_few_that_make_a_folder_deeper_are_named(tmp_path: Path):
    root = of_bits(tmp_path, 12)
    assert "deeper than the others" not in {p.what for p in scan(root).problems}
    folder_of(root, {"b/deep.png": png(whole(picture(50), 16))})
    found = scan(root)
    named = [(p.path, p.left_out) for p in found.problems if p.what == "deeper than the others"]
    assert found.depth.whole == 65535 and named == [("b/deep.png", False)]


def test_another_depth_is_another_snapshot_and_whole_folders_are_the_old_ones(tmp_path: Path):
    from dataclasses import replace

    found = scan(of_bits(tmp_path, 16))
    assert found.digest == replace(found, depth=Depth()).digest
    others = {replace(found, depth=Depth(whole=w, floats=f)).digest for w, f in ((4095, 0), (1023, 0), (0, 7.5))}
    assert len(others | {found.digest}) == 4
    assert replace(found, depth=Depth(floats=1.0)).digest == found.digest


KINDS = {
    "PNG": (lambda v, bits: png(whole(v, bits)), 1),
    "TIFF": (lambda v, bits: tiff(whole(v, bits)), 1),
    "big-endian TIFF": (lambda v, bits: tiff(whole(v, bits), order=">"), 1),
    "TIFF of 32 bits": (lambda v, bits: tiff(whole(v, bits).astype(np.uint32)), 1),
    "signed TIFF": (lambda v, bits: tiff(whole(v, bits).astype(np.int16), kind=2), 1),
    "big-endian signed TIFF": (lambda v, bits: tiff(whole(v, bits).astype(np.int16), kind=2, order=">"), 1),
    "RGB PNG": (lambda v, bits: png(whole(v, bits)), 3),
    "RGB TIFF": (lambda v, bits: tiff(whole(v, bits), photometric=2), 3),
    "big-endian RGB TIFF": (lambda v, bits: tiff(whole(v, bits), photometric=2, order=">"), 3),
}


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_deep_photo(kind: str, bits: int):
    make, colours = KINDS[kind]
    values = picture(4, colours)
    data = make(values, bits)
    assert square(data, PX, grey=True).needs == Depth(whole=2**bits - 1)
    assert apart(data, values, Depth(whole=2**bits - 1)) <= 2
    assert decode(data, PX).max() <= 16  # with no depth known, as 16 bits


def test_colour_of_all_16_bits_is_what_it_always_was():
    data = png(whole(picture(6, 3), 16))
    with Image.open(io.BytesIO(data)) as image:
        upper = io.BytesIO()
        image.save(upper, "PNG")
    assert (decode(data, PX, depth=Depth(whole=65535)) == decode(upper.getvalue(), PX)).all()
    assert (decode(data, PX) == decode(upper.getvalue(), PX)).all()


@pytest.mark.parametrize("colours", [1, 3])
def test_what_is_transparent_stays_so(colours: int):
    values = whole(picture(7, colours).reshape(48, 64, colours), 12)
    alpha = np.full((48, 64, 1), 65535, np.uint16)
    alpha[:, :32] = 0
    made = decode(png(np.concatenate([values, alpha], 2)), PX, depth=Depth(whole=4095))
    assert made[:, :14].min() == 255
    assert np.abs(made[:, 18:].astype(int) - eight(picture(7, colours))[:, 18:]).max() <= 3


def test_files_that_say_their_depth():
    values = picture(8) * 0.2  # so dark that it could be one of 10 bits
    twelve = whole(values, 12)
    files = {
        "MaxSampleValue": tiff(twelve, t281=4095),
        "the largest value there is, as some write it": tiff(twelve, t281=3000),
        "12 bits in a TIFF": tiff(twelve, bits=12),
        "sBIT, values as they are": png(twelve, sbit=12),
    }
    for name, data in files.items():
        assert square(data, PX, grey=True).needs == Depth(whole=4095), name
        assert apart(data, values, Depth()) <= 1, name  # no folder says anything
        assert f"{UNSTORED}: read as 12 bits, as its file says" == square(data, PX).doubt
        assert square(data, PX, depth=Depth(whole=4095)).doubt == ""
    scaled = {"by zeros": twelve << 4, "by its first bits": twelve << 4 | twelve >> 8}
    for name, spread in scaled.items():  # as the standard asks
        data = png(spread, sbit=12)
        assert square(data, PX, grey=True).needs == Depth(whole=65535), name
        assert apart(data, values, Depth()) <= 1
    belied = tiff(whole(picture(8), 16), t281=255)
    assert square(belied, PX, grey=True).needs == Depth(whole=65535)


def test_a_stored_depth_goes_before_what_a_file_says():
    values = picture(9)
    data = tiff(whole(values, 12), t281=65535)
    assert apart(data, values, Depth(whole=4095)) <= 1


def test_a_pgm_says_its_white_itself():
    values = picture(10)
    for bits in (10, 12):
        rows = whole(values, bits).astype(">u2").tobytes()
        data = b"P5 64 48 %d\n" % (2**bits - 1) + rows
        assert square(data, PX, grey=True).needs == Depth(whole=65535)
        assert apart(data, values, Depth()) <= 1


@pytest.mark.parametrize("bits", [12, 16])
def test_where_zero_is_white(bits: int):
    values = picture(11)
    white = 2**bits - 1
    data = tiff((white - whole(values, bits)).astype(np.uint16), photometric=0)
    assert square(data, PX, grey=True).needs == Depth(whole=white, inverted=1)
    assert apart(data, values, Depth(whole=white)) <= 1


def test_floats_are_read_from_0_to_1_or_to_the_largest_of_the_folder(tmp_path: Path):
    values = picture(12).astype(np.float32)
    odd = values.copy()
    odd[0, :4] = (np.nan, np.inf, -np.inf, -3)
    assert square(tiff(odd, kind=3), PX, grey=True).needs == Depth(floats=1.0)
    assert apart(tiff(values, kind=3), values, Depth(floats=1.0)) <= 1
    half = tiff(values * 300, kind=3)
    assert np.abs(decode(half, PX, depth=Depth(floats=600.0)) - eight(values / 2)).max() <= 1
    files = {
        f"{k}/{i}.tif": tiff(values * top * (1 + j), kind=3) for j, k in enumerate("ab") for i, top in ((1, 9), (2, 40))
    }
    found = scan(folder_of(tmp_path, files))
    assert found.depth == Depth(floats=80.0)
    assert "up to 300 where 80 is white" in square(half, PX, depth=found.depth).doubt
    assert square(tiff(values, kind=3), PX).doubt == f"{UNSTORED}: read as 0 to 1"


def test_floats_below_0_are_doubted_and_a_photo_of_nothing_else_is_none():
    """As programs write −1 to 1, or what is missing: half of it, or all of it, would quietly be black."""
    values = picture(12).astype(np.float32)
    signed = square(tiff(2 * values - 1, kind=3), PX, depth=Depth(floats=1.0))
    assert signed.doubt == "below the depth: its values go down to -1, and are black below 0"
    assert "read as 0 to 1; below the depth" in square(tiff(2 * values - 1, kind=3), PX).doubt
    assert not square(tiff(0 * values, kind=3), PX, depth=Depth(floats=1.0)).doubt
    for nothing in (values - 2, np.full_like(values, np.nan), np.full_like(values, -np.inf)):
        with pytest.raises(BadPhoto, match="unreadable: none of its values is 0 or more"):
            square(tiff(nothing, kind=3), PX)


def test_black_and_nothing_but_black(tmp_path: Path):
    black = png(np.zeros((48, 64), np.uint16))
    assert decode(black, PX).max() == 0 and square(black, PX, grey=True).needs == Depth(whole=255)
    root = of_bits(tmp_path, 14)
    folder_of(root, {"a/black.png": black})
    assert scan(root).depth == Depth(whole=16383)


def test_values_of_more_than_16_bits():
    values = picture(13)
    data = tiff((values * 1_000_000).astype(np.uint32))
    assert square(data, PX, grey=True).needs == Depth(whole=1_000_000)
    assert apart(data, values, Depth(whole=1_000_000)) <= 1
    assert "where 65,535 is white" in square(data, PX, depth=Depth(whole=65535)).doubt


def test_photos_that_are_dark_look_no_more_alike(tmp_path: Path):
    """At 16 bits, photos of 10 would be four levels of grey, and near-duplicates of each other."""
    files = {f"{k}/{i}.png": png(whole(picture(100 + 10 * j + i), 10)) for j, k in enumerate("ab") for i in range(6)}
    bright = {f"{k}/{i}.png": png(whole(picture(100 + 10 * j + i), 16)) for j, k in enumerate("ab") for i in range(6)}
    dark, light = scan(folder_of(tmp_path / "d", files)), scan(folder_of(tmp_path / "l", bright))
    assert len({p.group for p in dark.photos}) == len({p.group for p in light.photos}) == 12


def test_separate_planes_that_pillow_misreads_are_refused():
    data = tiff(whole(picture(14, 3), 16), photometric=2, t284=2)
    with pytest.raises(BadPhoto, match="planes"):
        decode(data, PX)


@pytest.mark.parametrize(
    ("value", "white"), [(0, 255), (255, 255), (256, 1023), (4095, 4095), (4096, 16383), (9**6, 9**6)]
)
def test_steps(value: int, white: int):
    assert step(value) == white
