"""A folder to hand on: a model, what it says in words, how to run it, and what it was when it was measured."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from secateur import writing
from secateur.outputs import refuse_folder, said

SUMS = "SHA256SUMS"


def write(
    folder: Path,
    model: Mapping[str, Path],
    runtime: str,
    labels: list[str],
    card: str,
    figures: str = "",
    beside: Mapping[str, bytes] | None = None,
) -> dict[str, str]:
    """The files of a model under their names there, labels.json, README.md (the card), figures.json (what was measured,
    for programs), predict.py with a few lines for its run-time, what it needs `beside` it to read photos as we do, and
    the checksums of all; the folder is whole or absent. Returns file → sha256.

    Raises UserError where there is a folder already, or it cannot be written.
    """
    refuse_folder(folder)
    content: dict[str, bytes] = {name: path.read_bytes() for name, path in model.items()}
    packed = any(name.endswith(".packed") for name in content)
    content |= {
        "labels.json": (json.dumps(labels, ensure_ascii=False, indent=1) + "\n").encode(),
        "README.md": card.encode(),
        "predict.py": _script("handed/predict.py"),
        "runtime.py": _script(f"handed/in_{runtime}.py"),
    }
    content |= beside or {}
    if figures:
        content["figures.json"] = figures.encode()
    if packed:
        content["packed.py"] = _script("packed.py")
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    content[SUMS] = "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()
    with said(folder), writing.folder(folder) as scratch:
        for name, data in content.items():
            (scratch / name).write_bytes(data)
    return sums


def _script(name: str) -> bytes:
    """packed.py is this package's own; what lies in handed/ is no part of it."""
    return (files("secateur.forms") / name).read_bytes()
