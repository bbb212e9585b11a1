"""A cut network as data: how it differs from its original, and how to build it again from that alone.

No tracing, no pickle: the original is built on the meta device, the integer attributes and shapes that the cut
changed are set, and the tensors are put in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import nn

from secateur.errors import UserError
from secateur.models import timm_zoo
from secateur.models.build import build, skeleton

FORMAT = 1
_ALIGNMENT = 64  # bytes, as torch allocates (c10/core/alignment.h)


@dataclass(frozen=True, slots=True)
class Architecture:
    """How a network differs from `backbone` as its library builds it."""

    backbone: str
    classes: int
    input_px: int
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)  # module → attribute → value
    shapes: dict[str, list[int]] = field(default_factory=dict)  # parameter or buffer → shape
    kept: dict[str, list[int]] = field(default_factory=dict)  # layer → filters of the original; information
    library: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)  # of a transfer network: pool, head
    format: int = FORMAT


def _integers(module: nn.Module) -> dict[str, Any]:
    """Attributes that a cut may change: whole numbers, and tuples of them."""
    found: dict[str, Any] = {}
    for name, value in vars(module).items():
        if name.startswith("_") or name == "training":
            continue
        whole = isinstance(value, int) and not isinstance(value, bool)
        if whole or (isinstance(value, tuple) and value and all(isinstance(v, int) for v in value)):
            found[name] = value
    return found


def describe(
    model: nn.Module,
    backbone: str,
    classes: int,
    input_px: int,
    kept: Mapping[str, list[int]] | None = None,
    options: Mapping[str, str] | None = None,
) -> Architecture:
    """What `model`, cut from `backbone`, changed. Raises ValueError when it has other modules."""
    original = skeleton(backbone, classes, input_px, options)
    modules, originals = dict(model.named_modules()), dict(original.named_modules())
    if modules.keys() != originals.keys():
        odd = sorted(modules.keys() ^ originals.keys())[0]
        raise ValueError(f"not a cut {backbone}: module '{odd}' stands on one side only")
    attributes = {}
    for name, module in modules.items():
        before = _integers(originals[name])
        changed = {k: v for k, v in _integers(module).items() if before.get(k) != v}
        if changed:
            attributes[name] = {k: list(v) if isinstance(v, tuple) else v for k, v in changed.items()}
    before_state = original.state_dict()
    shapes = {
        name: list(tensor.shape)
        for name, tensor in model.state_dict().items()
        if tensor.shape != before_state[name].shape
    }
    library = {"torch": torch.__version__} | ({"timm": timm_zoo.timm().__version__} if options else {})
    return Architecture(backbone, classes, input_px, attributes, shapes, dict(kept or {}), library, dict(options or {}))


def rebuild(architecture: Architecture, tensors: Mapping[str, torch.Tensor]) -> nn.Module:
    """The network with `tensors` in place, in eval mode.

    Raises UserError naming the first tensor that is missing, unexpected or of another shape.
    """
    model = skeleton(architecture.backbone, architecture.classes, architecture.input_px, architecture.options)
    modules = dict(model.named_modules())
    for name, changes in architecture.attributes.items():
        if name not in modules:
            raise UserError(f"architecture names module '{name}', which '{architecture.backbone}' has not")
        for attribute, value in changes.items():
            if attribute not in _integers(modules[name]):
                raise UserError(f"architecture sets '{name}.{attribute}', which is no whole number there")
            setattr(modules[name], attribute, tuple(value) if isinstance(value, list) else value)
    for name, shape in architecture.shapes.items():
        _reshape(modules, name, shape)
    _check(model.state_dict(), tensors)
    model.load_state_dict({name: _aligned(tensor) for name, tensor in tensors.items()}, assign=True)
    _fill(model, architecture)
    return model.eval()


def _fill(model: nn.Module, architecture: Architecture) -> None:
    """Buffers that no file holds (which places attention looks up) are those of the original, built for them alone."""
    empty = [name for name, buffer in model.named_buffers() if buffer.is_meta]
    if not empty:
        return
    a = architecture
    original = dict(build(a.backbone, a.classes, a.input_px, options=a.options).named_buffers())
    for name in empty:
        owner, _, leaf = name.rpartition(".")
        setattr(model.get_submodule(owner), leaf, original[name])


def _aligned(tensor: torch.Tensor) -> torch.Tensor:
    """Where torch would have put it. Tensors in a mapped safetensors file start at any multiple of 8 bytes, and some
    kernels then add in another order: a loaded MobileNetV3 differed from the saved one in its last bits."""
    return tensor if tensor.data_ptr() % _ALIGNMENT == 0 else tensor.clone()


def _reshape(modules: Mapping[str, nn.Module], name: str, shape: list[int]) -> None:
    owner, _, leaf = name.rpartition(".")
    module = modules.get(owner)
    if module is None or not isinstance(getattr(module, leaf, None), torch.Tensor):
        raise UserError(f"architecture names tensor '{name}', which the network has not")
    empty = torch.empty(shape, device="meta", dtype=getattr(module, leaf).dtype)
    setattr(module, leaf, nn.Parameter(empty) if leaf in module._parameters else empty)


def _check(expected: Mapping[str, torch.Tensor], got: Mapping[str, torch.Tensor]) -> None:
    for name, tensor in expected.items():
        if name not in got:
            raise UserError(f"weights lack '{name}'")
        if got[name].shape != tensor.shape:
            raise UserError(f"weights '{name}': shape {list(got[name].shape)}, expected {list(tensor.shape)}")
    for name in got:
        if name not in expected:
            raise UserError(f"weights hold '{name}', which the network has not")


def to_json(architecture: Architecture) -> dict[str, Any]:
    """As it stands in architecture.json."""
    return asdict(architecture)


def from_json(data: Mapping[str, Any]) -> Architecture:
    """Raises UserError for a format this release does not read."""
    if data.get("format") != FORMAT:
        raise UserError(f"architecture.json has format {data.get('format')!r}; this release reads {FORMAT}")
    try:
        return Architecture(**data)
    except TypeError as error:
        raise UserError(f"architecture.json does not fit: {error}") from error
