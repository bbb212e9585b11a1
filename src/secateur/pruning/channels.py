"""Cutting whole filters: the network really gets smaller. torch-pruning finds what is coupled, here alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch_pruning as tp
from torch import Tensor, nn

from secateur.pruning.masks import floor


def kept_after(scores: Mapping[str, Tensor], ratio: float) -> dict[str, list[int]]:
    """The study's rule: each layer loses floor(ratio × filters) filters of least score, never its last one.

    `scores` maps a layer to (o,). Ties fall by position: earlier filters go first. Returns layer → kept
    positions, rising. Raises ValueError for a ratio outside [0, 1).
    """
    if not 0 <= ratio < 1:
        raise ValueError(f"ratio must be at least 0 and below 1, got {ratio}")
    kept = {}
    for name, score in scores.items():
        n = score.numel()
        drop = min(floor(ratio, n), n - 1)
        order = torch.argsort(score, stable=True)
        kept[name] = sorted(order[drop:].tolist())
    return kept


def cut(model: nn.Module, kept: Mapping[str, list[int]], example: Tensor) -> nn.Module:
    """Remove every filter or hidden unit that is not kept, and all that was coupled to it. Consumes `model`.

    `example` (1, 3, h, w) is what torch-pruning traces with. Raises ValueError for a layer that is no
    convolution or dense layer.
    """
    modules = dict(model.named_modules())
    model.eval()
    # A dict of our own each time: torch-pruning's default is shared between pruners and leaks (its issue list).
    own: dict[Any, Any] = {}
    graph = tp.DependencyGraph().build_dependency(
        model, example_inputs=example, unwrapped_parameters=None, customized_pruners=own, verbose=False
    )
    for name, keep in kept.items():
        layer = modules[name]
        if isinstance(layer, nn.Conv2d):
            n, function = layer.out_channels, tp.prune_conv_out_channels
        elif isinstance(layer, nn.Linear):
            n, function = layer.out_features, tp.prune_linear_out_channels
        else:
            raise ValueError(f"'{name}' is a {type(layer).__name__}: only convolutions and dense layers are cut")
        staying = set(keep)
        drop = [i for i in range(n) if i not in staying]
        if drop:
            graph.get_pruning_group(layer, function, idxs=drop).prune()
    for parameter in model.parameters():
        parameter.grad = None
    return model
