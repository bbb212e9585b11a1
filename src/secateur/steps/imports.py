"""Networks of others brought in: a file read, checked, and written as a saved model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from secateur import writing
from secateur.errors import UserError
from secateur.models import foreign, import_keras, import_timm, saved
from secateur.outputs import can_be_made, said
from secateur.safe_names import safe_name


@dataclass(frozen=True, slots=True)
class Brought:
    """What was written, and from what."""

    folder: str
    name: str
    backbone: str
    options: dict[str, str]  # pool and head of a transfer network
    labels: tuple[str, ...]
    input_px: int
    parameters_keras: int  # with running mean and variance, as Keras counts; without its input normalisation
    mean: tuple[float, ...]
    std: tuple[float, ...]
    normalisation: tuple[str, ...]  # what it was made from, in words
    file: str
    sha256: str
    format: str
    licence: str
    source: str
    tensors: str = ""  # which of a file's sets of tensors was taken, and which were left


def keras(file: Path, out: Path | None = None, labels: Path | None = None, name: str = "") -> Brought:
    """A saved model in `out` (a folder of the model's name) from a .keras or .h5 file; classes are numbered where
    no labels are given. Raises UserError for a file or labels that do not fit, and for a folder that is there."""
    folder = _free(out, name or file.stem)
    words = foreign.read_labels(labels) if labels else ()
    network = import_keras.read(file)
    words = words or tuple(f"class {i}" for i in range(network.classes))
    if len(words) != network.classes:
        raise UserError(f"{labels} holds {len(words)} labels; the network of {file} has {network.classes} classes")
    scaled = network.normalisation
    brought = Brought(
        folder=str(folder),
        name=name or file.stem,
        backbone=network.backbone,
        options=network.options,
        labels=words,
        input_px=network.input_px,
        parameters_keras=_count(network.model),
        mean=scaled.mean,
        std=scaled.std,
        normalisation=scaled.found,
        file=file.name,
        sha256=foreign.sha256(file),
        format=network.format,
        licence="not stated in the file",
        source=f"the file {file.name}",
    )
    _write(network.model, folder, brought)
    return brought


def timm(
    network: str,
    weights: Path,
    labels: Path,
    out: Path | None = None,
    input_px: int = 0,
    name: str = "",
    tensors: str = "",
) -> Brought:
    """A saved model in `out` (a folder of the model's name) from weights of timm's network `network`, whose classes
    `labels` name; of several sets of tensors that of `tensors`, or the one that timm takes. Raises UserError for
    weights or labels that do not fit, and for a folder that is there."""
    folder = _free(out, name or weights.stem)
    words = foreign.read_labels(labels)
    read = import_timm.read(network, weights, len(words), input_px, tensors)
    facts = read.facts
    brought = Brought(
        folder=str(folder),
        name=name or weights.stem,
        backbone=read.backbone,
        options=read.options,
        labels=words,
        input_px=read.input_px,
        parameters_keras=_count(read.model),
        mean=facts.mean,
        std=facts.std,
        normalisation=(f"timm's for {facts.tag}",),
        file=weights.name,
        sha256=foreign.sha256(weights),
        format=f"weights of timm's {network}",
        licence=f"not stated in the file; of timm's own {facts.tag}: {facts.licence}",
        source=f"the file {weights.name}",
        tensors=read.tensors,
    )
    _write(read.model, folder, brought)
    return brought


def _free(out: Path | None, name: str) -> Path:
    """Asked before anything is read: a large file takes a while."""
    folder = out or Path(safe_name(name))
    if folder.exists():
        raise UserError(f"{folder} is there already; choose another folder with --out")
    can_be_made(folder)
    return folder


def _count(model: nn.Module) -> int:
    tensors = model.state_dict()
    return sum(tensor.numel() for name, tensor in tensors.items() if not name.endswith("num_batches_tracked"))


def _write(model: nn.Module, folder: Path, brought: Brought) -> None:
    """Whole or not at all."""
    made: dict[str, Any] = {
        "imported": brought.name,
        "from": {"file": brought.file, "sha256": brought.sha256, "format": brought.format}
        | ({"tensors": brought.tensors} if brought.tensors else {}),
        "normalisation": list(brought.normalisation),
        "licence": brought.licence,
        "source": brought.source,
    }
    with said(folder), writing.folder(folder) as scratch:
        saved.save(
            model,
            scratch,
            backbone=brought.backbone,
            labels=brought.labels,
            input_px=brought.input_px,
            made=made,
            options=brought.options or None,
            preprocess=saved.preprocess_for(brought.input_px, brought.mean, brought.std),
        )
