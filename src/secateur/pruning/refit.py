"""Layers fitted again, so that what stays of their weights says what all of them said.

Letters: o outputs, d inputs (channels × kernel places), k of them kept, m samples.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from secateur.pruning.moments import Batches, Layer, Moments, gathered, inputs_of, passes

ENOUGH = 4  # samples for each input, at least: with fewer, what is fitted is their noise
MOST_INPUTS = 8192  # d: its square is 256 MiB
MOST_WORK = 3e12  # Σ k³ over a layer's outputs: about a minute on two cores


def of_cut(model: nn.Module, going: Mapping[str, Mapping[int, Tensor]]) -> dict[str, Tensor]:
    """Layer → (1, d) bool, the inputs that stay, for every layer that loses some; `going` is from `cutting.stays`."""
    rows = {f"{name}.weight": (name, m) for name, m in model.named_modules() if isinstance(m, Layer)}
    found = {}
    for tensor, dims in going.items():
        if tensor in rows and 1 in dims:
            name, layer = rows[tensor]
            found[name] = dims[1].repeat_interleave(inputs_of(layer) // layer.weight.shape[1])[None]
    return found


def of_masks(masks: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Layer → (o, d) bool, the weights that stay, for every layer that loses some."""
    return {name.removesuffix(".weight"): mask.flatten(1) for name, mask in masks.items() if not bool(mask.all())}


@torch.no_grad()
def refit(model: nn.Module, stay: Mapping[str, Tensor], batches: Batches, *, grouped: bool = False) -> dict[str, str]:
    """Before pruning: give the weights that stay the values with which they best stand in for those that go.

    Least squares over the dense network's own inputs, for each output by itself: w′ = C[K, K]⁻¹ C[K, :] w with C
    their covariance and K what stays. For whole channels it is the second half of channel pruning by reconstruction
    (He et al. 2017, arXiv:1707.06168) and of ThiNet, which fits one number a channel (Luo et al. 2017,
    arXiv:1707.06342, § 3.2.3); for single
    weights the optimal update of a layer at a given mask (Frantar & Alistarh 2022, arXiv:2208.11580, § 3), solved
    directly. A ridge of a thousandth of the mean variance is added. A bias takes up the mean; without one, the batch
    norm behind is to be matched afterwards (`training.match`).

    `stay`: layer → (o, d) or, the same for all outputs, (1, d). `batches`: makes, for every pass, an iterable of
    x (n, 3, h, w), y unused. `grouped`: depthwise and grouped convolutions, too, each group by itself. Changes the
    weights of `model`, which is not pruned yet, and no weight that goes.
    Returns, for layers that were left as they are, why.
    """
    named = dict(model.named_modules())
    left: dict[str, str] = {}
    chosen = []
    for name, mask in stay.items():
        why = _why_not(named[name], mask, grouped)
        if why:
            left[name] = why
        else:
            chosen.append(name)
    for names in passes(named, chosen):
        found = gathered(model, {name: named[name] for name in names}, batches)
        for name in names:
            if found[name].m < ENOUGH * inputs_of(named[name]):
                left[name] = f"{found[name].m:,} samples for {inputs_of(named[name]):,} inputs"
            else:
                _fit(named[name], stay[name], found.pop(name))
    return left


def _why_not(layer: nn.Module, stay: Tensor, grouped: bool) -> str:
    if isinstance(layer, nn.Conv2d) and layer.groups > 1 and not grouped:
        return "it does not mix its inputs"
    if inputs_of(layer) > MOST_INPUTS:
        return f"more than {MOST_INPUTS:,} inputs"
    if float(stay.sum(1).double().pow(3).sum()) > MOST_WORK:
        return "solving for so many kept weights takes too long"
    return ""


def _fit(layer: nn.Module, stay: Tensor, seen: Moments) -> None:
    """`stay`: (o, d) or (1, d) bool."""
    weight, bias = layer.weight, layer.bias
    assert isinstance(weight, nn.Parameter)
    flat = weight.data.flatten(1).double()  # (o, d)
    means, spreads = seen.mean(), seen.spread()  # (g, d), (g, d, d)
    each = len(flat) // len(means)  # outputs of a group
    fitted = torch.zeros_like(flat)
    shift = flat.new_zeros(len(flat))
    for group, (mean, spread) in enumerate(zip(means, spreads, strict=True)):
        own = slice(group * each, (group + 1) * each)
        wanted = flat[own] @ spread  # (o/g, d): the covariance of each output with the inputs
        for row in range(own.start, own.stop if len(stay) > 1 else 1):
            kept = stay[row].nonzero().reshape(-1)
            rows = slice(row, row + 1) if len(stay) > 1 else own
            if len(kept):
                asked = wanted[rows.start - own.start : rows.stop - own.start][:, kept]
                fitted[rows, kept] = torch.linalg.solve(spread[kept][:, kept], asked.T).T
        shift[own] = (flat[own] - fitted[own]) @ mean
    if isinstance(bias, nn.Parameter):
        bias.data.add_(shift.to(bias.dtype))
    # What goes keeps its value, so that nothing but the mask decides what is zero.
    weight.data.copy_(torch.where(stay, fitted, flat).reshape(weight.shape).to(weight.dtype))
