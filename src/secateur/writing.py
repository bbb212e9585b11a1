"""Files and folders that are whole or absent: written beside their place under another name, then moved there.

What a command was told to write goes through `outputs`, which asks beforehand; results of a study through `store`. A
process that is killed in the midst leaves at most a scratch file whose name begins with SCRATCH; whatever stood there
before stands there still.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO

SCRATCH = ".secateur-"  # short, whatever the name: one of 255 bytes must have a scratch file, too
TRIES = 10  # on Windows a virus scanner may hold a file for a moment
WAIT_SECONDS = 0.05


@contextlib.contextmanager
def file(target: Path, *, sync: bool = False) -> Iterator[IO[bytes]]:
    """A new file that becomes `target` when the block ends well, and is gone when it does not. A link is followed; the
    permissions of a file that was there stay. `sync`: on the disk, not in its cache alone. Raises OSError that names
    `target`."""
    target = target.resolve()
    place = scratch(target)
    with named(target):
        try:
            with place.open("xb") as content:
                yield content
                content.flush()
                if sync:
                    os.fsync(content.fileno())
            keep_mode(target, place)
            move(place, target)
        finally:
            place.unlink(missing_ok=True)


def whole(target: Path, content: bytes | str, *, sync: bool = False) -> None:
    """Write all of `content`, text as UTF-8 with its line ends as they are, or nothing. Raises OSError."""
    with file(target, sync=sync) as out:
        out.write(content if isinstance(content, bytes) else content.encode())


@contextlib.contextmanager
def folder(target: Path) -> Iterator[Path]:
    """A new folder that becomes `target`, which is not there yet, when the block ends well. Folders above it are made,
    and taken away again when it does not. Raises OSError that names `target`."""
    target = target.absolute()
    above = [p for p in target.parents if not p.exists()]
    place = scratch(target)
    with named(target):
        try:
            place.mkdir(parents=True)
            yield place
            move(place, target)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            for made in above:
                with contextlib.suppress(OSError):  # somebody else uses it
                    made.rmdir()
            raise


def scratch(target: Path) -> Path:
    """Beside `target`, where a move costs nothing."""
    return target.with_name(f"{SCRATCH}{uuid.uuid4().hex[:8]}")


def move(place: Path, target: Path) -> None:
    """A file takes the place of what was there, on every system. Windows says "no" while a scanner reads the file."""
    for turn in range(TRIES):
        try:
            place.replace(target)
            return
        except PermissionError:
            if os.name != "nt" or turn == TRIES - 1:
                raise
        time.sleep(WAIT_SECONDS)


def keep_mode(target: Path, place: Path) -> None:
    """As it was, where there was one; not every disk knows permissions."""
    with contextlib.suppress(OSError):
        place.chmod(target.stat().st_mode & 0o777)


@contextlib.contextmanager
def named(target: Path) -> Iterator[None]:
    """Errors of the disk say which file it was: a full disk names none, and a scratch file's name says nothing."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and (error.filename is None or SCRATCH in str(error.filename)):
            error.filename, error.filename2 = str(target), None
        raise
