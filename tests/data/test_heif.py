"""HEIC is read where pillow-heif is installed, and is a file with a reason where it is not."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from secateur.data import heif, images, seen
from secateur.data.images import BadPhoto, square
from secateur.data.listing import list_folder
from secateur.data.suffixes import ALWAYS, readable


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch):
    """What is installed is asked anew, before and after."""
    for known in (heif.at_hand, heif.register, images.formats):
        known.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    for known in (heif.at_hand, heif.register, images.formats):
        known.cache_clear()


def test_without_it_heic_is_no_photo_by_name(fresh, picture, tmp_path: Path):
    fresh.setattr(heif, "at_hand", lambda: False)
    assert readable() == ALWAYS and ".heic" not in readable()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        picture(1).save(tmp_path / name / "x.jpg")
        (tmp_path / name / "y.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99))
    found = list_folder(tmp_path)
    assert len(found.files) == 2 and [p.what for p in found.problems] == ["not read"]


def test_with_it_they_are_listed(fresh, tmp_path: Path):
    fresh.setattr(heif, "at_hand", lambda: True)
    assert {".heic", ".heif", ".hif", ".jpg"} <= readable()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "y.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99))
    assert len(list_folder(tmp_path).files) == 2
    assert len(seen.find([tmp_path])[0]) == 2
    assert seen.one(tmp_path / "a/y.HEIC", 16).problem  # broken, and said so


def test_a_package_that_does_not_load_is_none(fresh):
    def broken(name: str):
        raise ImportError("libheif.so.1: cannot open shared object file")

    fresh.setattr(heif, "at_hand", lambda: True)
    fresh.setattr(heif.importlib, "import_module", broken)
    assert "JPEG" in images.formats()


@pytest.mark.skipif(not heif.at_hand(), reason="pillow-heif is not installed")
def test_photos_of_a_phone(picture):
    package = pytest.importorskip("pillow_heif")
    package.register_heif_opener()
    photo = picture(2, 320, 240)
    for turn in (1, 6):
        exif = Image.Exif()
        exif[0x0112] = turn
        out = io.BytesIO()
        photo.save(out, "HEIF", quality=90, exif=exif.tobytes())
        data = out.getvalue()
        made = square(data, 32)
        upright = photo if turn == 1 else photo.transpose(Image.Transpose.ROTATE_270)
        assert (made.width, made.height) == upright.size
        wanted = np.asarray(upright.resize((32, 32), Image.Resampling.BILINEAR), int)
        assert np.abs(made.pixels - wanted).mean() < 3
        for part in (0.4, 0.8):
            with pytest.raises(BadPhoto):
                square(data[: int(part * len(data))], 32)
        with pytest.raises(BadPhoto, match="zeros"):
            square(data[: len(data) // 2] + bytes(900) + data[len(data) // 2 + 900 :], 32)
        out = io.BytesIO()
        photo.save(out, "HEIF", quality=90, exif=exif.tobytes() + bytes(2000))
        assert bytes(1500) in out.getvalue() and square(out.getvalue(), 32).damage is None


@pytest.mark.skipif("AVIF" not in images.formats(), reason="this Pillow has no AVIF")
def test_sectors_of_an_avif_that_were_never_written(picture):
    noise = np.random.default_rng(0).normal(0, 9, (240, 320, 3))
    photo = Image.fromarray(np.clip(picture(3, 320, 240) + noise, 0, 255).astype(np.uint8))
    out = io.BytesIO()
    photo.save(out, "AVIF", quality=80, exif=Image.Exif().tobytes() + bytes(2000))
    data = out.getvalue()
    assert bytes(1500) in data and square(data, 32).damage is None
    at = data.index(b"mdat") + 9000
    with pytest.raises(BadPhoto):
        square(data[:at] + bytes(900) + data[at + 900 :], 32)
