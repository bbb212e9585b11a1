"""The store: every row is its photo, decoded once; what changed since the scan is named."""

from __future__ import annotations

import errno
import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from secateur.data import pixels as module
from secateur.data.pixels import decode, open_pixels, write_pixels
from secateur.data.scan import scan
from secateur.errors import UserError
from secateur.records import Photo

PX = 16


def test_rows_are_the_photos_in_order(few_photos, tmp_path):
    snapshot = scan(few_photos)
    seen = []
    write_pixels(few_photos, snapshot.photos, PX, tmp_path, progress=lambda *x: seen.append(x))
    made = open_pixels(tmp_path)
    assert made.shape == (72, PX, PX, 3) and made.dtype == np.uint8
    for row, photo in zip(made, snapshot.photos, strict=True):
        assert (row == decode(few_photos / photo.path, PX)).all()
    assert seen[-1] == (72, 72)


def test_the_store_is_mapped_and_read_only(few_photos, tmp_path):
    write_pixels(few_photos, scan(few_photos).photos[:3], PX, tmp_path)
    made = open_pixels(tmp_path)
    assert isinstance(made, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        made[0] = 0


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("chunk", [1, 2**20])
def test_the_bytes_do_not_depend_on_who_works(few_photos, tmp_path, monkeypatch, workers, chunk):
    photos = scan(few_photos).photos
    write_pixels(few_photos, photos, PX, tmp_path)
    wanted = (tmp_path / "pixels.npy").read_bytes()
    monkeypatch.setattr(module, "CHUNK_BYTES", chunk)
    write_pixels(few_photos, photos, PX, tmp_path, workers=workers)
    assert (tmp_path / "pixels.npy").read_bytes() == wanted


def test_no_photos_make_an_empty_store(tmp_path):
    write_pixels(tmp_path, [], PX, tmp_path)
    assert open_pixels(tmp_path).shape == (0, PX, PX, 3)


@pytest.mark.parametrize(
    ("change", "word"),
    [(lambda p: p.unlink(), "vanished"), (lambda p: p.write_bytes(p.read_bytes() + b"x"), "changed")],
)
def test_a_photo_that_is_not_what_was_scanned(few_photos, tmp_path, change, word):
    photos = scan(few_photos).photos
    change(few_photos / photos[40].path)
    with pytest.raises(UserError, match=word) as caught:
        write_pixels(few_photos, photos, PX, tmp_path)
    assert photos[40].path in str(caught.value) and "\n" not in str(caught.value)


def test_a_full_disk(few_photos, tmp_path, monkeypatch):
    class Full(io.BytesIO):
        def write(self, data):
            if self.tell() > 4000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data)

    photos = scan(few_photos).photos
    real = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda self, *given, **named: Full() if self.name == "pixels.npy" else real(self, *given, **named),
    )
    monkeypatch.setattr(module, "CHUNK_BYTES", 1)
    with pytest.raises(UserError, match="disk is full: 55,296 bytes"):
        write_pixels(few_photos, photos, PX, tmp_path)


def test_a_photo_that_was_never_one(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"text")
    photo = Photo("a.jpg", 0, hashlib.sha256(b"text").hexdigest(), "0" * 16, 1, 1, 4, 0)
    with pytest.raises(UserError, match=r"a\.jpg"):
        write_pixels(tmp_path, [photo], PX, tmp_path)
    with pytest.raises(UserError, match="changed"):
        write_pixels(tmp_path, [replace(photo, sha256="0" * 64)], PX, tmp_path)
