"""Photos decoded once, straight to the size needed, into a memory-mapped uint8 store."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from secateur.data.images import BadPhoto, square
from secateur.data.parallel import in_chunks
from secateur.data.resize import Resize, by_scipy, fastest
from secateur.errors import UserError
from secateur.records import NO_DEPTH, Depth, Photo

FILE = "pixels.npy"
CHUNK_BYTES = 2**20  # of decoded pixels a piece of work


def decode(source: Path | bytes, px: int, *, depth: Depth = NO_DEPTH, keep_damaged: bool = False) -> NDArray[np.uint8]:
    """One photo as (px, px, 3) RGB: resized without keeping its aspect (as the study did), antialiased.

    Transparency is shown on white, the first frame of an animation is taken, more than eight bits a channel are scaled
    by `depth`, EXIF orientation is applied, colour profiles are not. JPEG is decoded at a smaller scale where that
    stays within a mean difference of 2/255 of full decoding.

    Raises UserError: px under 1, a file that cannot be read, is empty, truncated, no image, or lacks rows (unless
    `keep_damaged`).
    """
    if px < 1:
        raise UserError(f"input size {px} px is out of range; allowed: 1 or more")
    if isinstance(source, bytes):
        return square(source, px, depth=depth, keep_damaged=keep_damaged).pixels
    try:
        return _decoded(source.read_bytes(), source, px, by_scipy, depth, keep_damaged)
    except OSError as error:
        raise UserError(f"photo {source} cannot be read: {error.strerror or error}") from error


def write_pixels(
    root: Path,
    photos: Sequence[Photo],
    px: int,
    folder: Path,
    *,
    depth: Depth = NO_DEPTH,
    work: Path | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """`folder`/pixels.npy: (photos, px, px, 3) uint8, in the order of `photos`, whose files lie under `root`.

    depth: the snapshot's. Photos that lack rows are read as far as they go: the snapshot holds them if they are wanted.
    Each file's sha256 is checked on the way; progress is called with (photos done, photos in all).
    Anonymous memory does not grow with the number of photos.

    work: a folder on the same disk that belongs to these photos and this px alone. The store grows there, from the
    whole photos that a killed process left in it, and is moved to `folder` at the end.

    Raises UserError: a photo changed or vanished since the scan, px under 1, the disk is full.
    """

    def read(some: Sequence[Photo]) -> NDArray[np.uint8]:
        return np.stack([_checked(root / photo.path, photo, px, resize, depth) for photo in some])

    if px < 1:
        raise UserError(f"input size {px} px is out of range; allowed: 1 or more")
    resize = fastest()
    chunk = max(1, CHUNK_BYTES // (3 * px * px))
    path = (work or folder) / FILE
    if not work:
        path.unlink(missing_ok=True)
    try:
        # Plain writes and no mapping: on a full disk a write fails with an error, a mapped page kills the process.
        with path.open("a+b") as file:
            done = _whole(file, len(photos), px)
            for block in in_chunks(read, photos[done:], chunk, workers):
                file.write(block.data)
                file.flush()  # what the system has survives a kill
                done += len(block)
                if progress:
                    progress(done, len(photos))
        if work:
            path.replace(folder / FILE)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        need = len(photos) * px * px * 3
        raise UserError(f"the disk is full: {need:,} bytes are needed for {len(photos)} photos") from error


def open_pixels(folder: Path) -> NDArray[np.uint8]:
    """The store in `folder`, (photos, px, px, 3), memory-mapped and read-only."""
    pixels: NDArray[np.uint8] = np.load(folder / FILE, mmap_mode="r")
    return pixels


def _whole(file: IO[bytes], photos: int, px: int) -> int:
    """How many whole photos lie in a store under way; it is cut after them. An empty or foreign one begins anew."""
    header = io.BytesIO()
    shape = (photos, px, px, 3)
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    begin, one = len(header.getvalue()), 3 * px * px
    file.seek(0)
    if file.read(begin) != header.getvalue():
        file.truncate(0)
        file.seek(0)
        file.write(header.getvalue())
        return 0
    done = min((file.seek(0, os.SEEK_END) - begin) // one, photos)
    file.truncate(begin + done * one)
    file.seek(0, os.SEEK_END)
    return done


def _decoded(data: bytes, path: Path, px: int, resize: Resize, depth: Depth, keep_damaged: bool) -> NDArray[np.uint8]:
    try:
        return square(data, px, resize=resize, depth=depth, keep_damaged=keep_damaged).pixels
    except BadPhoto as bad:
        raise UserError(f"photo {path} cannot be used: {bad}") from bad


def _checked(path: Path, photo: Photo, px: int, resize: Resize, depth: Depth) -> NDArray[np.uint8]:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"photo {path} vanished since the scan; scan the folder again") from error
    except OSError as error:
        raise UserError(f"photo {path} cannot be read: {error.strerror or error}") from error
    if hashlib.sha256(data).hexdigest() != photo.sha256:
        raise UserError(f"photo {path} changed since the scan; scan the folder again")
    return _decoded(data, path, px, resize, depth, keep_damaged=True)
