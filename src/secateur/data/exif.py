"""What the camera wrote into a photo: when it was taken, and which camera it was."""

from __future__ import annotations

import io
import re

from PIL import Image

from secateur.data.images import formats

_EXIF, _ORIGINAL, _DIGITISED, _CHANGED = 0x8769, 0x9003, 0x9004, 0x0132  # tags of EXIF 2.3
_MAKE, _MODEL, _SERIAL = 0x010F, 0x0110, 0xA431
_TIME = re.compile(r"(\d{4})[:/-](\d\d)[:/-](\d\d)[ T](\d\d:\d\d:\d\d)")


def taken(data: bytes) -> str:
    """When a photo was taken by its camera's clock, "2021-05-03 17:20:11"; "" where it does not say.

    DateTimeOriginal, else DateTimeDigitized, else DateTime. A camera knows no time zone, and many a trap's clock was
    never set.
    """
    return written(data)[0]


def written(data: bytes) -> tuple[str, str]:
    """(when it was taken, maker and model and serial number of the camera), each "" where it does not say."""
    try:
        with Image.open(io.BytesIO(data), formats=formats()) as image:
            exif = image.getexif()
            inner = exif.get_ifd(_EXIF)
            times = (inner.get(_ORIGINAL), inner.get(_DIGITISED), exif.get(_CHANGED))
            camera = (exif.get(_MAKE), exif.get(_MODEL), inner.get(_SERIAL))
    except Exception:  # a photo with broken EXIF data is still a photo
        return "", ""
    words = (str(w).replace("\0", "").strip() for w in camera if w)
    return next(filter(None, map(clock, times)), ""), " ".join(w for w in words if w)


def clock(words: object) -> str:
    """A time as EXIF or a table writes it, as "2021-05-03 17:20:11"; "" where it is none."""
    found = _TIME.match(str(words or "").strip())
    return "-".join(found.groups()[:3]) + " " + found[4] if found else ""
