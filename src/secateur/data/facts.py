"""What one read of a file tells: its hash, its size, its likeness; or why it is no photo."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from secateur.data.exif import written
from secateur.data.images import BadPhoto, square
from secateur.records import Depth

SEEN_PX = 32  # a photo is seen this small before it is hashed
THUMB_PX = 16
MAX_BYTES = 2**29  # a file is read whole


@dataclass(frozen=True, slots=True)
class Facts:
    """One file. `what` is empty for a usable photo, else the kind of problem; `why` is one line. Of a photo that lacks
    rows all else is there, too, for whoever wants to use it."""

    file_bytes: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0  # also moves when rights change, or when another file takes the name
    sha256: str = ""
    phash: int = 0  # 64 bits
    width: int = 0
    height: int = 0
    thumb: bytes = b""  # THUMB_PX × THUMB_PX grey
    taken: str = ""  # by its camera's clock: "2021-05-03 17:20:11"
    camera: str = ""  # maker, model, serial number
    what: str = ""
    why: str = ""
    whole: int = 0  # of more than eight bits: what is white in it by itself, as in `Depth`
    floats: float = 0.0
    inverted: int = 0

    @property
    def read(self) -> bool:
        """Whether there is a picture: all of it, or what is left of a damaged one."""
        return bool(self.thumb)

    @property
    def needs(self) -> Depth:
        return Depth(self.whole, self.floats, self.inverted)


def read_facts(path: Path) -> Facts:
    """Facts of one file, from a single read. Never raises for what is wrong with the file: it says so."""
    try:
        with path.open("rb") as file:
            now = os.fstat(file.fileno())
            stat = (now.st_size, now.st_mtime_ns, now.st_ctime_ns)
            if now.st_size > MAX_BYTES:
                return Facts(*stat, what="too large", why=f"{now.st_size} bytes; at most {MAX_BYTES}")
            data = file.read()
    except OSError as error:
        return Facts(what="unreadable", why=error.strerror or str(error))
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        seen = square(data, SEEN_PX, grey=True, keep_damaged=True)
    except BadPhoto as bad:
        return Facts(*stat, sha256, what=bad.what, why=bad.why)
    image = Image.fromarray(seen.pixels)
    thumb = image.resize((THUMB_PX, THUMB_PX), Image.Resampling.BOX).tobytes()
    found = Facts(*stat, sha256, dhash(image), seen.width, seen.height, thumb, *written(data))
    damage, needs = seen.damage, seen.needs
    found = replace(found, whole=needs.whole, floats=needs.floats, inverted=needs.inverted)
    return replace(found, what=damage.what, why=damage.why) if damage else found


def dhash(grey: Image.Image) -> int:
    """64-bit difference hash of a grey image: is a pixel brighter than its left neighbour, 8 × 8 times.

    Krawetz, "Kind of like that" (2013).
    """
    pixels = np.asarray(grey.resize((9, 8), Image.Resampling.BILINEAR))
    bits = pixels[:, 1:] > pixels[:, :-1]  # (8, 8)
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
