"""Files to be measured, and the names that people know them by."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from secateur.errors import UserError
from secateur.measure.runtimes import USUAL, runtime_of
from secateur.names import nfc, nobodys


@dataclass(frozen=True, slots=True)
class Entry:
    """A file to be measured, under a name."""

    name: str
    file: Path
    runtime: str
    sha256: str
    bytes: int


BESIDE = ("figures.json", "labels.json")  # what a shell's * names, too, where models lie


def entries(models: Sequence[Path], runtime: str = "") -> tuple[Entry, ...]:
    """Files, or folders of them; named by their files, or by their folders too where those are the same, or say only
    "model", as a bundle's does.

    Raises UserError for none, one that is not there or no model, or a run-time that is not installed.
    """
    if all(model.name in BESIDE for model in models):
        raise UserError("no model to measure")
    files = [file for model in models if model.name not in BESIDE for file in _files(model)]
    stems = [f.stem for f in files]
    found = []
    for file in files:
        alone = stems.count(file.stem) == 1 and file.stem != "model"
        name = file.stem if alone else "/".join(file.with_suffix("").absolute().parts[-2:])
        found.append(entry(file, nfc(name), runtime))
    names = [e.name for e in found]
    for one in found:
        if names.count(one.name) > 1:
            raise UserError(f"two models are called '{one.name}': {one.file} is one of them")
    return tuple(found)


def entry(file: Path, name: str, runtime: str = "") -> Entry:
    """One file under a name. Raises UserError as `entries`."""
    kind = runtime_of(file, runtime)
    content = file.read_bytes()
    return Entry(name, file, kind, hashlib.sha256(content).hexdigest(), len(content))


def _files(model: Path) -> list[Path]:
    if not model.is_dir():
        return [model]
    inside = sorted(p for p in model.iterdir() if p.suffix.lower() in USUAL and not nobodys(p.name))
    if not inside:
        raise UserError(f"{model} holds no model: no file there ends in {', '.join(USUAL)}")
    return inside


def needs(entry: Entry) -> float:
    """Bytes that a process with this file takes, roughly: an interpreter, the weights twice, the maps of a photo."""
    return 150e6 + 3 * entry.bytes
