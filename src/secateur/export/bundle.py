"""A folder to hand on: a model, what it says in words, how to run it, and what it was when it was measured."""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from secateur.errors import UserError

SUMS = "SHA256SUMS"


def write(folder: Path, model: bytes, packed: bool, labels: list[str], card: str) -> dict[str, str]:
    """model.onnx or model.packed, labels.json, README.md (the card), predict.py and the checksums of all; the folder is
    whole or absent. Returns file → sha256. Raises UserError where there is one already, or it cannot be written."""
    if folder.exists():
        raise UserError(f"{folder} exists already: name a folder that does not")
    content: dict[str, bytes] = {
        "model.packed" if packed else "model.onnx": model,
        "labels.json": (json.dumps(labels, ensure_ascii=False, indent=1) + "\n").encode(),
        "README.md": card.encode(),
        "predict.py": _script("predict.py"),
    }
    if packed:
        content["packed.py"] = _script("packed.py")
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    content[SUMS] = "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()
    scratch = folder.with_name(f".{folder.name}-{uuid.uuid4().hex[:8]}")
    try:
        _fill(scratch, content)
        scratch.rename(folder)
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return sums


def _fill(folder: Path, content: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, data in content.items():
        (folder / name).write_bytes(data)


def _script(name: str) -> bytes:
    """packed.py is this package's own; predict.py lies beside it and is no part of it."""
    place = files("secateur.export")
    return (place / name if name == "packed.py" else place / "handed" / name).read_bytes()
