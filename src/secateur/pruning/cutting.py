"""The cut itself: every tensor is cut once, along all its dimensions, and each module told its new size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from secateur.pruning.groups import Group, kept_of


@torch.no_grad()
def cut_groups(model: nn.Module, groups: Iterable[Group], kept: Mapping[str, list[int]]) -> nn.Module:
    """Remove every channel that is not kept, with all that is coupled to it. Consumes `model`.

    `kept`: group name → positions that stay; a group that is not named stays whole. One tensor is copied at a
    time, so this needs little more memory than the network.
    """
    groups = tuple(groups)
    going = stays(groups, kept)
    modules = dict(model.named_modules())
    for name, dims in going.items():
        owner, _, leaf = name.rpartition(".")
        _put(modules[owner], leaf, _selected(getattr(modules[owner], leaf), dims))
    for owner in dict.fromkeys(name.rpartition(".")[0] for name in going):
        set_sizes(modules[owner])
    for group in groups:
        for told in group.counts:
            setattr(modules[told.module], told.attribute, told.value * int(kept_of(group, kept).sum()) // group.size)
    for parameter in model.parameters():
        parameter.grad = None
    return model.eval()


def stays(groups: Iterable[Group], kept: Mapping[str, list[int]]) -> dict[str, dict[int, Tensor]]:
    """Tensor → dimension → (length,) bool: what is left of every tensor that is cut."""
    found: dict[str, dict[int, Tensor]] = defaultdict(dict)
    for group in groups:
        mine = kept_of(group, kept)
        if bool(mine.all()):
            continue
        for part in group.parts:
            here = (part.owner < 0) | mine[part.owner]  # −1 reads the last channel, which the left side overrules
            before = found[part.tensor].get(part.dim)
            found[part.tensor][part.dim] = here if before is None else before & here
    return found


def _selected(tensor: Tensor, dims: Mapping[int, Tensor]) -> Tensor:
    for dim, mask in dims.items():
        tensor = tensor.index_select(dim, mask.nonzero().reshape(-1).to(tensor.device))
    return tensor


def _put(module: nn.Module, leaf: str, tensor: Tensor) -> None:
    old = getattr(module, leaf)
    if isinstance(old, nn.Parameter):
        setattr(module, leaf, nn.Parameter(tensor, requires_grad=old.requires_grad))
    else:
        setattr(module, leaf, tensor)


def set_sizes(module: nn.Module) -> None:
    """Set the whole numbers by which a module knows its own size, from the shapes of its tensors."""
    if isinstance(module, nn.Conv2d):
        filters, inputs = module.weight.shape[:2]
        if module.groups > 1:  # whole groups go, of as many filters each as before
            module.groups = filters * module.groups // module.out_channels
        module.out_channels, module.in_channels = filters, inputs * module.groups
    elif isinstance(module, nn.Linear):
        module.out_features, module.in_features = module.weight.shape
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        module.num_features = len(module.weight if module.affine else module.running_mean)  # type: ignore[arg-type]
    elif isinstance(module, nn.LayerNorm):
        module.normalized_shape = tuple(module.weight.shape)
    elif isinstance(module, nn.GroupNorm):
        module.num_groups = max(module.num_groups * len(module.weight) // module.num_channels, 1)  # whole groups go
        module.num_channels = len(module.weight)
    elif isinstance(module, nn.PReLU):
        module.num_parameters = len(module.weight)
