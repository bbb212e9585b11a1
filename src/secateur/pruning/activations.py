"""Evidence by going forward: what layers are given, and what each channel adds to the layer behind it.

Letters: o outputs, i inputs, c channels of a group, k kernel side, n photos, m samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from secateur.pruning import patches
from secateur.pruning.evidence import Evidence
from secateur.pruning.groups import Group

Layer = nn.Conv2d | nn.Linear
Batches = Iterable[tuple[Tensor, Tensor]]  # x float32 (n, 3, h, w), y unused
Progress = Callable[[int], None]  # photos seen so far
Value = Callable[[Tensor], Tensor]  # of each element; 0 of 0, as padding is
Look = Callable[[Layer, Tensor, Tensor], None]  # the layer, what it was given, what it said
PLACES = 10  # samples of a photo and a layer, as ThiNet takes (Luo et al. 2017, § 3.2.1)


def inputs(model: nn.Module, batches: Batches, *, progress: Progress = lambda _: None) -> Evidence:
    """inputs (see `evidence`): mean square of what each weight is multiplied with; padding counts as the zeros it is.

    One number a kernel place and input channel. Raises ValueError where there is no batch.
    """
    return {"inputs": _averaged(model, torch.square, batches, progress)}


def alive(model: nn.Module, batches: Batches, *, progress: Progress = lambda _: None) -> Evidence:
    """alive (see `evidence`): how often what each weight is multiplied with is not zero; else as `inputs`."""
    return {"alive": _averaged(model, lambda x: (x != 0).to(x.dtype), batches, progress)}


@torch.no_grad()
def _averaged(model: nn.Module, value: Value, batches: Batches, progress: Progress) -> dict[str, Tensor]:
    """Weight → (i, k, k) or (i,): the mean of `value` of what it is multiplied with."""
    layers = {f"{n}.weight": m for n, m in model.named_modules() if isinstance(m, Layer)}
    sums: dict[str, Tensor] = {}
    counts: dict[str, int] = {}

    def look(name: str) -> Look:
        def add(layer: Layer, x: Tensor, out: Tensor) -> None:
            total, count = _summed(layer, value(x), out)
            sums[name] = sums[name] + total if name in sums else total
            counts[name] = counts.get(name, 0) + count

        return add

    _run(model, {name: (layer, look(name)) for name, layer in layers.items()}, batches, progress)
    return {name: (total / counts[name]).float() for name, total in sums.items()}


@torch.no_grad()
def samples(
    model: nn.Module, groups: Sequence[Group], batches: Batches, *, seed: int = 0, progress: Progress = lambda _: None
) -> Evidence:
    """grams (see `evidence`), of the layers that read a group's channels: a photo gives PLACES outputs of each, their
    places and filters drawn by chance (Luo et al. 2017, arXiv:1707.06342, § 3.2.1).

    (c, c) float64 a group and the shares of one batch: 32 MiB for the widest group of B7. Raises ValueError where there
    is no batch.
    """
    readers = {g.name: _readers(model, g) for g in groups}
    grams = {g.name: torch.zeros(g.size, g.size, dtype=torch.float64) for g in groups}
    counts = dict.fromkeys(grams, 0)
    chance = torch.Generator().manual_seed(seed)
    asked: dict[str, list[tuple[Group, Tensor]]] = {}
    for group in groups:
        for name, owner in readers[group.name].items():
            asked.setdefault(name, []).append((group, owner))

    def look(name: str) -> Look:
        def add(layer: Layer, x: Tensor, out: Tensor) -> None:
            shares = _shares(layer, x, out, chance)  # (m, i)
            for group, owner in asked[name]:
                mine = (owner >= 0).to(shares.device)
                z = shares.new_zeros(len(shares), group.size)
                z.index_add_(1, owner.to(shares.device)[mine], shares[:, mine])
                grams[group.name] += (z.T @ z).double().cpu()
                counts[group.name] += len(z)

        return add

    named = dict(model.named_modules())
    _run(model, {name: (named[name], look(name)) for name in asked}, batches, progress)
    return {"grams": {name: gram / max(counts[name], 1) for name, gram in grams.items()}}


def _readers(model: nn.Module, group: Group) -> dict[str, Tensor]:
    """Layer that mixes the group's channels → the channel that each of its inputs belongs to; −1: to none."""
    named = dict(model.named_modules())
    found = {}
    for part in group.parts:
        layer = named.get(part.tensor.removesuffix(".weight"))
        if part.dim == 1 and isinstance(layer, Layer) and getattr(layer, "groups", 1) == 1:
            found[part.tensor.removesuffix(".weight")] = part.owner
    return found


def _run(model: nn.Module, looks: Mapping[str, tuple[nn.Module, Look]], batches: Batches, progress: Progress) -> None:
    seen = 0
    with _watched(looks), _as_predicting(model):
        for x, y in batches:
            model(x)
            seen += len(y)
            progress(seen)
    if not seen:
        raise ValueError("activations need at least one batch of photos")


@contextmanager
def _watched(looks: Mapping[str, tuple[nn.Module, Look]]) -> Iterator[None]:
    def hook(look: Look) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        return lambda layer, given, out: look(layer, given[0], out)  # type: ignore[arg-type]

    handles = [layer.register_forward_hook(hook(look)) for layer, look in looks.values()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _as_predicting(model: nn.Module) -> Iterator[None]:
    modes = [(m, m.training) for m in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def _summed(layer: Layer, x: Tensor, out: Tensor) -> tuple[Tensor, int]:
    """(sum of x (i, k, k) or (i,) in float64, how many samples it is of)."""
    if isinstance(layer, nn.Linear):
        rows = x.reshape(-1, x.shape[-1])
        return rows.double().sum(0), len(rows)
    padded = patches.padded(layer, x, out).sum(0)  # (i, h, w)
    kernel = layer.weight.shape[2:]
    total = torch.stack(
        [patches.under(layer, padded, out, a, b).double().sum((1, 2)) for a, b in patches.taps(kernel)], dim=1
    )
    return total.reshape(-1, *kernel), len(out) * out.shape[2] * out.shape[3]


def _shares(layer: Layer, x: Tensor, out: Tensor, chance: torch.Generator) -> Tensor:
    """(m, i): of m outputs, drawn by chance, what each input channel adds."""
    weight = layer.weight.detach()
    if isinstance(layer, nn.Linear):
        rows = x.reshape(-1, x.shape[-1])
        m = min(PLACES * len(x), len(rows) * PLACES)
        photo = torch.randint(len(rows), (m,), generator=chance)
        return rows[photo] * weight[torch.randint(len(weight), (m,), generator=chance)]
    m = PLACES * len(x)
    photo = torch.arange(len(x)).repeat_interleave(PLACES)
    down = torch.randint(out.shape[2], (m,), generator=chance)
    right = torch.randint(out.shape[3], (m,), generator=chance)
    chosen = weight[torch.randint(len(weight), (m,), generator=chance)]  # (m, i, k, k)
    padded = patches.padded(layer, x, out)
    total = x.new_zeros(m, x.shape[1])
    for a, b in patches.taps(weight.shape[2:]):
        rows = down * layer.stride[0] + a * layer.dilation[0]
        columns = right * layer.stride[1] + b * layer.dilation[1]
        total += padded[photo, :, rows, columns] * chosen[:, :, a, b]
    return total
