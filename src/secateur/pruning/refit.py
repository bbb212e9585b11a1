"""Layers fitted again, so that what stays of their weights says what all of them said.

Letters: o outputs, d inputs (channels × kernel places), k of them kept, m samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SAMPLES = 4096  # places of a batch, at most
ENOUGH = 4  # samples for each input, at least: with fewer, what is fitted is their noise
RIDGE = 1e-3  # of the mean variance of the inputs
MOST_INPUTS = 8192  # d: its square is 256 MiB
MOST_WORK = 3e12  # Σ k³ over a layer's outputs: about a minute on two cores
PASS_BYTES = 1 << 28  # of second moments gathered at a time; a pass runs the photos once
Layer = nn.Conv2d | nn.Linear
Batches = Callable[[], Iterable[tuple[Tensor, Tensor]]]


@dataclass(slots=True, eq=False)
class Moments:
    """Of a layer's inputs on some photos."""

    m: int = 0
    first: Tensor = field(default_factory=lambda: torch.zeros(()))  # Σx (d,)
    second: Tensor = field(default_factory=lambda: torch.zeros(()))  # Σxxᵀ (d, d)

    def add(self, x: Tensor) -> None:
        """x: (m, d)."""
        self.m += len(x)
        self.first = self.first + x.sum(0)
        self.second = self.second + x.T @ x


def of_cut(model: nn.Module, going: Mapping[str, Mapping[int, Tensor]]) -> dict[str, Tensor]:
    """Layer → (1, d) bool, the inputs that stay, for every layer that loses some; `going` is from `cutting.stays`."""
    rows = {f"{name}.weight": (name, m) for name, m in model.named_modules() if isinstance(m, Layer)}
    found = {}
    for tensor, dims in going.items():
        if tensor in rows and 1 in dims:
            name, layer = rows[tensor]
            found[name] = dims[1].repeat_interleave(_inputs(layer) // layer.weight.shape[1])[None]
    return found


def of_masks(masks: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Layer → (o, d) bool, the weights that stay, for every layer that loses some."""
    return {name.removesuffix(".weight"): mask.flatten(1) for name, mask in masks.items() if not bool(mask.all())}


@torch.no_grad()
def refit(model: nn.Module, stay: Mapping[str, Tensor], batches: Batches) -> dict[str, str]:
    """Before pruning: give the weights that stay the values with which they best stand in for those that go.

    Least squares over the dense network's own inputs, for each output by itself: w′ = C[K, K]⁻¹ C[K, :] w with C
    their covariance and K what stays. For whole channels it is the second half of channel pruning by reconstruction
    (He et al. 2017, arXiv:1707.06168, eq. 3) and of ThiNet (Luo et al. 2017, arXiv:1707.06342, § 3.2.3); for single
    weights the optimal update of a layer at a given mask (Frantar & Alistarh 2022, arXiv:2208.11580, § 3), solved
    directly. A ridge of a thousandth of the mean variance is added. A bias takes up the mean; without one, the batch
    norm behind is to be matched afterwards (`training.match`).

    `stay`: layer → (o, d) or, the same for all outputs, (1, d). `batches`: makes, for every pass, an iterable of
    x (n, 3, h, w), y unused. Changes the weights of `model`, which is not pruned yet, and no weight that goes.
    Returns, for layers that were left as they are, why.
    """
    named = dict(model.named_modules())
    left: dict[str, str] = {}
    chosen = []
    for name, mask in stay.items():
        why = _why_not(named[name], mask)
        if why:
            left[name] = why
        else:
            chosen.append(name)
    for names in _passes(named, chosen):
        found = _gathered(model, {name: named[name] for name in names}, batches)
        for name in names:
            if found[name].m < ENOUGH * _inputs(named[name]):
                left[name] = f"{found[name].m:,} samples for {_inputs(named[name]):,} inputs"
            else:
                _fit(named[name], stay[name], found.pop(name))
    return left


def _why_not(layer: nn.Module, stay: Tensor) -> str:
    if isinstance(layer, nn.Conv2d) and layer.groups > 1:
        return "it does not mix its inputs"
    if _inputs(layer) > MOST_INPUTS:
        return f"more than {MOST_INPUTS:,} inputs"
    if float(stay.sum(1).double().pow(3).sum()) > MOST_WORK:
        return "solving for so many kept weights takes too long"
    return ""


def _inputs(layer: nn.Module) -> int:
    weight = layer.weight
    assert isinstance(weight, Tensor)
    return weight[0].numel()


def _passes(named: Mapping[str, nn.Module], chosen: Iterable[str]) -> Iterator[list[str]]:
    """Layers in their order, so many that their moments fit."""
    names: list[str] = []
    room = PASS_BYTES
    for name in chosen:
        needs = 4 * _inputs(named[name]) ** 2
        if names and needs > room:
            yield names
            names, room = [], PASS_BYTES
        names.append(name)
        room -= needs
    if names:
        yield names


def _gathered(model: nn.Module, layers: Mapping[str, nn.Module], batches: Batches) -> dict[str, Moments]:
    found = {name: Moments() for name in layers}
    chance = torch.Generator().manual_seed(0)

    def watch(moments: Moments) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hook(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            moments.add(_samples(layer, inputs[0], chance).float())

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
    """(m, d), m at most SAMPLES: what the layer sees at some of its places, drawn by chance."""
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


def _fit(layer: nn.Module, stay: Tensor, seen: Moments) -> None:
    """`stay`: (o, d) or (1, d) bool."""
    weight, bias = layer.weight, layer.bias
    assert isinstance(weight, nn.Parameter)
    flat = weight.data.flatten(1).double()  # (o, d)
    mean = (seen.first / seen.m).double()
    spread = seen.second.double() / seen.m - torch.outer(mean, mean)
    spread.diagonal().add_(RIDGE * spread.diagonal().mean() + 1e-12)
    wanted = flat @ spread  # (o, d): the covariance of each output with the inputs
    fitted = torch.zeros_like(flat)
    for row in range(len(stay)):
        kept = stay[row].nonzero().reshape(-1)
        rows = slice(None) if len(stay) == 1 else slice(row, row + 1)
        if len(kept):
            fitted[rows, kept] = torch.linalg.solve(spread[kept][:, kept], wanted[rows][:, kept].T).T
    if isinstance(bias, nn.Parameter):
        bias.data.add_(((flat - fitted) @ mean).to(bias.dtype))
    # What goes keeps its value, so that nothing but the mask decides what is zero.
    weight.data.copy_(torch.where(stay, fitted, flat).reshape(weight.shape).to(weight.dtype))
