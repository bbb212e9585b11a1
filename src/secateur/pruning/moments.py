"""Second moments of what layers are given: which inputs say the same, and so can stand in for one another.

Letters: o outputs, g groups, d inputs of a group (channels × kernel places), m samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SAMPLES = 4096  # places of a batch, at most
RIDGE = 1e-3  # of the mean variance of the inputs
PASS_BYTES = 1 << 28  # of second moments gathered at a time; a pass runs the photos once
Layer = nn.Conv2d | nn.Linear
Batches = Callable[[], Iterable[tuple[Tensor, Tensor]]]  # for every pass anew: x (n, 3, h, w), y unused


@dataclass(slots=True, eq=False)
class Moments:
    """Of a layer's inputs on some photos, around the mean of the first of them: inputs that hardly vary would drown in
    the rounding of their own squares."""

    m: int = 0
    origin: Tensor = field(default_factory=lambda: torch.zeros(()))  # a (g, d)
    first: Tensor = field(default_factory=lambda: torch.zeros(()))  # Σ(x − a) (g, d)
    second: Tensor = field(default_factory=lambda: torch.zeros(()))  # Σ(x − a)(x − a)ᵀ (g, d, d)

    def add(self, x: Tensor) -> None:
        """x: (m, g, d)."""
        if not self.m:
            self.origin = x.mean(0)
        self.m += len(x)
        x = (x - self.origin).transpose(0, 1)  # (g, m, d)
        self.first = self.first + x.sum(1)
        self.second = self.second + x.transpose(1, 2) @ x

    def mean(self) -> Tensor:
        """(g, d) float64."""
        return self.origin.double() + self.first.double() / self.m

    def spread(self) -> Tensor:
        """(g, d, d) float64: their covariance, and a ridge of a thousandth of its mean variance."""
        off = self.first.double() / self.m
        spread = self.second.double() / self.m - off[:, :, None] * off[:, None, :]
        diagonal = spread.diagonal(dim1=1, dim2=2)
        diagonal.add_(RIDGE * diagonal.mean(1, keepdim=True) + 1e-12)
        return spread


def inputs_of(layer: nn.Module) -> int:
    """d."""
    weight = layer.weight
    assert isinstance(weight, Tensor)
    return weight[0].numel()


def groups_of(layer: nn.Module) -> int:
    return layer.groups if isinstance(layer, nn.Conv2d) else 1


def passes(named: Mapping[str, nn.Module], chosen: Iterable[str]) -> Iterator[list[str]]:
    """Layers in their order, so many that their moments fit."""
    names: list[str] = []
    room = PASS_BYTES
    for name in chosen:
        needs = 4 * groups_of(named[name]) * inputs_of(named[name]) ** 2
        if names and needs > room:
            yield names
            names, room = [], PASS_BYTES
        names.append(name)
        room -= needs
    if names:
        yield names


@torch.no_grad()
def gathered(model: nn.Module, layers: Mapping[str, nn.Module], batches: Batches) -> dict[str, Moments]:
    """Of every layer, in one pass over the photos; the network predicts, and is left in the mode that it was in."""
    found = {name: Moments() for name in layers}
    chance = torch.Generator().manual_seed(0)

    def watch(moments: Moments) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hook(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            rows = _samples(layer, inputs[0], chance).float()
            moments.add(rows.reshape(len(rows), groups_of(layer), -1))

        return hook

    modes = [(m, m.training) for m in model.modules()]
    handles = [layer.register_forward_pre_hook(watch(found[name])) for name, layer in layers.items()]
    try:
        model.eval()
        for x, _ in batches():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in modes:
            module.training = mode
    return found


def _samples(layer: nn.Module, x: Tensor, chance: torch.Generator) -> Tensor:
    """(m, g·d), m at most SAMPLES: what the layer sees at some of its places, drawn by chance."""
    if isinstance(layer, nn.Conv2d):
        places = x.shape[-2] * x.shape[-1]
        some = x[: -(-SAMPLES // places)]
        if layer.kernel_size == (1, 1):
            rows = some[..., :: layer.stride[0], :: layer.stride[1]].permute(0, 2, 3, 1).flatten(0, 2)
        else:
            pad = layer.padding if isinstance(layer.padding, tuple) else (0, 0)  # "same": the inner places will do
            spread = F.unfold(some, layer.kernel_size, layer.dilation, pad, layer.stride)
            rows = spread.transpose(1, 2).flatten(0, 1)
    else:
        rows = x.flatten(0, -2)
    if len(rows) <= SAMPLES:
        return rows
    return rows[torch.randperm(len(rows), generator=chance)[:SAMPLES]]
