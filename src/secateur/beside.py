"""figures.json: what was measured of the files that it lies beside. They are known by their contents, so that names do
not matter, and a file that is not what was measured gets no figures of another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from secateur.errors import UserError
from secateur.files import as_json_text, dump, read
from secateur.records import Filed, ModelResult, Results, Trained

FIGURES = "figures.json"


def trained(results: Results, model: ModelResult, form: str = "") -> Trained | None:
    """What a study measured of one of its models; None where it was not tested. `form`: of the file that was measured,
    where another was made of it."""
    said = model.evaluation
    if not said:
        return None
    ece = said.reliability.ece if said.reliability else None
    digest = results.data.snapshot_digest
    found = Trained(results.name, model.name, said.accuracy, said.balanced_accuracy, said.classes, ece, digest)
    return replace(found, form=form)


def text(files: Mapping[str, Path], measured: Trained) -> str:
    """The content of a figures.json for files under those names, of which all say what was measured of one."""
    return as_json_text(tuple(Filed(name, digest(path), measured) for name, path in files.items()))


def keep(file: Path, measured: Trained | None) -> None:
    """Write down what was measured of a file, beside it and beside what stands there of others. Nothing where nothing
    was measured, or where a figures.json is another program's."""
    if measured is None:
        return
    others = _read(file.parent / FIGURES)
    if others is None and (file.parent / FIGURES).exists():
        return
    kept = tuple(row for row in others or () if row.file != file.name)
    dump((*kept, Filed(file.name, digest(file), measured)), file.parent / FIGURES)


def of(file: Path) -> Trained | None:
    """What the figures.json beside a file says of it; None where there is none, or none that knows it."""
    place = file.parent / FIGURES
    if not file.is_file() or not place.is_file():
        return None
    rows = _read(place)
    if rows is None:
        return _of_before(place)
    own = digest(file)
    return next((row.measured for row in rows if row.sha256 == own), None)


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _read(place: Path) -> tuple[Filed, ...] | None:
    try:
        return read(tuple[Filed, ...], place)
    except UserError:
        return None


def _of_before(place: Path) -> Trained | None:
    """Until 0.3 `export` wrote the figures of its one file, without saying which that is."""
    try:
        return read(Trained, place)
    except UserError:
        return None
