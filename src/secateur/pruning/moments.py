"""Second moments of what layers are given: which inputs say the same, and so can stand in for one another.

Letters: o outputs, g groups, d inputs of a group (channels × kernel places), m samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from secateur.pruning import patches

PLACES = 64  # of a photo and a layer, at most: 1,024 photos give 65,536 samples
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
    photos = 0  # of the batch under way

    def watch(moments: Moments) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(layer: nn.Module, inputs: tuple[Tensor, ...], out: Tensor) -> None:
            rows = _samples(layer, inputs[0], out, PLACES * photos, chance).float()
            moments.add(rows.reshape(len(rows), groups_of(layer), -1))

        return hook

    modes = [(m, m.training) for m in model.modules()]
    handles = [layer.register_forward_hook(watch(found[name])) for name, layer in layers.items()]
    try:
        model.eval()
        for x, _ in batches():
            photos = len(x)
            model(x)
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in modes:
            module.training = mode
    return found


def _samples(layer: nn.Module, x: Tensor, out: Tensor, most: int, chance: torch.Generator) -> Tensor:
    """(m, g·d): what the layer sees at `most` of its places, or at all of them."""
    if not isinstance(layer, nn.Conv2d):
        rows = x.reshape(-1, x.shape[-1])
        return rows[_drawn(len(rows), most, chance).to(x.device)]
    down, right = out.shape[-2:]
    place = _drawn(len(out) * down * right, most, chance).to(x.device)
    photo, within = place // (down * right), place % (down * right)
    return patches.at(layer, x, out, photo, within // right, within % right).flatten(1)


def _drawn(places: int, most: int, chance: torch.Generator) -> Tensor:
    """(m,): one of each of `most` equal runs of places, so that none comes twice and every photo, which is a run of
    them, gives as many as the others and from all over itself."""
    if places <= most:
        return torch.arange(places)
    run = torch.arange(most) + torch.rand(most, generator=chance, dtype=torch.float64)
    return (run * (places / most)).long().clamp_max(places - 1)
