"""Which files are read as photos, told by their suffix alone; and why the others are not."""

from __future__ import annotations

import os
from collections.abc import Iterable

from secateur.data import heif
from secateur.records import Problem


def _suffixes(words: str) -> frozenset[str]:
    return frozenset(f".{word}" for word in words.split())


ALWAYS = _suffixes("jpg jpeg jpe jfif mpo png apng webp avif gif bmp tif tiff ppm pgm pbm pnm")
HEIF = heif.SUFFIXES  # read where pillow-heif is installed
RAW = _suffixes(
    "3fr ari arw bay cap cr2 cr3 crw dcr dcs dng erf fff gpr iiq k25 kdc mef mos mrw nef nrw orf pef ptx pxn r3d raf "
    "raw rw2 rwl sr2 srf srw x3f"
)
VIDEO = _suffixes(
    "3g2 3gp asf avi dav divx flv h264 h265 insv lrv m2ts m4v mjpeg mjpg mkv mov mp4 mpe mpeg mpg mts mxf ogv ts vob "
    "webm wmv"
)
DRAWN = _suffixes(
    "jp2 j2k jpx jpf jxl jxr hdp wdp psd psb xcf kra svg ai eps pdf exr hdr tga dds ico icns cur jng mng pcx fits fit "
    "dcm"
)
ARCHIVES = _suffixes("zip tar gz tgz bz2 xz 7z rar")
NOT_READ, NO_PHOTO, NOBODYS = "not read", "not a photo", "nobody's photos"


def has_heif() -> bool:
    """Whether HEIC can be read: pillow-heif is installed."""
    return heif.at_hand()


def readable() -> frozenset[str]:
    """Suffixes, lower case with their dot, of files that are read as photos here."""
    return ALWAYS | HEIF if has_heif() else ALWAYS


def suffix_of(path: str) -> str:
    """Lower case, with its dot; "" where there is none."""
    suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122 — of every file: a path object takes four times as long
    return "" if suffix == "." else suffix


def is_photo(path: str) -> bool:
    """Whether a file is read as a photo, told by its name."""
    return suffix_of(path) in readable()


def why_not(path: str) -> str:
    """Why a file is not read, as the end of a sentence: "HEIC is not read here (pip install 'secateur[heif]')"; "" for
    one that is, and for one of a kind that holds no pictures."""
    suffix = suffix_of(path)
    if suffix in readable():
        return ""
    name = suffix[1:].upper()
    if suffix in HEIF:
        return f"{name} is not read here ({heif.EXTRA})"
    if suffix in RAW:
        return f"{name} is a camera's raw form, which is not read: save it as JPEG"
    if suffix in VIDEO:
        return f"{name} is a video, which is not read: take pictures out of it"
    if suffix in DRAWN:
        return f"{name} is not read: save it as JPEG or PNG"
    if suffix in ARCHIVES:
        return f"{name} is an archive, which is not opened: unpack it"
    return ""


def may_be(path: str) -> bool:
    """Whether a file may hold somebody's pictures, read or not."""
    return is_photo(path) or bool(why_not(path))


def sifted(paths: Iterable[str]) -> tuple[list[str], list[str]]:
    """(those that are read as photos, the others), each in their order."""
    read = readable()
    photos: list[str] = []
    others: list[str] = []
    for path in paths:
        (photos if suffix_of(path) in read else others).append(path)
    return photos, others


def listed(others: Iterable[str]) -> list[Problem]:
    """Files that are no photos by their suffix, counted: a problem a suffix, which names one of them. Those that may be
    somebody's photos come first, the commonest of them before the others."""
    by_suffix: dict[str, list[str]] = {}
    for path in others:
        by_suffix.setdefault(suffix_of(path), []).append(path)
    found = []
    for suffix, paths in sorted(by_suffix.items(), key=lambda row: (not why_not(row[1][0]), -len(row[1]), row[0])):
        n = f"{len(paths):,} {'file' if len(paths) == 1 else 'files'} "
        n += f"with the suffix '{suffix}'" if suffix else "without a suffix"
        why = why_not(paths[0])
        what = NOT_READ if why else NO_PHOTO
        found.append(Problem(paths[0], what, f"{n}: {why}" if why else n, files=len(paths)))
    return found


def reasons(problems: Iterable[Problem]) -> str:
    """For an error that would else say "no photos": what was passed over that may hold pictures, in one line; "" where
    there was nothing."""
    return "; ".join(p.why for p in problems if p.what in (NOT_READ, NOBODYS))
