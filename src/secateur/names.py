"""Names as people write them and as disks keep them: one form to compare and show, and names that are nobody's photos.

macOS hands out names with accents apart ("u" and a mark), everything else as one character; they look the same and are
other bytes. Labels and paths are compared, and labels shown, composed (NFC, Unicode Standard Annex 15); the disk's own
form only opens files.
"""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Iterable, Mapping


def nfc(name: str) -> str:
    """The composed form: what two names that look the same are compared by."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def by_nfc(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Composed form → the names that have it, as they came in; more than one where a disk holds both forms."""
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        found[nfc(name)] = (*found.get(nfc(name), ()), name)
    return found


def plain(name: str) -> str:
    """Without what people write now so, now so: case, spaces, hyphens, underscores, and characters that nobody sees."""
    seen = "".join(c for c in nfc(name) if unicodedata.category(c) != "Cf")
    words = "".join(" " if c.isspace() or c in "_-" else c for c in seen).split()
    return nfc(" ".join(words).casefold())


# What stands beside people's photos without being theirs: bins, snapshots and thumbnails of network storage, leavings
# of file managers and photo programs. In any case of letters; what begins with a dot is passed over anyhow, and stands
# here for its reason. No word that somebody's class may be called: "recycled" is one where waste is sorted.
OTHERS: Mapping[str, str] = {
    "@eadir": "thumbnails of a Synology NAS",
    "@synoeastream": "a Synology NAS's own",
    "@synoresource": "a Synology NAS's own",
    "@sharesnap": "snapshots of a Synology NAS",
    "@sharebin": "the bin of a Synology NAS",
    "@tmp": "a NAS's own",
    "#recycle": "the bin of a Synology NAS",
    "#snapshot": "snapshots of a Synology NAS",
    "@recycle": "the bin of a QNAP NAS",
    "@recently-snapshot": "snapshots of a QNAP NAS",
    ".@__thumb": "thumbnails of a QNAP NAS",
    ".@__qini": "a QNAP NAS's own",
    "~snapshot": "snapshots of a file server",
    ".snapshot": "snapshots of a file server",
    ".snapshots": "snapshots of a file server",
    ".zfs": "snapshots of a file server",
    "$recycle.bin": "the bin of Windows",
    "system volume information": "Windows' own",
    "found.[0-9][0-9][0-9]": "what a repair of the disk found",
    "lost+found": "what a repair of the disk found",
    "lost.dir": "what a repair of the card found",
    ".trash": "a bin",
    ".trash-*": "a bin",
    ".trashes": "the bin of macOS",
    ".trashed-*": "the bin of Android",
    "network trash folder": "a bin",
    "temporary items": "macOS' own",
    ".temporaryitems": "macOS' own",
    "__macosx": "what macOS adds to archives",
    "._*": "what macOS adds to a file",
    ".appledouble": "what macOS adds to files",
    ".appledb": "what macOS adds to files",
    ".appledesktop": "what macOS adds to files",
    ".ds_store": "macOS' own",
    ".spotlight-v100": "macOS' own",
    ".fseventsd": "macOS' own",
    ".documentrevisions-v100": "macOS' own",
    "icon\r": "macOS' own",
    "thumbs.db": "thumbnails of Windows",
    "thumbs.db:encryptable": "thumbnails of Windows",
    "ehthumbs.db": "thumbnails of Windows",
    "ehthumbs_vista.db": "thumbnails of Windows",
    "desktop.ini": "Windows' own",
    ".thumbnails": "thumbnails",
    ".thumbnail": "thumbnails",
    ".thumbs": "thumbnails",
    ".comments": "a file manager's own",
    ".xvpics": "thumbnails",
    "*.lrdata": "previews of Lightroom",
    "*.lrcat-data": "Lightroom's own",
    ".dtrash": "the bin of digiKam",
    ".picasaoriginals": "originals that Picasa keeps beside what it changed",
    ".picasa.ini": "Picasa's own",
    ".stfolder": "Syncthing's own",
    ".stversions": "old versions that Syncthing keeps",
    ".sync": "Resilio Sync's own",
    ".dropbox.cache": "Dropbox's own",
    ".tmp.driveupload": "Google Drive's own",
    ".tmp.drivedownload": "Google Drive's own",
    ".ipynb_checkpoints": "Jupyter's own",
    "deletedfiles": "the bin of Timelapse",
}
_EXACT = {name: why for name, why in OTHERS.items() if not any(c in name for c in "*[")}
_PATTERNS = {name: why for name, why in OTHERS.items() if name not in _EXACT}
_ANY = re.compile("|".join(map(fnmatch.translate, _PATTERNS)))  # asked of every file: one at a time took as long as all


def nobodys(name: str) -> str:
    """Why a file or folder of this name is not looked at: "the bin of Windows"; "" where it is."""
    low = nfc(name).casefold()
    if low in _EXACT:
        return _EXACT[low]
    if _ANY.match(low):
        return next(why for pattern, why in _PATTERNS.items() if fnmatch.fnmatchcase(low, pattern))
    return "hidden: its name begins with a dot" if name.startswith(".") else ""
