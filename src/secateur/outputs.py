"""What a command was told to write: asked for before the work, and whole or absent after it.

    with opened(csv_file, "--csv", inputs=[model]) as table:   # here a mistake ends it, in one line, with nothing done
        found = hours_of_work()
        lost = put(table, text_of(found))                      # a disk that is full by now costs the file alone
    with aside(table):
        print(found)
    if lost:
        raise lost

"-" and /dev/stdout are standard output, and what is meant for people goes to standard error meanwhile. Pipes and
devices are written to as they are.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from secateur import writing
from secateur.errors import UserError
from secateur.safe_names import problem

STDOUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
TEXTS = (".csv", ".tsv", ".txt", ".json")  # that may be written anew beside photos or models that are read
MARK = "\ufeff"  # lets Excel read names with accents
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Output:
    """One file on its way: written to, then kept or thrown away."""

    def __init__(self, target: Path, content: IO[bytes], place: Path | None) -> None:
        self.target, self.content, self.place = target, content, place  # place: None where nothing is moved
        self.on_stdout = str(target) in STDOUT
        self.done = False

    def write(self, data: bytes | str) -> None:
        """Text as UTF-8; what is none, a file's name for one, with backslashes. Raises UserError."""
        with said(self.target):
            self.content.write(data if isinstance(data, bytes) else data.encode(errors="backslashreplace"))

    def rows(self, rows: Iterable[Sequence[Any]], end: str = "\r\n") -> None:
        """Lines of a CSV. Raises UserError."""
        csv.writer(self, lineterminator=end).writerows(rows)

    def keep(self) -> None:
        """All was written: put it where it belongs. Raises UserError."""
        self.done = True
        with said(self.target):
            self.content.flush()
            if not self.place:
                return
            os.fsync(self.content.fileno())  # some disks say only here that they are full
            self.content.close()
            writing.keep_mode(real := _real(self.target), self.place)
            _put(self.place, real)

    def drop(self) -> None:
        """Nothing stays of what was not kept."""
        if self.content is not _stdout():
            with contextlib.suppress(OSError, ValueError):
                self.content.close()
        if self.place:
            self.place.unlink(missing_ok=True)


@contextlib.contextmanager
def opened(
    target: Path | None, option: str, *, inputs: Iterable[Path | None] = (), text: bool = True
) -> Iterator[Output | None]:
    """The file that an option names, ready to be written to; kept when the block ends well, unless `put` did. None for
    None. `inputs`: files and folders that the command reads, which it must not write over. `text`: what is written is
    text, and so never takes the place of a file that is none: `--csv *.jpg` names a photo for the table.

    Raises UserError at once for a folder that is not there or may not be written to, a folder named for a file, a file
    that is read, is none of text or may not be changed; and at the end for a disk that is full.
    """
    if target is None:
        yield None
        return
    with said(target):
        _refuse(target, option, [p for p in inputs if p])
        if text and _other_than_text(target):
            raise UserError(f"{option} {target} is there already, and holds no text: name another file")
        out = _open(target)
    try:
        yield out
        if not out.done:
            out.keep()
    finally:
        out.drop()


def put(out: Output | None, content: bytes | str | Iterable[Sequence[Any]], end: str = "\r\n") -> UserError | None:
    """Write all (rows: as a CSV with these line ends), and keep it; why not, where that fails, so that the caller can
    say first what it has found."""
    if out is None:
        return None
    out.done = True  # kept now, or never
    try:
        if isinstance(content, bytes | str):
            out.write(content)
        else:
            out.rows(content, end)
        out.keep()
    except UserError as error:
        return error
    return None


@contextlib.contextmanager
def aside(out: Output | None) -> Iterator[None]:
    """While a file goes to standard output, what is printed for people goes to standard error."""
    with contextlib.redirect_stdout(sys.stderr) if out and out.on_stdout else contextlib.nullcontext():
        yield


def one_on_stdout(as_json: bool, target: Path | None, option: str = "--csv") -> None:
    """Raises UserError where two things would be written to standard output."""
    if as_json and target and str(target) in STDOUT:
        raise UserError(f"--json and {option} {target} both go to standard output: set one")


def refuse_folder(folder: Path) -> None:
    """Raises UserError for a folder that is there, and for one that cannot be made: asked before the work."""
    if folder.exists() or folder.is_symlink():
        raise UserError(f"{folder} exists already: name a folder that does not")
    can_be_made(folder)


def can_be_made(folder: Path) -> None:
    """A folder is made beside it and taken away again. Raises UserError."""
    _named_well(folder)
    place = writing.scratch(folder.absolute())
    above = [p for p in place.parents if not p.exists()]
    with said(folder):
        try:
            place.mkdir(parents=True)
        finally:
            for made in (place, *above):
                with contextlib.suppress(OSError):
                    made.rmdir()


@contextlib.contextmanager
def said(target: Path) -> Iterator[None]:
    """The system's reason in one line."""
    try:
        yield
    except BrokenPipeError:
        raise  # nobody reads any more, as with `| head`: no mistake
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error.strerror or error}") from error


def _refuse(target: Path, option: str, inputs: Sequence[Path]) -> None:
    if str(target) in STDOUT:
        return
    if target.is_dir():
        raise UserError(f"{option} {target} is a folder: name a file")
    if not _real(target).parent.exists():
        raise UserError(f"{target} cannot be written: {_real(target).parent}: no such folder")
    _named_well(target)
    if not target.is_file():
        return
    for given in inputs:
        if given.is_file() and given.samefile(target):
            raise UserError(f"{option} {target} is what is read: name another file")
        inside = given.is_dir() and target.resolve().is_relative_to(given.resolve())
        if inside and target.suffix.lower() not in TEXTS:
            raise UserError(f"{option} {target} is there already, in {given}, which is read: name another file")


def _other_than_text(target: Path) -> bool:
    """Photos and models hold zeros within their first bytes; text does not, but for UTF-16."""
    if not target.is_file() or target.suffix.lower() in TEXTS:
        return False
    with target.open("rb") as file:
        return b"\0" in file.read(4096)


def _named_well(target: Path) -> None:
    """On Windows `con.csv` is the terminal, and `a:b.csv` a hidden part of the file `a`."""
    if os.name == "nt" and (why := problem(target.name)):
        raise UserError(f"{target} cannot be written: {why}")


def _open(target: Path) -> Output:
    if str(target) in STDOUT:
        return Output(target, _stdout(), None)
    real = _real(target)
    if real.exists() and not real.is_file():  # a pipe or a device
        return Output(target, real.open("wb"), None)
    if real.exists():
        real.open("r+b").close()  # one that may not be changed says so now; nothing is changed yet
    place = writing.scratch(real)
    try:
        return Output(target, place.open("xb"), place)
    except PermissionError:
        if not real.exists():
            raise
    handle, name = tempfile.mkstemp()  # the file may be changed, its folder may not
    return Output(target, os.fdopen(handle, "wb"), Path(name))


def _real(target: Path) -> Path:
    """Where a link leads, once there is something."""
    try:
        return target.resolve()
    except RuntimeError as error:  # a link that leads to itself; an OSError from Python 3.13 on
        raise UserError(f"{target} cannot be written: it is a link that leads nowhere") from error


def _put(place: Path, target: Path) -> None:
    """Moved; copied over it where a file can only be changed, as one that a container was given alone."""
    try:
        writing.move(place, target)
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM) or not target.is_file():
            raise
        with place.open("rb") as source, target.open("wb") as out:
            shutil.copyfileobj(source, out)


def _stdout() -> IO[bytes]:
    return sys.stdout.buffer
