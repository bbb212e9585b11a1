"""An exported file, run without torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from secateur.errors import UserError, first_line, no_file
from secateur.forms.packed import MAGIC, Altered, is_packed, unpack
from secateur.names import nfc
from secateur.records import NO_DEPTH, Depth

Pixels = npt.NDArray[np.uint8]  # (n, px, px, 3) RGB
Logits = npt.NDArray[np.float32]  # (n, classes)


@dataclass(frozen=True, slots=True)
class Classifier:
    """An ONNX file that Secateur wrote, loaded."""

    session: Any
    labels: tuple[str, ...]  # composed, each once: see `one_each`
    input_px: int
    together: Callable[[Logits], Logits] = lambda logits: logits
    depth: Depth = NO_DEPTH  # of photos of more than eight bits a channel, as its training had them

    def logits(self, photos: Pixels, batch_size: int = 64) -> Logits:
        """(n, px, px, 3) uint8 → (n, classes), a batch at a time."""
        parts = [
            self.session.run(None, {"photos": np.ascontiguousarray(photos[i : i + batch_size])})[0]
            for i in range(0, len(photos), batch_size)
        ]
        return self.together(np.concatenate(parts)) if parts else np.zeros((0, len(self.labels)), np.float32)


def load(file: Path, threads: int = 0) -> Classifier:
    """Of an ONNX file, or of its packed form. `threads` 0: as many as the run-time likes.

    Raises UserError for a file that is missing, altered, no ONNX model, or not one of ours.
    """
    if not file.is_file():
        raise no_file(file)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    with file.open("rb") as content:
        packed = is_packed(content.read(len(MAGIC)))
    try:
        source = unpack(file.read_bytes()) if packed else file
    except Altered as error:
        raise UserError(f"{file}: {error}") from error
    try:
        session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no base class
        raise UserError(f"{file} is no ONNX model that onnxruntime can run: {first_line(error)}") from error
    properties = session.get_modelmeta().custom_metadata_map
    if "secateur.labels" not in properties:
        raise UserError(f"{file} is an ONNX model, but not one that Secateur wrote: it names no labels")
    labels, together = one_each(json.loads(properties["secateur.labels"]))
    depth = Depth(**json.loads(properties.get("secateur.depth", "{}")))
    return Classifier(session, labels, int(properties["secateur.input_px"]), together, depth)


def one_each(names: Sequence[str]) -> tuple[tuple[str, ...], Callable[[Logits], Logits]]:
    """A file's labels composed (NFC), and what makes its logits fit them.

    Files of earlier releases may hold a class twice, in two forms that look the same: its probabilities are added up.
    All others are left as they are.
    """
    composed = [nfc(name) for name in names]
    labels = tuple(dict.fromkeys(composed))
    if len(labels) == len(composed):
        return labels, lambda logits: logits
    own = [[i for i, name in enumerate(composed) if name == label] for label in labels]

    def together(logits: Logits) -> Logits:
        parts = [np.logaddexp.reduce(logits[:, places], axis=1) for places in own]
        return np.stack(parts, axis=1)

    return labels, together


def softmax(logits: Logits) -> Logits:
    """Probabilities a photo; (n, classes) → (n, classes)."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float32)
