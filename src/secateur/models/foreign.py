"""Files that others wrote: named tensors and labels out of them. Reading runs no code from a file."""

from __future__ import annotations

import argparse
import hashlib
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from secateur.errors import UserError
from secateur.names import nfc

WITHIN = ("state_dict", "model")  # where training scripts put a network's tensors, beside the optimiser's
WRAPPED = "module."  # what DataParallel puts before every name


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """Tensor name → tensor, on the CPU, of a .safetensors file or of what `torch.save` wrote (.pth, .pt, .bin).

    A dict under "state_dict" or "model" is unpacked, and the "module." of DataParallel is taken off.

    Raises UserError for a file that is missing, torn, holds no tensors, or would run code to be read.
    """
    if not path.is_file():
        raise UserError(f"no such weights file: {path}")
    found = _safetensors(path) if path.suffix == ".safetensors" else _torch(path)
    for name in WITHIN:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
            break
    if not isinstance(found, Mapping) or not found:
        raise UserError(f"{path} holds no named tensors: save the network's state_dict()")
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise UserError(f"{path} holds '{name}', which is no tensor: save the network's state_dict() alone")
    wrapped = all(name.startswith(WRAPPED) for name in found)
    return {name.removeprefix(WRAPPED) if wrapped else name: tensor.detach() for name, tensor in found.items()}


def _safetensors(path: Path) -> Any:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} is no whole safetensors file: {error}") from error


def _torch(path: Path) -> Any:
    # timm's training script keeps its arguments beside the weights; a Namespace is names and values, no more.
    with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Detected pickle protocol")  # of a plain pickle, which is refused below
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises many kinds for a torn file
            # torch's own text tells the reader to switch the protection off: it is not passed on.
            if "Unsupported" in str(error) or "GLOBAL" in str(error):
                raise UserError(f"{path} holds more than tensors, and would run code to be read: refused") from error
            raise UserError(f"{path} is no whole file of weights: {type(error).__name__}") from error


def read_labels(path: Path) -> tuple[str, ...]:
    """The classes' names in the order of a network's outputs: a text file with one a line, or a JSON list.

    Raises UserError for a file that is missing or is neither, for a name given twice, and for fewer than two.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = json.loads(text) if text.lstrip().startswith(("[", "{")) else text.splitlines()
    except FileNotFoundError as error:
        raise UserError(f"no such file of labels: {path}") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as labels: {error}") from error
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise UserError(f"{path} is no list of labels: one a line, or a JSON list of words")
    names = [nfc(name.strip()) for name in found]
    while names and not names[-1]:
        names.pop()
    for place, name in enumerate(names, start=1):
        if not name:
            raise UserError(f"{path}: label {place} is empty")
        if name in names[: place - 1]:
            raise UserError(f"{path}: label '{name}' stands there twice")
    if len(names) < 2:
        raise UserError(f"{path} holds {len(names)} labels; a classifier has two or more")
    return tuple(names)


def sha256(path: Path) -> str:
    """Of the file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
