"""Multiply-adds and parameters of every layer, from the shapes that really flow through it, every time that they do.

A multiply-add is one: a convolution of o filters over (i / groups, k, k) at p places is o·p·i·k·k/groups; a dense
layer is o·i. A product of two activations, (m, k) by (k, n), is m·k·n and stands with the module that computes it: in
attention of t tokens and heads d wide together, queries by keys and weights by values, 2·t·t·d. Batch-norm is folded
into the layer before it, as run-times do, and counts nothing. What is not counted is listed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from secateur.records import LayerRow, Profile

_FREE = (nn.BatchNorm1d, nn.BatchNorm2d, nn.Dropout, nn.Flatten, nn.Identity, nn.ReLU, nn.ReLU6, nn.MaxPool2d)


@dataclass(slots=True)
class _Ran:
    """What was seen of a network that ran once."""

    outputs: dict[str, Tensor]  # module → the tensor it says
    products: Counter[str]  # module → multiply-adds of what it computes itself, not in a module inside it
    total: int  # of every convolution and matrix product


@torch.no_grad()
def _run(model: nn.Module, example: Tensor) -> _Ran:
    ran = _Ran({}, Counter(), 0)
    counter = FlopCounterMode(display=False)
    inside = [0]  # of each module that runs now, the multiply-adds of those that ran in it
    begun: list[int] = []

    def enter(_module: nn.Module, _inputs: object) -> None:
        begun.append(counter.get_total_flops() // 2)
        inside.append(0)

    def leave(name: str) -> Callable[[nn.Module, object, object], None]:
        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            every = counter.get_total_flops() // 2 - begun.pop()
            ran.products[name] += every - inside.pop()
            inside[-1] += every
            if isinstance(output, Tensor):
                ran.outputs[name] = output.detach()

        return hook

    handles = [m.register_forward_pre_hook(enter) for m in model.modules()]
    handles += [m.register_forward_hook(leave(n)) for n, m in model.named_modules()]
    was_training = model.training
    try:
        with sdpa_kernel(SDPBackend.MATH), counter:  # attention as the products it is made of
            model.eval()(example)
    finally:
        for handle in handles:
            handle.remove()
        model.train(was_training)
    ran.total = counter.get_total_flops() // 2
    return ran


def profile(model: nn.Module, example: Tensor, why: Callable[[str, nn.Module], str]) -> Profile:
    """Every layer of `model` as it runs on `example` (1, 3, h, w); `why` says what can be pruned of a layer."""
    ran = _run(model, example)
    rows, not_counted = [], Counter[str]()
    prunable = zeros = idle = idle_nonzero = 0
    layers = dict(_rows(model))
    for name, module in model.named_modules():
        macs = ran.products[name]
        if name not in layers and not macs:
            continue
        if name not in ran.outputs:
            held = list(module.parameters(recurse=False))  # a table that is looked up, and never called
            idle += sum(p.numel() for p in held)
            idle_nonzero += sum(int(torch.count_nonzero(p)) for p in held)
            if not isinstance(module, nn.Identity):
                not_counted[f"{type(module).__name__} that did not run"] += 1
            continue
        own = list(module.parameters(recurse=False))
        nonzero = sum(int(torch.count_nonzero(p)) for p in own)
        rows.append(
            LayerRow(
                name=name,
                kind=type(module).__name__,
                output_shape=tuple(ran.outputs[name].shape[1:]),
                parameters=sum(p.numel() for p in own),
                buffers=_running(module),
                nonzero=nonzero,
                macs=macs,
                macs_nonzero=_only_nonzero(module, macs),
                prune=why(name, module),
            )
        )
        if isinstance(module, nn.Conv2d | nn.Linear):
            prunable += module.weight.numel()
            zeros += module.weight.numel() - int(torch.count_nonzero(module.weight))
        elif not isinstance(module, _FREE) and not list(module.children()) and not macs:
            not_counted[type(module).__name__] += 1
    values = sum(r.parameters for r in rows) + idle
    nonzero = sum(r.nonzero for r in rows) + idle_nonzero
    products = [f"{n} × {what}" for what, n in not_counted.items()]
    outside = ran.total - sum(r.macs for r in rows)
    if outside > 0:  # of a module that says no tensor
        products.append(f"{outside:,} multiply-adds in products outside of layers")
    return Profile(
        layers=tuple(rows),
        input_shape=(example.shape[2], example.shape[3], 3),
        parameters=values,
        parameters_keras=values + sum(r.buffers for r in rows),
        nonzero=nonzero,
        macs=sum(r.macs for r in rows),
        macs_nonzero=sum(r.macs_nonzero for r in rows),
        sparsity_of_prunable=zeros / prunable if prunable else 0.0,
        sparsity_of_model=1 - nonzero / values if values else 0.0,
        weight_bytes=sum(t.numel() * t.element_size() for t in model.state_dict().values()),
        not_counted=tuple(products),
    )


def _rows(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Modules without children, and those that hold values of their own beside their children."""
    found = model.named_modules()
    return [(n, m) for n, m in found if not list(m.children()) or list(m.parameters(recurse=False))]


def _running(module: nn.Module) -> int:
    """Running mean and variance; not PyTorch's batch counter, which Keras has not."""
    buffers: Mapping[str, Tensor] = dict(module.named_buffers(recurse=False))
    return sum(b.numel() for name, b in buffers.items() if name != "num_batches_tracked")


def _only_nonzero(module: nn.Module, macs: int) -> int:
    """Hypothetical: a run-time that skipped every zero weight."""
    weight = getattr(module, "weight", None)
    if not macs or weight is None:
        return macs
    return macs * int(torch.count_nonzero(weight)) // int(weight.numel())
