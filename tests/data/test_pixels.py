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


class Stop(Exception):
    """What ends a process half way."""


def stopped(photos, root, work, out, at):
    """A store under way that ended after at least `at` photos."""

    def progress(done, total):
        if done >= at:
            raise Stop

    with pytest.raises(Stop):
        write_pixels(root, photos, PX, out, work=work, workers=1, progress=progress)
    return (work / "pixels.npy").stat().st_size


@pytest.fixture
def places(tmp_path, monkeypatch):
    """(work, out), empty; a photo a block."""
    monkeypatch.setattr(module, "CHUNK_BYTES", 1)
    for name in ("work", "out", "whole"):
        (tmp_path / name).mkdir()
    return tmp_path / "work", tmp_path / "out"


@pytest.mark.parametrize("torn", [-1, -PX * PX * 3 + 1, 0, 5])
def test_a_store_goes_on_where_it_was_stopped(few_photos, tmp_path, places, torn):
    """Bytes more or fewer than whole photos, as a kill within a write leaves them."""
    photos = scan(few_photos).photos
    write_pixels(few_photos, photos, PX, tmp_path / "whole")
    work, out = places
    size = stopped(photos, few_photos, work, out, 30)
    assert not list(out.iterdir())
    with (work / "pixels.npy").open("r+b") as file:
        file.truncate(size + torn)  # zeros, where it grows
    for photo in photos[:29]:
        (few_photos / photo.path).unlink()  # whoever reads one again fails
    seen = []
    write_pixels(few_photos, photos, PX, out, work=work, progress=lambda *x: seen.append(x))
    assert seen[0] == ((30 if torn < 0 else 31), 72) and seen[-1] == (72, 72)
    assert (out / "pixels.npy").read_bytes() == (tmp_path / "whole" / "pixels.npy").read_bytes()
    assert not list(work.iterdir())


def test_a_store_that_was_whole_is_only_moved(few_photos, places):
    work, out = places
    photos = scan(few_photos).photos
    stopped(photos, few_photos, work, out, len(photos))
    for photo in photos:
        (few_photos / photo.path).unlink()
    write_pixels(few_photos, photos, PX, out, work=work)
    assert open_pixels(out).shape == (72, PX, PX, 3)


@pytest.mark.parametrize("left", [b"", b"\x93NUMPY\x01\x00v\x00{'descr'", b"x" * 5000])
def test_what_is_no_store_of_these_photos_begins_anew(few_photos, tmp_path, places, left):
    work, out = places
    photos = scan(few_photos).photos[:5]
    (work / "pixels.npy").write_bytes(left)
    write_pixels(few_photos, photos, PX, out, work=work)
    write_pixels(few_photos, photos, PX, tmp_path / "whole")
    assert (out / "pixels.npy").read_bytes() == (tmp_path / "whole" / "pixels.npy").read_bytes()


def test_without_a_place_to_work_in_it_begins_anew(few_photos, tmp_path):
    photos = scan(few_photos).photos
    write_pixels(few_photos, photos[:3], PX, tmp_path)
    before = (tmp_path / "pixels.npy").read_bytes()
    (few_photos / photos[0].path).unlink()
    with pytest.raises(UserError, match="vanished"):
        write_pixels(few_photos, photos[:3], PX, tmp_path)
    assert (tmp_path / "pixels.npy").read_bytes() != before


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
