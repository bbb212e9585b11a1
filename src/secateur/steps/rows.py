"""Rows that networks say of photos, kept as they come, so that what was computed before a kill is not computed again.

Letters: n photos, d numbers a photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from secateur.data import batches as loading


class Rows:
    """Rows of float32 in a plain file that grows by whole batches; its length tells how far it came."""

    def __init__(self, file: Path, n: int, batch: int) -> None:
        self.file, self.n = file, n
        self.wide_file = file.with_suffix(".wide")
        self.wide = int(self.wide_file.read_text(encoding="utf-8")) if self.wide_file.is_file() else 0
        whole = file.stat().st_size // (4 * self.wide) if self.wide and file.is_file() else 0
        count = loading.batch_count(n, batch)
        self.batches = count if whole >= n else min(whole // batch, count - 1)  # a last batch may be one photo longer
        self.rows = n if whole >= n else self.batches * batch
        if file.is_file():
            with file.open("r+b") as content:
                content.truncate(self.rows * self.wide * 4)

    def add(self, rows: npt.NDArray[np.float32]) -> None:
        if not self.wide:
            self.wide = rows.shape[1]
            self.wide_file.write_text(str(self.wide), encoding="utf-8")
        with self.file.open("ab") as content:
            content.write(np.ascontiguousarray(rows, np.float32).data)

    def all(self) -> npt.NDArray[np.float32]:
        """(n, d)"""
        return np.fromfile(self.file, np.float32).reshape(self.n, self.wide)


def stack(file: Path, parts: Sequence[Rows]) -> None:
    """Writes an .npy of (parts, n, d) float32, a part at a time: all together may be larger than memory."""
    shape = (len(parts), parts[0].n, parts[0].wide)
    with file.open("wb") as out:  # no mapping: on a full disk a mapped page kills the process
        np.lib.format.write_array_header_1_0(out, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for part in parts:
            out.write(part.all().data)
