"""Whether a cut network is the dense one with the channels that go silenced.

The dense network is silenced at the layers that read those channels, and asked; the cut one is built beside it, out of
what the cut takes, and asked the same. The silencing reads no more of a group than which inputs of a layer its channels
are: whether the filters, the norms and the gates that were removed belong to them is what the comparison shows. A
wrong owner on either side pairs channels that do not belong together, and the answers differ.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from secateur.pruning.cutting import cut_groups, stays
from secateur.pruning.groups import Group

ALLOWED = 1e-3  # of the largest logit, in float32
ALLOWED_EXACTLY = 1e-6  # in float64, where float32 sees more: there a true cut differs by rounding alone


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the cut network says, against the silenced one."""

    difference: float  # the largest of any logit, over the largest logit; nan where a logit is no number
    bits: int  # 32, or 64 where 32 did not do
    agrees: bool


@torch.no_grad()
def agreement(model: nn.Module, groups: Sequence[Group], kept: Mapping[str, list[int]], photos: Tensor) -> Agreement:
    """Before the cut: how far what it makes is from `model` with the channels silenced. Leaves `model` as it is.

    `photos` (n, 3, h, w) float32. Beside the network it needs the tensors of the cut one that are cut; float64, which
    only what fails float32 comes to, needs the network twice over.
    """
    modes = [(m, m.training) for m in model.modules()]
    try:
        found = _difference(model.eval(), groups, kept, photos)
        if found <= ALLOWED:
            return Agreement(found, 32, True)
        found = _difference(copy.deepcopy(model).double(), groups, kept, photos.double())
        return Agreement(found, 64, found <= ALLOWED_EXACTLY)
    finally:
        for module, mode in modes:
            module.training = mode


def _difference(model: nn.Module, groups: Sequence[Group], kept: Mapping[str, list[int]], photos: Tensor) -> float:
    going = stays(groups, kept)
    with silenced(model, going):
        wanted: Tensor = model(photos)
    got: Tensor = cut_groups(_sharing(model), groups, kept)(photos)
    largest = wanted.abs().max().clamp_min(torch.finfo(wanted.dtype).tiny)
    return float((got - wanted).abs().max() / largest)


def _sharing(model: nn.Module) -> nn.Module:
    """Modules of its own around the same tensors: cutting it replaces those that are cut, and copies no other."""
    return copy.deepcopy(model, {id(t): t for t in [*model.parameters(), *model.buffers()]})


@contextmanager
def silenced(model: nn.Module, going: Mapping[str, Mapping[int, Tensor]]) -> Iterator[None]:
    """The network with channels that no layer reads, and that norms over the channels do not see.

    `going`: tensor → dimension → (length,) bool, what stays, from `cutting.stays`. The columns that go are set to zero
    and put back afterwards, to the bit; only they are copied.
    """
    modules = dict(model.named_modules())
    with ExitStack() as undo:
        for tensor, dims in going.items():
            name, _, leaf = tensor.rpartition(".")
            module = modules[name]
            if leaf == "weight" and isinstance(module, nn.Conv2d | nn.Linear) and 1 in dims:
                undo.enter_context(_without(module.weight.data, ~dims[1].to(module.weight.device)))
            elif leaf == "weight" and isinstance(module, nn.LayerNorm | nn.GroupNorm):
                undo.callback(module.register_forward_hook(_among(dims[0])).remove)
        yield


@contextmanager
def _without(weight: Tensor, dead: Tensor) -> Iterator[None]:
    """`weight` (o, i, …) with nothing but zeros for the inputs `dead` (i,) bool."""
    columns = dead.nonzero().reshape(-1)
    before = weight.index_select(1, columns)
    weight.index_fill_(1, columns, 0)
    try:
        yield
    finally:
        weight.index_copy_(1, columns, before)


def _among(alive: Tensor) -> Callable[[Any, tuple[Tensor, ...], Tensor], Tensor]:
    """A hook: what the norm says where it sees the living channels alone, and nothing of the others."""

    def hook(norm: nn.LayerNorm | nn.GroupNorm, given: tuple[Tensor, ...], said: Tensor) -> Tensor:
        x, mine = given[0], alive.nonzero().reshape(-1).to(said.device)
        dim = 1 if isinstance(norm, nn.GroupNorm) or (x.dim() == 4 and x.shape[-1] != len(alive)) else x.dim() - 1
        if type(norm).__name__ == "LayerNorm2d":  # timm's, over the channels of a picture
            dim = 1
        weight, bias = (None if t is None else t.index_select(0, mine) for t in (norm.weight, norm.bias))
        living = x.index_select(dim, mine)
        if isinstance(norm, nn.GroupNorm):
            groups = norm.num_groups * len(mine) // len(alive)
            normed = F.group_norm(living, groups, weight, bias, norm.eps)
        else:
            last = F.layer_norm(living.movedim(dim, -1), (len(mine),), weight, bias, norm.eps)
            normed = last.movedim(-1, dim)
        return torch.zeros_like(said).index_copy(dim, mine, normed.to(said.dtype))

    return hook
