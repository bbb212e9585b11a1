"""Rows that are missing cost a photo its place; what a decoder merely grumbles about does not."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from secateur.data import damage, seen
from secateur.data.facts import read_facts
from secateur.data.images import BadPhoto, square
from secateur.data.pixels import decode, write_pixels
from secateur.data.scan import scan
from secateur.records import Reading

END = b"\xff\xd9"
WAYS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
    "many restarts": {"restart_marker_blocks": 7},
    "progressive with restarts": {"progressive": True, "restart_marker_rows": 2},
    "own tables": {"optimize": True},
    "fine": {"quality": 95},
}


def noisy(seed: int = 0, width: int = 480, height: int = 360, noise: float = 8) -> Image.Image:
    """Texture down to the pixel, so that rows fill bytes."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)).resize((width, height), 3)
    return Image.fromarray(np.clip(np.asarray(coarse) + rng.normal(0, noise, (height, width, 3)), 0, 255).astype("u1"))


def saved(image: Image.Image, kind: str = "JPEG", **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def rows_end(data: bytes) -> int:
    """Where the coded rows of the last scan end."""
    return damage._layout(data).scans[-1].end


def damaged(data: bytes) -> dict[str, bytes]:
    n, end, chance = len(data), rows_end(data), np.random.default_rng(1)
    return {
        "end mark after a fifth": data[: n // 5] + END,
        "end mark after half": data[: n // 2] + END,
        "end mark after 98 %": data[: n * 98 // 100] + END,
        "the last 60 bytes of the rows are gone": data[: end - 60] + data[end:],
        "half of it zeros": data[: n // 5] + bytes(n // 2) + data[n // 5 + n // 2 :],
        "one sector of zeros": data[: n // 2] + bytes(4096) + data[n // 2 + 4096 :],
        "half a sector of zeros": data[: n // 2] + bytes(512) + data[n // 2 + 512 :],
        "zeros to the end mark": data[: n // 5] + bytes(n - n // 5 - 2) + END,
        "an erased sector": data[: n // 2] + b"\xff" * 4096 + data[n // 2 + 4096 :],
        "a sector of something else": data[: n // 2] + chance.bytes(4096) + data[n // 2 + 4096 :],
        "a lost sector": data[: n // 2] + data[n // 2 + 4096 :],
    }


def harmless(data: bytes, progressive: bool) -> dict[str, bytes]:
    """Whole files as cameras, phones and programs leave them."""
    end, scan, chance = rows_end(data), data.index(b"\xff\xda"), np.random.default_rng(2)
    film = b"\0\0\0\x18ftypmp42" + chance.bytes(4000) + bytes(2000)
    found = {
        "zeros before the end mark": data[:end] + bytes(2000) + data[end:],
        "a byte before the end mark": data[:end] + b"\0" + data[end:],
        "fill before the end mark": data[:end] + b"\xff" * 300 + data[end:],
        "words before the end mark": data[:end] + b"padding " * 30 + data[end:],
        "leftovers of a buffer before the end mark": data[:end]
        + bytes(x % 255 for x in chance.bytes(240))
        + data[end:],
        "bytes before the scan": data[:scan] + b"xyz\0\0" + data[scan:],
        "a phone's trailer": data + b"SEFT" + bytes(5000) + chance.bytes(3000),
        "a film behind it": data + film,
        "a second photo behind it": data + data[: len(data) // 2],
        "a cut thumbnail in its EXIF": data[:2] + segment(0xE1, b"Exif\0\0MM\0*" + data[:6000] + bytes(600)) + data[2:],
        "a comment": data[:2] + segment(0xFE, bytes(3000)) + data[2:],
        "an odd colour transform": data[:2] + segment(0xEE, b"Adobe\0\x64\0\0\0\0\x09") + data[2:],
        "a JFIF of the future": data.replace(b"JFIF\0\x01\x01", b"JFIF\0\x07\x01", 1),
    }
    if not progressive:
        spectral = scan + 2 + int.from_bytes(data[scan + 2 : scan + 4], "big") - 3
        odd = data[:spectral] + bytes((1, 0, 0)) + data[spectral + 3 :]
        found |= {"scan parameters of a phone": odd, "those and a trailer": odd + bytes(9000)}
    return found


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of odd EXIF
@pytest.mark.parametrize("way", WAYS)
def test_whole_photos_are_whole_whatever_is_odd_about_them(way: str):
    data = saved(noisy(), **WAYS[way])
    wanted = decode(data, 64)
    assert (square(data, 32, grey=True).damage, damage.of_jpeg(data)) == (None, "")
    for name, odd in harmless(data, "progressive" in way).items():
        if name != "an odd colour transform":  # which may be taken for other colours
            assert (decode(odd, 64) == wanted).all(), name
        assert square(odd, 32, grey=True).damage is None, name


@pytest.mark.parametrize("way", WAYS)
def test_damaged_photos_are_told(way: str):
    for seed in (3, 4):
        data = saved(noisy(seed), **WAYS[way])
        for name, spoilt in damaged(data).items():
            with pytest.raises(BadPhoto) as caught:
                decode(spoilt, 64)
            assert caught.value.what in ("damaged", "unreadable", "truncated"), name
            with pytest.raises(BadPhoto):
                square(spoilt, 32, grey=True)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_other_colours(mode: str):
    data = saved(noisy(5).convert(mode))
    assert damage.of_jpeg(data) == "" and square(data, 32).damage is None
    for name in ("end mark after a fifth", "half of it zeros", "one sector of zeros"):
        with pytest.raises(BadPhoto, match="damaged"):
            decode(damaged(data)[name], 64)
    for name, odd in harmless(data, False).items():
        if name not in ("an odd colour transform", "a JFIF of the future"):
            assert decode(odd, 64).any(), name


def test_a_progressive_photo_closed_between_two_passes_is_coarse():
    data = saved(noisy(6), progressive=True)
    *cut, whole = [data[: s.end] + END for s in damage._layout(data).scans]
    assert len(cut) > 5 and damage.unsaid(whole) == ""
    for short in cut:
        with pytest.raises(BadPhoto, match="coarse"):
            decode(short, 32)


def test_dark_and_flat_photos_are_whole():
    """Zeros are how tables of a file's own may write one colour."""
    half = np.zeros((1200, 1600, 3), np.uint8)
    half[900:] = np.asarray(noisy(7, 1600, 300))
    for image in (Image.fromarray(half), Image.new("RGB", (1600, 1200))):
        for way in WAYS.values():
            data = saved(image, **way)
            end = rows_end(data)
            assert damage.of_jpeg(data) == damage.of_jpeg(data[:end] + bytes(900) + data[end:]) == ""
        for options in ({"quality": 80}, {"quality": 100, "method": 0}, {"lossless": True}):
            data = saved(image, "WEBP", **options)
            assert damage.of_webp(data, 1600 * 1200) == ""


def test_several_photos_in_one_file(tmp_path: Path):
    data = saved(noisy(8), "MPO", save_all=True, append_images=[noisy(9)])
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "MPO"
    assert (decode(data, 64) == decode(saved(noisy(8)), 64)).all()
    first = data.index(END + b"\xff\xd8")
    with pytest.raises(BadPhoto, match="damaged"):
        decode(data[: first // 2] + bytes(first // 4) + data[first // 2 + first // 4 :], 64)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "AVIF"])
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of cut files
def test_a_cut_file_of_any_kind(kind: str):
    options = {"compression": "tiff_lzw"} if kind == "TIFF" else {}
    data = saved(noisy(10), kind, **options)
    assert square(data, 32).damage is None
    for part in (0.3, 0.6, 0.97):
        with pytest.raises(BadPhoto):
            decode(data[: int(part * len(data))], 32)


@pytest.mark.parametrize(
    "options", [{"quality": 85}, {"lossless": True}, {"quality": 85, "exif": b"Exif\0\0" + bytes(9000)}]
)
def test_sectors_of_a_webp_that_were_never_written(options: dict):
    data = saved(noisy(11, 640, 480), "WEBP", **options)
    assert square(data, 32).damage is None  # whatever its EXIF holds
    at = max(data.find(b"VP8 "), data.find(b"VP8L")) + 8
    for begin, n in ((len(data) // 2, 4096), (at + 3000, len(data) // 2)):
        with pytest.raises(BadPhoto, match="zeros"):
            decode(data[:begin] + bytes(n) + data[begin + n :], 32)


def test_a_pass_that_comes_twice_does_no_harm():
    data = saved(noisy(12), progressive=True)
    last = data.rindex(b"\xff\xda")
    assert damage.of_jpeg(data[:last] + data[last:-2] * 3 + END) == ""


# ------------------------------------------------------------ a folder of them


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, first in (("cat", 0), ("dog", 50)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(4):
            (tmp_path / "photos" / name / f"{i}.jpg").write_bytes(saved(noisy(first + i, 160, 120)))
    whole = saved(noisy(90, 160, 120))
    (tmp_path / "photos/cat/ends.jpg").write_bytes(whole[: len(whole) // 2] + END)
    cut = saved(noisy(91, 160, 120))
    (tmp_path / "photos/dog/cut.jpg").write_bytes(cut[: len(cut) // 2])
    (tmp_path / "photos/dog/none.jpg").write_bytes(b"not a photo at all")
    return tmp_path / "photos"


def test_scan_lists_them_and_leaves_them_out(folder: Path):
    found = scan(folder)
    assert {(p.path, p.what, p.left_out) for p in found.problems if p.path.endswith(".jpg")} == {
        ("cat/ends.jpg", "damaged", True),
        ("dog/cut.jpg", "truncated", True),
        ("dog/none.jpg", "not an image", True),
    }
    assert len(found.photos) == 8
    (folder / "cat/ends.jpg").unlink()
    (folder / "dog/cut.jpg").unlink()
    assert scan(folder).digest == found.digest


def test_they_are_used_where_that_is_asked_for(folder: Path, tmp_path: Path):
    index = tmp_path / "index.json"
    scan(folder, index=index)
    for _ in range(2):  # from what the index remembers, too
        found = scan(folder, index=index, reading=Reading(keep_damaged=True))
        kept = {p.path: p.left_out for p in found.problems}
        assert (kept["cat/ends.jpg"], kept["dog/cut.jpg"], kept["dog/none.jpg"]) == (False, False, True)
        assert len(found.photos) == 10
    write_pixels(folder, found.photos, 32, tmp_path)
    store = np.load(tmp_path / "pixels.npy")
    place = [p.path for p in found.photos].index("dog/cut.jpg")
    assert (store[place] == decode(folder / "dog/cut.jpg", 32, keep_damaged=True)).all()
    top = np.asarray(noisy(91, 160, 120).resize((32, 32), 2))[:8].astype(int)
    assert np.abs(store[place][:8] - top).mean() < 8  # the rows that are there are right


def test_what_a_model_is_shown(folder: Path):
    ends, cut, none = folder / "cat/ends.jpg", folder / "dog/cut.jpg", folder / "dog/none.jpg"
    for path, what in ((ends, "damaged: "), (cut, "truncated: "), (none, "not an image: ")):
        assert seen.one(path, 32).pixels is None and seen.one(path, 32).problem.startswith(what)
    for path in (ends, cut):
        shown = seen.one(path, 32, keep_damaged=True)
        assert shown.pixels is not None and shown.doubt == seen.one(path, 32).problem
    assert seen.one(none, 32, keep_damaged=True).pixels is None
    assert seen.one(folder / "cat/0.jpg", 32).doubt == ""


def test_facts_of_a_damaged_photo_are_whole(folder: Path):
    facts = read_facts(folder / "cat/ends.jpg")
    assert facts.what == "damaged" and facts.read and (facts.width, facts.height) == (160, 120)
    assert not read_facts(folder / "dog/none.jpg").read


# ------------------------------------------------------------ where simplejpeg is not installed


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("way", WAYS)
def test_pillow_alone_tells_rows_that_are_missing(way: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(damage, "simplejpeg", None)
    data = saved(noisy(), **WAYS[way])
    for name, odd in harmless(data, "progressive" in way).items():
        if name != "an odd colour transform":
            assert damage.of_jpeg(odd) == "", name
    for name, spoilt in damaged(data).items():
        if not name.startswith(("a lost", "a sector of something", "an erased")):  # which leave no row empty
            assert damage.of_jpeg(spoilt), name
