"""Evidence by going backward: what the loss says of weights and of channels.

Letters: o filters, c channels, n photos, B batches of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from secateur.pruning.evidence import Evidence

_Layer = nn.Conv2d | nn.Linear
_Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d
Batches = Iterable[tuple[Tensor, Tensor]]  # x float32 (n, 3, h, w), y int64 (n,)
Progress = Callable[[int], None]  # photos seen so far
TEMPERATURE = 200.0  # GraSP's: at initial weights a softmax would say more of one photo's logits than of the weights


def gradients(
    model: nn.Module, batches: Batches, *, device: str | torch.device = "cpu", progress: Progress = lambda _: None
) -> Evidence:
    """squares, gates and filters (see `evidence`): means over B batches, of the gradients of a batch's mean
    cross-entropy; statistics as when predicting, so that photos do not depend on one another.

    The batches are to be of one photo each: the square of a mean over eight is mostly noise that cancelled, and of what
    stays by it 2 to 12 % was other than by single photos. These cost 1.6 times batches of eight, and no more memory;
    `torch.func.vmap` was slower than either, and took the weights once more a photo.

    The network's weights, modes and gradients are left as they were (none). Beside it this needs its gradients and the
    squares: twice the weights. Raises ValueError where there is no batch.
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
    """sizes (see `evidence`), of batches of one photo each and else as `gradients`."""
    weights = _weights(model)
    sizes = {name: torch.zeros_like(w) for name, w in weights.items()}
    count = 0
    for _ in _backwards(model, batches, device, progress):
        count += 1
        for name, weight in weights.items():
            if weight.grad is not None:
                sizes[name] += weight.grad.abs()
    return _means({"sizes": sizes}, count)


def connections(
    model: nn.Module,
    batches: Batches,
    *,
    device: str | torch.device = "cpu",
    progress: Progress = lambda _: None,
    held: Collection[nn.Module] = (),
) -> Evidence:
    """means (see `evidence`), as a training's step sees them: batch norms take the statistics of the batch, and keep
    their own as they were. Made for networks with their initial weights, whose stored statistics (mean 0, variance 1)
    are those of no photo. `held`: batch norms that training holds still, which stay as they are. Dropout is off.
    Batches as large as a training's, classes mixed; else as `gradients`."""
    return {"means": _mean_gradients(model, batches, device, progress, held)}


def bends(
    model: nn.Module,
    batches: Callable[[], Batches],
    *,
    device: str | torch.device = "cpu",
    progress: Progress = lambda _: None,
    held: Collection[nn.Module] = (),
    temperature: float = TEMPERATURE,
) -> Evidence:
    """bends (see `evidence`): how training's first step would change the gradient, Hg, with H and g of the mean loss
    over all photos, its logits divided by `temperature`; batch norms and batches as in `connections`. Two passes: g,
    then of each batch the gradient of its gradient's product with g (Pearlmutter 1994), so that no second derivative is
    ever held."""
    first = _mean_gradients(model, batches(), device, progress, held, temperature)
    weights = _weights(model)
    found = {name: torch.zeros_like(w) for name, w in weights.items()}
    seen = 0
    with _watching(model, _in_training(model, held)):
        for x, y in batches():
            seen += len(y)
            loss = F.cross_entropy(model(x.to(device)) / temperature, y.to(device))
            own = torch.autograd.grad(loss, list(weights.values()), create_graph=True, allow_unused=True)
            turned = [(g * first[n]).sum() for n, g in zip(weights, own, strict=True) if g is not None]
            bent = torch.autograd.grad(torch.stack(turned).sum(), list(weights.values()), allow_unused=True)
            for name, gradient in zip(weights, bent, strict=True):
                if gradient is not None:
                    found[name].add_(gradient, alpha=len(y))
    return _means({"bends": found}, seen)


def _mean_gradients(
    model: nn.Module,
    batches: Batches,
    device: str | torch.device,
    progress: Progress,
    held: Collection[nn.Module],
    temperature: float = 1.0,
) -> dict[str, Tensor]:
    """Weight → E[∂L/∂w] over photos, batch norms as in training."""
    weights = _weights(model)
    means = {name: torch.zeros_like(w) for name, w in weights.items()}
    seen = 0
    for photos in _backwards(model, batches, device, progress, _in_training(model, held), temperature):
        seen += photos
        for name, weight in weights.items():
            if weight.grad is not None:
                means[name].add_(weight.grad, alpha=photos)
    return _means({"means": means}, seen)["means"]


def _weights(model: nn.Module) -> dict[str, Tensor]:
    return {f"{n}.weight": m.weight for n, m in model.named_modules() if isinstance(m, _Layer)}


def _in_training(model: nn.Module, held: Collection[nn.Module]) -> list[_Norm]:
    still = set(map(id, held))
    return [m for m in model.modules() if isinstance(m, _Norm) and id(m) not in still]


@contextmanager
def _watching(model: nn.Module, training: Collection[_Norm] = ()) -> Iterator[None]:
    """Every parameter ready for gradients; afterwards none is held, and modes are as they were. `training`: batch norms
    that take the batch's statistics, and whose own are neither read nor moved."""
    modes = [(m, m.training) for m in model.modules()]
    wanted = [(p, p.requires_grad) for p in model.parameters()]
    tracked = [(m, m.track_running_stats) for m in training]
    try:
        model.eval()
        for norm, _ in tracked:
            norm.training, norm.track_running_stats = True, False
        for p, _ in wanted:
            p.requires_grad_(True)
        yield
    finally:
        model.zero_grad(set_to_none=True)
        for p, was in wanted:
            p.requires_grad_(was)
        for norm, was in tracked:
            norm.track_running_stats = was
        for module, mode in modes:
            module.training = mode


def _backwards(
    model: nn.Module,
    batches: Batches,
    device: str | torch.device,
    progress: Progress,
    training: Collection[_Norm] = (),
    temperature: float = 1.0,
) -> Iterator[int]:
    """How many photos a batch has, once a batch, while each parameter holds its gradient."""
    seen = 0
    with _watching(model, training):
        for x, y in batches:
            model.zero_grad(set_to_none=True)
            loss = F.cross_entropy(model(x.to(device)) / temperature, y.to(device))
            loss.backward()  # type: ignore[no-untyped-call]
            with torch.no_grad():
                yield len(y)
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
