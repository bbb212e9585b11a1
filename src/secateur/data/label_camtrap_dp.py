"""Camtrap DP parts what was seen (observations.csv) from the photos it was seen on (media.csv, beside it).

Bubnicki et al., "Camtrap DP: an open standard for the FAIR exchange and archiving of camera trap data" (Remote Sensing
in Ecology and Conservation 2024); its tables as https://camtrap-dp.tdwg.org/data describes them.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from secateur.data.label_table import Table, asked, read_table
from secateur.errors import UserError
from secateur.texts import read_text

MEDIA = "media.csv"
ID = "mediaID"
ADDED = (f"{MEDIA} filePath", f"{MEDIA} timestamp")


def with_media(table: Table) -> Table:
    """A table of observations with the path and the time of each one's photo as columns behind its own.

    Raises UserError: no media.csv, or one in which an id means two photos.
    """
    file = table.file.parent / MEDIA
    if not file.is_file():
        raise UserError(
            f"{table.file} names photos by their {ID} alone: in Camtrap DP their paths stand in {MEDIA}, which is not "
            "beside it"
        )
    known = _media(file)
    (at,) = asked(table, ID, "id")
    rows = tuple(row + known.get(row[at], ("", "")) for row in table.rows)
    return dataclasses.replace(table, header=table.header + ADDED, rows=rows)


def _media(file: Path) -> dict[str, tuple[str, str]]:
    """Id → path and time. Where the path is an address the photos lie under their file names."""
    table = read_table(file, read_text(file, "save it as 'CSV UTF-8'", wide=True))
    (id,), (path,) = asked(table, ID, "id"), asked(table, "filePath", "path")
    name = table.header.index("fileName") if "fileName" in table.header else path
    time = table.header.index("timestamp") if "timestamp" in table.header else -1
    found: dict[str, tuple[str, str]] = {}
    for row in table.rows:
        made = row[name if "://" in row[path] and row[name] else path], row[time] if time >= 0 else ""
        if found.setdefault(row[id], made) != made:
            raise UserError(f"{file}: {ID} '{row[id]}' is both {found[row[id]][0]} and {made[0]}")
    return found
