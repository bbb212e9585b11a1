"""A whole-model file of Keras opened: its description, and its weights where they lie.

.keras is a zip of config.json and model.weights.h5; .h5 is HDF5 with the description as an attribute, as Keras 2 and
3 both write it. Needs h5py, not Keras; the description is read as JSON and nothing in it is called.
"""

from __future__ import annotations

import importlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from secateur.errors import UserError
from secateur.models.keras_layers import Layer, misfit

MOST_JSON_BYTES = 64 * 2**20  # the description of EfficientNet-B7 is 0.5 MB
MOST_WEIGHT_BYTES = 8 * 2**30  # B7 with Adam's moments is 0.8 GB; a zip can claim to hold anything
ZIP, HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"

Dataset = Any  # h5py.Dataset


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that lies open."""

    model_config: Mapping[str, Any]
    weights: Callable[[Layer], list[Dataset]]  # unread, in Keras's order; shapes can be looked at first
    format: str  # "keras 3 archive", "hdf5"
    keras: str  # the release that wrote it, where the file says


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Raises UserError, on opening and inside, for a file that is missing, torn, or of neither kind."""
    h5py = _h5py()
    if not path.is_file():
        raise UserError(f"no such file: {path}")
    with path.open("rb") as file:
        begins = file.read(8)
    try:
        if begins.startswith(ZIP):
            with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(path) as archive:
                config, keras = _described(archive)
                with h5py.File(_extracted(archive, Path(scratch)), "r") as h5:
                    yield Opened(config, lambda layer: _numbered(h5, layer), "keras archive", keras)
        elif begins == HDF5:
            with h5py.File(path, "r") as h5:
                yield Opened(_attribute(h5), lambda layer: _named(h5, layer), "hdf5", _text(h5, "keras_version"))
        else:
            raise UserError("it is neither a .keras archive (a zip) nor a .h5 file (HDF5)")
    except (
        OSError,
        zipfile.BadZipFile,
        EOFError,
        RuntimeError,
    ) as error:  # h5py raises RuntimeError inside a torn file
        raise UserError(f"it is torn or no whole file: {' '.join(str(error).split())[:120]}") from error


def _h5py() -> Any:
    """The library, imported when a file is opened."""
    try:
        return importlib.import_module("h5py")
    except ImportError as error:
        raise UserError("Keras files need h5py; install it with: pip install 'secateur[keras]'") from error


def _json(content: str | bytes) -> Any:
    try:
        return json.loads(content)
    except (TypeError, ValueError, RecursionError) as error:
        raise UserError(f"its description is no JSON: {error}") from error


def _described(archive: zipfile.ZipFile) -> tuple[Any, str]:
    """config.json, and the release out of metadata.json."""
    for name in ("config.json", "model.weights.h5"):
        if name not in archive.namelist():
            raise UserError(f"it is a zip without {name}: no .keras archive")
    said = {}
    for name in ("config.json", "metadata.json"):
        if name in archive.namelist():
            if archive.getinfo(name).file_size > MOST_JSON_BYTES:
                raise UserError(f"its {name} is larger than any network's")
            said[name] = _json(archive.read(name))
    metadata = said.get("metadata.json")
    return said["config.json"], str(metadata.get("keras_version", "")) if isinstance(metadata, dict) else ""


def _extracted(archive: zipfile.ZipFile, scratch: Path) -> Path:
    """HDF5 jumps about in its file, which a zip cannot."""
    if archive.getinfo("model.weights.h5").file_size > MOST_WEIGHT_BYTES:
        raise UserError("its model.weights.h5 is larger than any network's")
    target = scratch / "model.weights.h5"
    with archive.open("model.weights.h5") as source, target.open("wb") as file:
        shutil.copyfileobj(source, file, 2**20)
    return target


def _attribute(h5: Any) -> Any:
    content = h5.attrs.get("model_config")
    if content is None:
        raise UserError("it holds weights alone: save the whole network, with model.save('model.keras')")
    return _json(content)


def _text(h5: Any, name: str) -> str:
    got = h5.attrs.get(name, "")
    return got.decode() if isinstance(got, bytes) else str(got)


def _numbered(h5: Any, layer: Layer) -> list[Dataset]:
    """Of a .keras archive: layers/<class>/vars/0, 1, …"""
    held = _at(h5, f"{layer.address}/vars", layer)
    said = _text(held, "name")  # newer releases note the layer's name, which the address is checked against
    if said and said != layer.name:
        raise misfit(layer, f"its weights are those of '{said}'")
    return [_at(held, str(i), layer) for i in range(len(held))]


def _named(h5: Any, layer: Layer) -> list[Dataset]:
    """Of an .h5 file: model_weights/<outermost layer>/…, in the order of the attribute weight_names."""
    held = _at(h5, f"model_weights/{layer.path[0]}", layer)
    names = [n.decode() if isinstance(n, bytes) else str(n) for n in _chunks(held, "weight_names")]
    if len(layer.path) > 1:  # a nested network keeps all its weights in one group: "block1a_bn/gamma:0"
        names = [n for n in names if n.split("/")[-2:-1] == [layer.name]]
    return [_at(held, name, layer) for name in names]


def _chunks(held: Any, name: str) -> list[Any]:
    """An attribute that Keras splits where HDF5 would not take it whole."""
    if name in held.attrs:
        return list(held.attrs[name])
    parts: list[Any] = []
    while f"{name}{len(parts)}" in held.attrs:
        parts.append(held.attrs[f"{name}{len(parts)}"])
    return [one for part in parts for one in part]


def _at(held: Any, address: str, layer: Layer) -> Any:
    """One step a name, since a link of HDF5 may lead into another file, and a dataset may lie in one."""
    h5py = _h5py()
    for name in address.split("/"):
        try:
            link = held.get(name, getlink=True) if isinstance(held, h5py.Group) else None
            if link is not None and not isinstance(link, h5py.HardLink):
                raise misfit(layer, "its weights lie in another place")
            held = held[name]
        except (KeyError, TypeError, ValueError) as error:  # absent, or not readable as what it claims to be
            raise misfit(layer, "the file lacks its weights") from error
    if isinstance(held, h5py.Dataset) and (held.external or held.is_virtual):
        raise misfit(layer, "its weights lie in another file")
    return held
