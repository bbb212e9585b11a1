"""The models of a run that are served: their files, loaded once, and what the run's results know of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from secateur.errors import UserError
from secateur.forms.packed import is_packed, unpack
from secateur.forms.runtime import Classifier, load
from secateur.names import nfc, nobodys
from secateur.records import Measured, ModelResult, Results
from secateur.report.formats import NARROW
from secateur.report.judge import called

PACKED = ".packed"


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """One file, ready to answer."""

    name: str  # for people: "filter-l1 50 %"; of a file that the results do not know, its own
    file: str  # in RUN/models
    size_bytes: int
    classifier: Classifier
    test_accuracy: Measured | None = None  # of this very file; None where the results do not know it


def of_run(folder: Path, results: Results) -> tuple[Served, ...]:
    """Every .onnx and .packed of `folder`, by name, each run once so that its first photo is like any other.

    Raises UserError: there is none, or one that is altered or that Secateur did not write.
    """
    files = sorted(p for p in folder.glob("*") if p.suffix in (".onnx", PACKED) and p.is_file() and not nobodys(p.name))
    if not files:
        raise UserError(f"{folder} holds no models: no .onnx and no .packed")
    names = {config: name.replace(NARROW, " ") for config, name in called(results).items()}
    return tuple(_warmed(files, {m.file_sha256: m for m in results.models if m.file_sha256}, names))


def _warmed(files: list[Path], known: dict[str, ModelResult], names: dict[str, str]) -> Iterator[Served]:
    for file in files:
        classifier = load(file)
        px = classifier.input_px
        classifier.logits(np.zeros((1, px, px, 3), np.uint8))
        content = file.read_bytes()
        found = known.get(_digest(file, content))
        name = names[found.config] + (", packed" if file.suffix == PACKED else "") if found else nfc(file.name)
        accuracy = found.evaluation.accuracy if found and found.evaluation else None
        yield Served(name, file.name, len(content), classifier, accuracy)


def _digest(file: Path, content: bytes) -> str:
    """The sha256 by which results know a file. A packed one is known by the exported file beside it, if it becomes
    that again: it may have lost the signs of zeros, which no answer depends on."""
    if not is_packed(content):
        return hashlib.sha256(content).hexdigest()
    made, exported = unpack(content), file.with_suffix(".onnx")
    beside = exported.read_bytes() if exported.is_file() else b""
    return hashlib.sha256(beside if _same(made, beside) else made).hexdigest()


def _same(made: bytes, exported: bytes) -> bool:
    """Whether a file differs from another in signs of zeros alone."""
    if len(made) != len(exported):
        return False
    ours, theirs = np.frombuffer(made, np.uint8), np.frombuffer(exported, np.uint8)
    return bool(np.all((ours == theirs) | ((ours == 0) & (theirs == 0x80))))
