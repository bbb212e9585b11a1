"""Photos decoded once, straight to the size needed, into a memory-mapped uint8 store."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from secateur.data.images import BadPhoto, square
from secateur.data.parallel import in_chunks
from secateur.errors import UserError
from secateur.records import Photo

FILE = "pixels.npy"
CHUNK_BYTES = 2**20  # of decoded pixels a piece of work


def decode(source: Path | bytes, px: int) -> NDArray[np.uint8]:
    """One photo as (px, px, 3) RGB: resized without keeping its aspect (as the study did), antialiased.

    Transparency is shown on white, the first frame of an animation is taken, 16-bit grey is scaled, EXIF
    orientation is applied, colour profiles are not. JPEG is decoded at a smaller scale where that stays
    within a mean difference of 2/255 of full decoding.

    Raises UserError: px under 1, a file that cannot be read, is empty, truncated or no image.
    """
    if px < 1:
        raise UserError(f"input size {px} px is out of range; allowed: 1 or more")
    if isinstance(source, bytes):
        return np.asarray(square(source, px).image)
    try:
        return _decoded(source.read_bytes(), source, px)
    except OSError as error:
        raise UserError(f"photo {source} cannot be read: {error.strerror or error}") from error


def write_pixels(
    root: Path,
    photos: Sequence[Photo],
    px: int,
    folder: Path,
    *,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """`folder`/pixels.npy: (photos, px, px, 3) uint8, in the order of `photos`, whose files lie under `root`.

    Each file's sha256 is checked on the way; progress is called with (photos done, photos in all).
    Anonymous memory does not grow with the number of photos.

    Raises UserError: a photo changed or vanished since the scan, px under 1, the disk is full.
    """

    def read(some: Sequence[Photo]) -> NDArray[np.uint8]:
        return np.stack([_checked(root / photo.path, photo, px) for photo in some])

    if px < 1:
        raise UserError(f"input size {px} px is out of range; allowed: 1 or more")
    chunk = max(1, CHUNK_BYTES // (3 * px * px))
    shape = (len(photos), px, px, 3)
    done = 0
    try:
        # Plain writes and no mapping: on a full disk a write fails with an error, a mapped page kills the process.
        with (folder / FILE).open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            for block in in_chunks(read, photos, chunk, workers):
                file.write(block.data)
                done += len(block)
                if progress:
                    progress(done, len(photos))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        need = len(photos) * px * px * 3
        raise UserError(f"the disk is full: {need:,} bytes are needed for {len(photos)} photos") from error


def open_pixels(folder: Path) -> NDArray[np.uint8]:
    """The store in `folder`, (photos, px, px, 3), memory-mapped and read-only."""
    pixels: NDArray[np.uint8] = np.load(folder / FILE, mmap_mode="r")
    return pixels


def _decoded(data: bytes, path: Path, px: int) -> NDArray[np.uint8]:
    try:
        return np.asarray(square(data, px).image)
    except BadPhoto as bad:
        raise UserError(f"photo {path} cannot be used: {bad}") from bad


def _checked(path: Path, photo: Photo, px: int) -> NDArray[np.uint8]:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"photo {path} vanished since the scan; scan the folder again") from error
    except OSError as error:
        raise UserError(f"photo {path} cannot be read: {error.strerror or error}") from error
    if hashlib.sha256(data).hexdigest() != photo.sha256:
        raise UserError(f"photo {path} changed since the scan; scan the folder again")
    return _decoded(data, path, px)
