"""Files that others wrote: named tensors and labels out of them. Reading runs no code from a file."""

from __future__ import annotations

import argparse
import hashlib
import json
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from secateur.errors import UserError
from secateur.names import nfc

# Where training scripts put a network's tensors beside the optimiser's, in the order in which timm's own loader takes
# them (timm.models.load_state_dict): weights averaged over training first.
AVERAGED = ("state_dict_ema", "model_ema")
WITHIN = (*AVERAGED, "state_dict", "model")
WRAPPED = ("_orig_mod.", "module.", "_orig_mod.")  # of torch.compile and DataParallel, either round the other
COUNTERS = ("n_averaged",)  # what torch's AveragedModel keeps beside the tensors of its network


@dataclass(frozen=True, slots=True)
class State:
    """A network's tensors, and what they were taken from."""

    tensors: dict[str, torch.Tensor]  # on the CPU
    taken: str = ""  # the entry of the file; "" for one that holds tensors and no more
    left: tuple[str, ...] = ()  # its other entries that hold tensors

    def said(self) -> str:
        """What was taken and what was left, for people; "" where there was nothing to choose."""
        if not self.left:
            return ""
        averaged = ", averaged over training," if self.taken in AVERAGED else ""
        like = ", as timm's loader does" if self.taken in WITHIN else ""
        others = " and ".join(f"'{name}'" for name in self.left)
        verb = "is" if len(self.left) == 1 else "are"
        return f"'{self.taken}'{averaged} is taken{like}; {others} {verb} left: --tensors {self.left[0]} takes that"


def read_state(path: Path, entry: str = "") -> dict[str, torch.Tensor]:
    """The tensors of `opened`."""
    return opened(path, entry).tensors


def opened(path: Path, entry: str = "") -> State:
    """Tensor name → tensor of a .safetensors file or of what `torch.save` wrote (.pth, .pt, .bin, .tar, .ckpt).

    Of several sets of tensors that of `entry`, or the one that timm's own loader takes: "state_dict_ema", "model_ema",
    "state_dict", "model", in this order; of others the only one. What DataParallel and torch.compile put before every
    name is taken off.

    Raises UserError for a file that is missing, torn, holds no tensors, several sets that none of these names, or would
    run code to be read; and for an `entry` that it has not.
    """
    if not path.is_file():
        raise UserError(f"no such weights file: {path}")
    found = _safetensors(path) if path.suffix == ".safetensors" else _torch(path)
    taken: str = ""
    left: tuple[str, ...] = ()
    if isinstance(found, Mapping):
        taken, left = _choice(found, entry, path)
        found = found[taken] if taken else found
    if not isinstance(found, Mapping) or not found:
        raise UserError(f"{path} holds no named tensors: save the network's state_dict()")
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise UserError(f"{path} holds '{name}', which is no tensor: save the network's state_dict() alone")
    tensors = {_bare(name): tensor.detach() for name, tensor in found.items() if name not in COUNTERS}
    return State(tensors, taken, left)


def _choice(found: Mapping[Any, Any], entry: str, path: Path) -> tuple[str, tuple[str, ...]]:
    """Which entry holds the network's tensors, "" for the file itself, and which others there are."""
    sets = [k for k, v in found.items() if isinstance(k, str) and _holds(v)]
    if entry:
        if entry not in sets:
            raise UserError(f"{path} holds no set of tensors '{entry}'; it holds: {', '.join(sets) or 'one alone'}")
        return entry, tuple(name for name in sets if name != entry)
    named = [name for name in WITHIN if isinstance(found.get(name), Mapping)]
    if named:
        return named[0], tuple(name for name in sets if name != named[0])
    if any(isinstance(value, torch.Tensor) for value in found.values()) or not sets:
        return "", ()
    if len(sets) > 1:
        raise UserError(f"{path} holds tensors under {', '.join(sets)}: say with --tensors which to take")
    return sets[0], ()


def _holds(value: Any) -> bool:
    """Is it a set of named tensors? An optimiser's numbers stand under numbers."""
    return isinstance(value, Mapping) and any(
        isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in value.items()
    )


def _bare(name: str) -> str:
    for wrapper in WRAPPED:
        name = name.removeprefix(wrapper)
    return name


def within(state: Mapping[str, torch.Tensor], wanted: Collection[str]) -> tuple[dict[str, torch.Tensor], str]:
    """The tensors of `wanted` where all of them stand under one name ("model." of a Lightning module), without it, and
    that name; what stands outside, such as a loss's weights, is left. All as they are where none or several hold them.
    """
    needed = {name for name in wanted if not name.endswith("num_batches_tracked")}
    first = next(iter(needed), "")
    before = {name.removesuffix(first) for name in state if first and name.endswith(f".{first}")}
    whole = [prefix for prefix in sorted(before) if all(prefix + name in state for name in needed)]
    if needed <= state.keys() or len(whole) != 1:
        return dict(state), ""
    return {k.removeprefix(whole[0]): v for k, v in state.items() if k.startswith(whole[0])}, whole[0]


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
