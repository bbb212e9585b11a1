"""A saved model: architecture.json, weights.safetensors, labels.json, preprocess.json, made.json, and the masks
of a weight-pruned one as bits. Loading runs no code from a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_bytes
from safetensors.torch import load_file, save_file
from torch import nn

from secateur.errors import UserError
from secateur.models.architecture import Architecture, describe, from_json, rebuild, to_json
from secateur.names import nfc
from secateur.records import Depth

Masks = dict[str, torch.Tensor]  # parameter name → bool, True is kept, the parameter's shape


@dataclass(frozen=True, slots=True)
class Saved:
    """What a folder held."""

    model: nn.Module
    architecture: Architecture
    labels: tuple[str, ...]
    preprocess: dict[str, Any]
    made: dict[str, Any]
    masks: Masks


def preprocess_for(
    input_px: int,
    mean: Sequence[float] = (0.0, 0.0, 0.0),
    std: Sequence[float] = (1.0, 1.0, 1.0),
    depth: Depth | None = None,
) -> dict[str, Any]:
    """How a photo becomes the network's input: stretched to a square, then (pixel / 255 − mean) / std. `depth`: of the
    photos that it is trained on, where they have more than eight bits a channel."""
    return deep({"input_px": input_px, "resize": "stretch", "mean": list(mean), "std": list(std)}, depth)


def deep(preprocess: Mapping[str, Any], depth: Depth | None) -> dict[str, Any]:
    """`preprocess` for photos of another depth."""
    rest = {key: value for key, value in preprocess.items() if key != "depth"}
    return rest | ({"depth": {"whole": depth.whole, "floats": depth.floats}} if depth else {})


def normal(preprocess: Mapping[str, Any]) -> tuple[list[float], list[float]] | None:
    """Mean and std a channel, of pixels in [0, 1]; None where nothing is to be done."""
    mean, std = list(preprocess["mean"]), list(preprocess["std"])
    return None if mean == [0.0] * 3 and std == [1.0] * 3 else (mean, std)


def save(
    model: nn.Module,
    folder: Path,
    *,
    backbone: str,
    labels: tuple[str, ...],
    input_px: int,
    made: Mapping[str, Any],
    masks: Mapping[str, torch.Tensor] | None = None,
    kept: Mapping[str, list[int]] | None = None,
    options: Mapping[str, str] | None = None,
    preprocess: Mapping[str, Any] | None = None,
) -> None:
    """Write the five files into `folder`, which exists. `options`: of a transfer network, as `build` takes them;
    `preprocess`: as `preprocess_for` makes it, of pixels in [0, 1] where none is given."""
    architecture = describe(model, backbone, len(labels), input_px, kept, options)
    save_file(apart(model.state_dict()), folder / "weights.safetensors")
    for name, content in (
        ("architecture", to_json(architecture)),
        ("labels", list(labels)),
        ("preprocess", dict(preprocess or preprocess_for(input_px))),
        ("made", dict(made)),
    ):
        text = json.dumps(content, indent=1, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    if masks:
        bits = {k: torch.from_numpy(np.packbits(m.cpu().numpy().reshape(-1))) for k, m in masks.items()}
        save_file(bits, folder / "masks.safetensors")


def apart(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """As a file can hold them: on the CPU, contiguous, and what stands under two names twice, as in networks that use
    a module in two places (CoaT)."""
    found: dict[str, torch.Tensor] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        own = tensor.detach().cpu().contiguous()
        place = own.data_ptr()
        found[name] = own.clone() if place in seen else own
        seen.add(place)
    return found


def load(folder: Path, *, mapped: bool = True) -> Saved:
    """The model of a folder, in eval mode, bit-equal to what was saved. `mapped`: its weights are read from the file as
    they are needed, which Windows lets nobody move or delete meanwhile.

    Raises UserError naming the file that is missing, broken or does not fit.
    """
    contents = {name: _json(folder / f"{name}.json") for name in ("architecture", "labels", "preprocess", "made")}
    architecture = from_json(contents["architecture"])
    model = rebuild(architecture, _tensors(folder / "weights.safetensors", mapped))
    masks: Masks = {}
    if (folder / "masks.safetensors").exists():
        state = model.state_dict()
        for name, bits in _tensors(folder / "masks.safetensors").items():
            if name not in state:
                raise UserError(f"{folder}/masks.safetensors names '{name}', which the network has not")
            flat = np.unpackbits(bits.numpy(), count=state[name].numel()).astype(bool)
            masks[name] = torch.from_numpy(flat).reshape(state[name].shape)
    labels = tuple(contents["labels"])
    composed = tuple(map(nfc, labels))  # but for a class that stands there in both forms: two outputs are two labels
    labels = composed if len(set(composed)) == len(labels) else labels
    return Saved(model, architecture, labels, contents["preprocess"], contents["made"], masks)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path.parent} is no saved model: {path.name} is missing") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error


def _tensors(path: Path, mapped: bool = True) -> dict[str, torch.Tensor]:
    try:
        return load_file(path) if mapped else from_bytes(path.read_bytes())
    except FileNotFoundError as error:
        raise UserError(f"{path.parent} is no saved model: {path.name} is missing") from error
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} is no whole safetensors file: {error}") from error
