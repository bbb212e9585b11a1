"""A network as a chain of stages, so that what comes before a change is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Stages that say, one after the other, what the network says."""

    names: tuple[str, ...]
    stages: tuple[nn.Module, ...]

    def run(self, x: Tensor, begin: int = 0, end: int | None = None) -> Tensor:
        """Through stages `begin` to `end` − 1."""
        for stage in self.stages[begin:end]:
            x = stage(x)
        return x

    def stage_of(self, tensor: str) -> int:
        """The stage that a parameter is part of."""
        return next(i for i, name in enumerate(self.names) if not name or tensor.startswith(f"{name}."))


@torch.no_grad()
def chain(model: nn.Module, example: Tensor) -> Chain:
    """The longest chain there is: a module falls into its children where each is called once, is given what the one
    before it said, and nothing happens between. What cannot be taken apart, or would then say something else on
    `example`, stays whole. The network is left in the mode for predicting."""
    model.eval()
    found = _parts("", model, example)
    apart = Chain(tuple(name for name, _ in found), tuple(part for _, part in found))
    if len(found) > 1 and torch.equal(apart.run(example.clone()), model(example.clone())):
        return apart
    return Chain(("",), (model,))


def _parts(name: str, module: nn.Module, example: Tensor) -> list[tuple[str, nn.Module]]:
    """`module` as (name, stage)s."""
    calls: list[tuple[str, nn.Module, Sequence[object], object]] = []
    handles = [
        child.register_forward_hook(lambda m, given, said, own=own: calls.append((own, m, given, said)))
        for own, child in module.named_children()
    ]
    try:
        x = example.clone()
        out = module(x)
    finally:
        for handle in handles:
            handle.remove()
    if not _in_line(module, calls, x, out):
        return [(name, module)]
    found = []
    x = example.clone()
    for own, child, _, _ in calls:
        found += _parts(f"{name}.{own}" if name else own, child, x)
        x = child(x.clone())
    # Something may have happened between the children all the same: in place, the tensor stays the same one.
    return found if torch.equal(x, module(example.clone())) else [(name, module)]


def _in_line(
    module: nn.Module, calls: Sequence[tuple[str, nn.Module, Sequence[object], object]], x: Tensor, out: object
) -> bool:
    called = [m for _, m, _, _ in calls]
    if not calls or len(set(called)) < len(called) or any(True for _ in module.parameters(recurse=False)):
        return False
    before: object = x
    for _, _, given, said in calls:
        if len(given) != 1 or given[0] is not before or not isinstance(said, Tensor):
            return False
        before = said
    return before is out
