"""The exception tree.

    Exception
    └── SecateurError            anything this package raises on purpose
        ├── UserError            the user's mistake: one line, exit code 2
        │   └── NotKnown         a name that is not known; says the nearest and where to look
        └── StepFailed           a step of a study that could not be done; a row of the report

A bug of ours is none of these: it keeps its traceback.
"""

from __future__ import annotations

import difflib
import errno
import re
from collections.abc import Iterable
from pathlib import Path

MOST = 40  # names in one line
COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # some libraries colour what they raise


class SecateurError(Exception):
    """Anything raised on purpose; its text is one line: what, where, got, allowed."""


class UserError(SecateurError):
    """The user's mistake: printed as one line, exit code 2."""


class NotKnown(UserError):
    """A name that is not in a list of names.

    >>> raise NotKnown("method", "magnitud", ["magnitude", "random"], see="secateur methods")
    Traceback (most recent call last):
    secateur.errors.NotKnown: method 'magnitud' is not known; did you mean 'magnitude'? See: secateur methods
    """

    def __init__(self, what: str, got: str, allowed: Iterable[str], see: str = "") -> None:
        names = sorted(allowed)
        near = difflib.get_close_matches(got, names, n=1, cutoff=0.5)
        more = f" … and {len(names) - MOST} more" if len(names) > MOST else ""
        hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(names[:MOST])}{more}."
        super().__init__(f"{what} '{got}' is not known; {hint}" + (f" See: {see}" if see else ""))


class StepFailed(SecateurError):
    """A step that cannot be done for a reason of its own; the study goes past it."""


def no_file(path: Path) -> UserError:
    """Of a path that should be a file's: what is wrong with it."""
    return UserError(f"{path} is a folder: name a file" if path.is_dir() else f"{path}: no such file")


def first_line(error: BaseException) -> str:
    """Of what another library raised; its kind where it says nothing."""
    said = COLOURS.sub("", str(error)).strip().splitlines()
    return said[0] if said else type(error).__name__


def is_disk_full(error: BaseException) -> bool:
    """torch and safetensors wrap the system's error in their own."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return True
    return "No space left on device" in str(error) or "os error 28" in str(error)
