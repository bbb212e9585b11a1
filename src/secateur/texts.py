"""Text that people wrote, as their programs save it."""

from __future__ import annotations

import codecs
from pathlib import Path

from secateur.errors import UserError

MARK = "\ufeff"  # what Windows programs put first, to say that UTF-8 is UTF-8
PACKED = (  # how a file begins, something in it, what it is, what to do; the first that fits
    (b"PK\x03\x04", b"xl/", "an Excel workbook", ""),
    (b"PK\x03\x04", b"opendocument.spreadsheet", "a LibreOffice spreadsheet", ""),
    (b"PK\x03\x04", b"", "a ZIP archive", "unpack it, and name the file in it"),
    (b"\xd0\xcf\x11\xe0", b"", "an Excel workbook", ""),
    (b"\x1f\x8b", b"", "packed with gzip", "unpack it"),
)
WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: Path, otherwise: str, *, wide: bool = False) -> str:
    """The words of a file of UTF-8, with or without its mark; and, if `wide`, of UTF-16 with one (Excel's "Unicode
    text", PowerShell's `>`).

    No other encoding says what it is, and a wrong guess would change names: `otherwise` says what to do about it.
    Raises UserError: a file that cannot be read, is in another encoding, or is a workbook or an archive.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    for begins, holds, what, todo in PACKED:
        if content.startswith(begins) and holds in content:
            raise UserError(f"{path} cannot be read: it is {what}; {todo or otherwise}")
    utf16 = content.startswith(WIDE)
    try:
        text = content.decode("utf-16" if wide and utf16 else "utf-8").lstrip(MARK)
    except UnicodeDecodeError as error:
        said = "is UTF-16 cut short" if wide and utf16 else "is UTF-16" if utf16 else "is not UTF-8"
        raise UserError(f"{path} cannot be read: it {said} (byte {error.start}); {otherwise}") from error
    if "\0" in text:  # UTF-16 without its mark, if all of it is English
        raise UserError(f"{path} cannot be read: it is not UTF-8 (byte {text.index(chr(0))} is 0); {otherwise}")
    return text
