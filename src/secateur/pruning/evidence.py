"""What gradients say of a network's weights and channels, gathered once for every method that asks.

Letters: o filters, c channels, n photos, B batches of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

FILE = "evidence.safetensors"
_Layer = nn.Conv2d | nn.Linear
_Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d


@dataclass(frozen=True, slots=True, eq=False)
class Gradients:
    """Means over B batches, of the gradients of a batch's mean cross-entropy; statistics as when predicting."""

    squares: dict[str, Tensor]  # weight → its shape: (∂L/∂w)², the diagonal of the empirical Fisher matrix
    gates: dict[str, Tensor]  # batch norm → (c,): (γ ∂L/∂γ + β ∂L/∂β)², of a gate behind it that stands at 1
    filters: dict[str, Tensor]  # layer → (o,): (Σ w ∂L/∂w + b ∂L/∂b)², of a gate behind the layer itself

    def save(self, folder: Path) -> None:
        """evidence.safetensors."""
        kinds = {"squares": self.squares, "gates": self.gates, "filters": self.filters}
        flat = {f"{kind}/{name}": t.cpu().contiguous() for kind, own in kinds.items() for name, t in own.items()}
        save_file(flat, folder / FILE)


def load(folder: Path) -> Gradients:
    """As saved."""
    kinds: dict[str, dict[str, Tensor]] = {"squares": {}, "gates": {}, "filters": {}}
    for name, tensor in load_file(folder / FILE).items():
        kind, _, own = name.partition("/")
        kinds[kind][own] = tensor
    return Gradients(**kinds)


def gradients(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    device: str | torch.device = "cpu",
    progress: Callable[[int], None] = lambda _: None,
) -> Gradients:
    """Run every batch through `model` and back. Its weights, modes and gradients are left as they were (none).

    batches: x float32 (n, 3, h, w), y int64 (n,). Beside the network this needs its gradients and the squares: twice
    the weights. The smaller the batches, the closer to single photos' gradients; what is summed is never more than
    one number a weight. `progress` is told the photos seen so far. Raises ValueError where there is no batch.
    """
    named = dict(model.named_modules())
    rows = {name: m for name, m in named.items() if isinstance(m, _Layer)}
    found = {name: m for name, m in named.items() if isinstance(m, _Norm) and m.affine}
    squares = {f"{name}.weight": torch.zeros_like(layer.weight) for name, layer in rows.items()}
    filters = {name: layer.weight.new_zeros(len(layer.weight)) for name, layer in rows.items()}
    gates = {name: torch.zeros_like(m.weight) for name, m in found.items()}
    modes = [(m, m.training) for m in model.modules()]
    wanted = [(p, p.requires_grad) for p in model.parameters()]
    count = seen = 0
    try:
        model.eval()
        for p, _ in wanted:
            p.requires_grad_(True)
        for x, y in batches:
            model.zero_grad(set_to_none=True)
            loss = F.cross_entropy(model(x.to(device)), y.to(device))
            loss.backward()  # type: ignore[no-untyped-call]
            with torch.no_grad():
                _add(rows, squares, filters)
                for name, m in found.items():
                    gates[name] += _moment(m, ("weight", "bias")).square()
            count += 1
            seen += len(y)
            progress(seen)
    finally:
        model.zero_grad(set_to_none=True)
        for p, was in wanted:
            p.requires_grad_(was)
        for module, mode in modes:
            module.training = mode
    if not count:
        raise ValueError("gradients need at least one batch of photos")
    for sums in (squares, filters, gates):
        for total in sums.values():
            total.detach_().div_(count)
    return Gradients(squares, gates, filters)


def _add(rows: Mapping[str, nn.Module], squares: dict[str, Tensor], filters: dict[str, Tensor]) -> None:
    for name, layer in rows.items():
        gradient = layer.weight.grad
        if gradient is None:  # not used by this network's forward
            continue
        squares[f"{name}.weight"].addcmul_(gradient, gradient)  # type: ignore[arg-type]
        filters[name] += _moment(layer, ("weight", "bias")).square()


def _moment(module: nn.Module, names: tuple[str, ...]) -> Tensor:
    """Σ p ∂L/∂p over all but the first dimension of a module's parameters."""
    total: Tensor | float = 0.0
    for name in names:
        p = getattr(module, name)
        if p is not None and p.grad is not None:
            total = total + (p.detach() * p.grad).flatten(1).sum(1) if p.dim() > 1 else total + p.detach() * p.grad
    return torch.as_tensor(total)
