"""Evidence by going backward: what the loss says of weights and of channels.

Letters: o filters, c channels, n photos, B batches of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from secateur.pruning.evidence import Evidence

_Layer = nn.Conv2d | nn.Linear
_Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d
Batches = Iterable[tuple[Tensor, Tensor]]  # x float32 (n, 3, h, w), y int64 (n,)
Progress = Callable[[int], None]  # photos seen so far


def gradients(
    model: nn.Module, batches: Batches, *, device: str | torch.device = "cpu", progress: Progress = lambda _: None
) -> Evidence:
    """squares, gates and filters (see `evidence`): means over B batches, of the gradients of a batch's mean
    cross-entropy; statistics as when predicting.

    The network's weights, modes and gradients are left as they were (none). Beside it this needs its gradients and the
    squares: twice the weights. The smaller the batches, the closer to single photos' gradients; what is summed is
    never more than one number a weight. Raises ValueError where there is no batch.
    """
    named = dict(model.named_modules())
    rows = {name: m for name, m in named.items() if isinstance(m, _Layer)}
    found = {name: m for name, m in named.items() if isinstance(m, _Norm) and m.affine}
    squares = {f"{name}.weight": torch.zeros_like(layer.weight) for name, layer in rows.items()}
    filters = {name: layer.weight.new_zeros(len(layer.weight)) for name, layer in rows.items()}
    gates = {name: torch.zeros_like(m.weight) for name, m in found.items()}
    count = 0
    for _ in _backwards(model, batches, device, progress):
        count += 1
        for name, layer in rows.items():
            if layer.weight.grad is None:  # not used by this network's forward
                continue
            squares[f"{name}.weight"].addcmul_(layer.weight.grad, layer.weight.grad)
            filters[name] += _moment(layer, ("weight", "bias")).square()
        for name, m in found.items():
            gates[name] += _moment(m, ("weight", "bias")).square()
    return _means({"squares": squares, "gates": gates, "filters": filters}, count)


def slopes(
    model: nn.Module, batches: Batches, *, device: str | torch.device = "cpu", progress: Progress = lambda _: None
) -> Evidence:
    """means and sizes (see `evidence`), else as `gradients`; beside the network three times its weights."""
    weights = {f"{n}.weight": m.weight for n, m in model.named_modules() if isinstance(m, _Layer)}
    means = {name: torch.zeros_like(w) for name, w in weights.items()}
    sizes = {name: torch.zeros_like(w) for name, w in weights.items()}
    count = 0
    for _ in _backwards(model, batches, device, progress):
        count += 1
        for name, weight in weights.items():
            if weight.grad is not None:
                means[name] += weight.grad
                sizes[name] += weight.grad.abs()
    return _means({"means": means, "sizes": sizes}, count)


def bends(
    model: nn.Module,
    batches: Callable[[], Batches],
    *,
    device: str | torch.device = "cpu",
    progress: Progress = lambda _: None,
) -> Evidence:
    """bends (see `evidence`): how training's first step would change the gradient, Hg, with H and g of the mean loss
    over all photos. Two passes: g, then of each batch the gradient of its gradient's product with g (Pearlmutter 1994),
    so that no second derivative is ever held."""
    first = slopes(model, batches(), device=device, progress=progress)["means"]
    weights = {f"{n}.weight": m.weight for n, m in model.named_modules() if isinstance(m, _Layer)}
    found = {name: torch.zeros_like(w) for name, w in weights.items()}
    count = 0
    with _as_predicting(model):
        for x, y in batches():
            count += 1
            loss = F.cross_entropy(model(x.to(device)), y.to(device))
            own = torch.autograd.grad(loss, list(weights.values()), create_graph=True, allow_unused=True)
            turned = [(g * first[n]).sum() for n, g in zip(weights, own, strict=True) if g is not None]
            bent = torch.autograd.grad(torch.stack(turned).sum(), list(weights.values()), allow_unused=True)
            for name, gradient in zip(weights, bent, strict=True):
                if gradient is not None:
                    found[name] += gradient
    return _means({"bends": found}, count)


@contextmanager
def _as_predicting(model: nn.Module) -> Iterator[None]:
    """Every parameter ready for gradients; afterwards none is held, and modes are as they were."""
    modes = [(m, m.training) for m in model.modules()]
    wanted = [(p, p.requires_grad) for p in model.parameters()]
    try:
        model.eval()
        for p, _ in wanted:
            p.requires_grad_(True)
        yield
    finally:
        model.zero_grad(set_to_none=True)
        for p, was in wanted:
            p.requires_grad_(was)
        for module, mode in modes:
            module.training = mode


def _backwards(model: nn.Module, batches: Batches, device: str | torch.device, progress: Progress) -> Iterator[None]:
    """Once a batch, while each parameter holds its gradient."""
    seen = 0
    with _as_predicting(model):
        for x, y in batches:
            model.zero_grad(set_to_none=True)
            loss = F.cross_entropy(model(x.to(device)), y.to(device))
            loss.backward()  # type: ignore[no-untyped-call]
            with torch.no_grad():
                yield
            seen += len(y)
            progress(seen)


def _means(sums: Evidence, count: int) -> Evidence:
    if not count:
        raise ValueError("gradients need at least one batch of photos")
    for own in sums.values():
        for total in own.values():
            total.detach_().div_(count)
    return sums


def _moment(module: nn.Module, names: tuple[str, ...]) -> Tensor:
    """Σ p ∂L/∂p over all but the first dimension of a module's parameters."""
    total: Tensor | float = 0.0
    for name in names:
        p = getattr(module, name)
        if p is not None and p.grad is not None:
            total = total + (p.detach() * p.grad).flatten(1).sum(1) if p.dim() > 1 else total + p.detach() * p.grad
    return torch.as_tensor(total)
