"""Batch norms of a pruned network, moved so that its activations stand to the stored statistics as they did before.

Recalibration alone gives every activation mean 0 and variance 1 on the training photos. Trained networks are not
like that: published weights carry averages of other photos, of another size, taken while layers were dropped at
random, and what follows has learnt from there. EfficientNet-Lite0 on photos of 96 px falls from 81 to 43 % when
nothing but its statistics is taken anew (benchmarks/match.py). So the offset is measured first and kept: the
rescaling of REPAIR (Jordan et al. 2023, arXiv:2211.08403, § 3), with the network before pruning as the one to match.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from secateur.training.norms import Norm, norms
from secateur.training.recalibrate import recalibrate

Batches = Iterable[tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Of one batch norm's channels, normalised by the stored statistics: where they stand on some photos."""

    mean: Tensor  # (c,)
    scale: Tensor  # (c,) standard deviation

    def of(self, kept: Tensor) -> Standing:
        """`kept`: (c,) bool, the channels that stay."""
        return Standing(self.mean[kept], self.scale[kept])


def of_cut(before: Mapping[str, Standing], left: Mapping[str, Mapping[int, Tensor]]) -> dict[str, Standing]:
    """Where the channels that stay stood. `left`: tensor → dimension → (length,) bool, for tensors that are cut."""
    mean = ".running_mean"
    return {n: was.of(left[n + mean][0]) if n + mean in left else was for n, was in before.items()}


@torch.no_grad()
def standing(model: nn.Module, batches: Batches, *, device: str | torch.device) -> dict[str, Standing]:
    """Name → where every batch norm with a scale and a shift of its own stands. The network predicts meanwhile and
    is left as it was.

    batches: x float32 (n, 3, h, w) or (n, d), y unused; those of one photo are passed over.
    Raises ValueError where no batch has two photos.
    """
    found = _named(model)
    sums = {name: [torch.zeros_like(m.bias), torch.zeros_like(m.bias)] for name, m in found.items()}
    modes = [(m, m.training) for m in model.modules()]
    handles = [m.register_forward_pre_hook(_adds(sums[name])) for name, m in found.items()]
    count = 0
    try:
        model.eval()
        for x, _ in batches:
            if len(x) < 2:
                continue
            model(x.to(device))
            count += 1
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in modes:
            module.training = mode
    if not count:
        raise ValueError("where batch norms stand needs a batch of at least two photos")
    made = {}
    for name, norm in found.items():
        mean, var = (total / count for total in sums[name])
        assert norm.running_mean is not None and norm.running_var is not None
        stored = (norm.running_var + norm.eps).sqrt()
        made[name] = Standing((mean - norm.running_mean) / stored, (var + norm.eps).sqrt() / stored)
    return made


@torch.no_grad()
def match(model: nn.Module, batches: Batches, before: Mapping[str, Standing], *, device: str | torch.device) -> int:
    """Stored statistics such that every batch norm stands as `before` on these photos; returns how many they were.

    Photos run with their batch's statistics and with `before` folded into scale and shift, so each layer sees what
    it will see. A batch norm that `before` does not name is recalibrated plainly. Of a network that was not changed
    nothing changes (but for rounding). Changes `model` in place. Raises ValueError as `recalibrate` does.
    """
    found = {name: norm for name, norm in _named(model).items() if name in before}
    own = {name: (norm.weight.clone(), norm.bias.clone()) for name, norm in found.items()}
    try:
        for name, norm in found.items():
            norm.bias.addcmul_(norm.weight, before[name].mean)
            norm.weight.mul_(before[name].scale)
        photos = recalibrate(model, batches, device=device)
    finally:
        for name, norm in found.items():
            norm.weight.copy_(own[name][0])
            norm.bias.copy_(own[name][1])
    for name, norm in found.items():
        assert norm.running_mean is not None and norm.running_var is not None
        was = before[name]
        norm.running_var.add_(norm.eps).div_(was.scale.square()).sub_(norm.eps).clamp_(min=0)
        norm.running_mean.sub_(was.mean * (norm.running_var + norm.eps).sqrt())
    return photos


def _named(model: nn.Module) -> dict[str, Norm]:
    own = {id(m) for m in norms(model) if m.affine}
    return {name: m for name, m in model.named_modules() if id(m) in own}


def _adds(totals: list[Tensor]) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0]
        var, mean = torch.var_mean(x, dim=[d for d in range(x.dim()) if d != 1])
        totals[0] += mean
        totals[1] += var

    return hook
