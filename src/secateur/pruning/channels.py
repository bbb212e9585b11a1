"""What of a network is coupled: torch-pruning finds it, here alone. Cutting whole filters starts with `trace`.

    traced = trace(model, torch.zeros(1, 3, px, px))          groups, what cannot be cut and why
    found = groups.cuttable(traced, spare, hidden_units)      UserError where nothing is left
    widths = widths.reach(traced, found, 0.5, "macs", 8)      "filters" | "macs" | "params"; what was reached
    scores = groups.channel_scores(model, found, filter_l1, generator, control=False)
    kept = widths.choose(scores, widths.counts)               group → positions that stay
    cutting.cut_groups(model, found, kept)

The network is traced on the meta device: its graph is found in no memory and no arithmetic, at its real input size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch_pruning as tp
from torch import Tensor, nn

from secateur.pruning.cutting import cut_groups
from secateur.pruning.groups import CLASSES, Group, Part, Traced
from secateur.pruning.masks import floor
from secateur.pruning.trial import line, on_meta, without_failing

_Layer = nn.Conv2d | nn.Linear
_MOST = 1 << 20  # positions of one layer


class _Stays(Exception):
    """Why a group cannot be cut, in words."""


class _At(NamedTuple):
    """A position that torch-pruning's index mappings can move, and the channel it started as."""

    idx: int
    root_idx: int


@dataclass(slots=True)
class _Side:
    """The inputs or the outputs of one node of torch-pruning's graph, as far as a group runs along them."""

    node: Any
    reads: bool  # its inputs
    owner: dict[int, int]  # position → channel of the group
    walked: int = 0  # positions that were followed onward


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

    `kept` names groups by their first layer; `example` (1, 3, h, w) has the shape to trace with. Raises ValueError
    for a name that is no such layer, with the reason where there is one.
    """
    traced = trace(model, example)
    names = {group.name for group in traced.groups}
    for name in kept:
        if name not in names:
            raise ValueError(f"'{name}' cannot be cut: {traced.unprunable.get(name, 'it leads no group of filters')}")
    return cut_groups(model, traced.groups, kept)


def trace(model: nn.Module, example: Tensor) -> Traced:
    """The groups of coupled channels, and what stays and why. Leaves `model` as it is.

    Follows Fang et al. 2023 (DepGraph, arXiv:2301.12900) as torch-pruning does it: squeeze-excite, depthwise and
    residual couplings, layer-scale. Every group is then tried: the network, with half of its channels gone, has to
    run on the meta device; a group that breaks it is refused. `example` (1, 3, h, w): only its shape counts.
    """
    skeleton = on_meta(model)
    layers = {n: m for n, m in skeleton.named_modules() if isinstance(m, _Layer)}
    places: dict[str, int] = {}
    shapes = {n: tuple(p.shape) for n, p in skeleton.named_parameters()}
    try:
        graph, last = _graph(skeleton, example, layers, places)
    except Exception as error:
        reason = f"torch-pruning cannot follow this network ({line(error)})"
        return Traced((), dict.fromkeys(layers, reason), shapes, places)
    found, stay = _groups(graph, last, layers, places)
    found = _untied(model, found, stay)
    found = without_failing(model, example, found, stay)
    led = {layer for group in found for layer in group.layers}
    for name in layers:
        if name not in led:
            stay.setdefault(name, "it does not run, or nothing follows it")
    ordered = {name: stay[name] for name in layers if name in stay and name not in led}
    return Traced(tuple(found), ordered, shapes, places)


def _untied(model: nn.Module, found: list[Group], stay: dict[str, str]) -> list[Group]:
    """The groups that run through no weight which several layers share: cut in one of them it would be in all."""
    owners: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        owners.setdefault(id(parameter), []).append(name)
    shared = {name: own for own in owners.values() if len(own) > 1 for name in own}
    free = []
    for group in found:
        tied = next((shared[p.tensor] for p in group.parts if p.tensor in shared), None)
        if tied is None:
            free.append(group)
            continue
        reason = f"{' and '.join(n.rpartition('.')[0] for n in tied)} share one weight"
        stay.update(dict.fromkeys(group.layers, reason))
    return free


def _graph(
    skeleton: nn.Module, example: Tensor, layers: Mapping[str, _Layer], places: dict[str, int]
) -> tuple[Any, Any]:
    """torch-pruning's graph and the autograd node of the logits; fills `places`."""
    outputs: list[Tensor] = []

    def forward(network: nn.Module, x: Tensor) -> Tensor:
        outputs.append(network(x))
        return outputs[0]

    def counted(name: str) -> Any:
        def hook(module: nn.Module, _inputs: object, output: Tensor) -> None:
            wide = module.out_channels if isinstance(module, nn.Conv2d) else module.out_features
            key = f"{name}.weight"
            places[key] = places.get(key, 0) + output[0].numel() // int(wide)  # type: ignore[arg-type]

        return hook

    handles = [module.register_forward_hook(counted(name)) for name, module in layers.items()]
    # A dict of our own each time: torch-pruning's default is shared between pruners and leaks (its issue list).
    own: dict[Any, Any] = {}
    try:
        with torch.enable_grad():
            graph = tp.DependencyGraph().build_dependency(
                skeleton,
                example_inputs=torch.empty(example.shape, dtype=example.dtype, device="meta"),
                forward_fn=forward,  # without it the library first tries the photo without its batch
                unwrapped_parameters=None,
                customized_pruners=own,
                verbose=False,
            )
    finally:
        for handle in handles:
            handle.remove()
    return graph, outputs[0].grad_fn


def _groups(
    graph: Any, last: Any, layers: Mapping[str, _Layer], places: Mapping[str, int]
) -> tuple[list[Group], dict[str, str]]:
    """Groups in the network's order; layers that stay, with reasons."""
    names: dict[Any, str] = {module: name for name, module in graph.model.named_modules()}
    names |= {parameter: name for name, parameter in graph.model.named_parameters()}
    taken: dict[tuple[str, int], Tensor] = {}
    seen: set[str] = set()
    found, stay = [], {}
    for name, layer in layers.items():
        if name in seen or layer not in graph.module2node:
            continue
        size = layer.out_channels if isinstance(layer, nn.Conv2d) else layer.out_features
        reached, reason = _followed(graph, layer, size)
        coupled = {names[s.node.module] for s in reached if isinstance(s.node.module, _Layer) and not s.reads}
        seen.update(coupled)
        try:
            if reason:
                raise _Stays(reason)
            parts = [part for side in reached for part in _parts(side, names, size, last)]
            _claim(parts, taken)
        except _Stays as why:
            stay.update(dict.fromkeys(coupled, str(why)))
            continue
        ordered = tuple(n for n in layers if n in coupled)
        hidden = all(isinstance(layers[n], nn.Linear) and places[f"{n}.weight"] == 1 for n in ordered)
        found.append(Group(name, ordered, size, hidden, tuple(parts)))
    return found, stay


def _followed(graph: Any, layer: _Layer, size: int) -> tuple[list[_Side], str]:
    """Everything that the outputs of a layer run along, and "" or why they cannot be followed.

    torch-pruning's own walk compares whole lists of positions for every step; on some networks (efficient channel
    attention, MaxViT) it took minutes and gigabytes. This one keeps a position once, and gives up where two
    channels meet in one.
    """
    sides: dict[tuple[int, Any], _Side] = {}
    start = graph.get_pruner_of_module(layer).prune_out_channels
    stack = [(graph.module2node[layer], start, [_At(i, i) for i in range(size)])]
    while stack:
        node, handler, positions = stack.pop()
        side = sides.setdefault((id(node), handler), _Side(node, not graph.is_out_channel_pruning_fn(handler), {}))
        new = []
        for position in positions:
            owner = side.owner.setdefault(position.idx, position.root_idx)
            if owner != position.root_idx or len(side.owner) > _MOST:
                return list(sides.values()), "its channels are mixed on their way and cannot be followed one by one"
            new.append(position)
        if len(side.owner) == side.walked:
            continue
        side.walked = len(side.owner)
        for edge in node.dependencies:
            if edge.is_triggered_by(handler):
                onward = new
                for mapping in edge.index_mapping:
                    onward = mapping(onward) if mapping is not None else onward
                if onward:
                    stack.append((edge.target, edge.handler, onward))
    return list(sides.values()), ""


def _parts(side: _Side, names: Mapping[Any, str], size: int, last: Any) -> list[Part]:
    """Every dimension of every tensor that a group runs along here. Raises _Stays with the reason why it may not."""
    node, module = side.node, side.node.module
    if node.grad_fn is last and not side.reads:
        raise _Stays(CLASSES)
    if isinstance(module, nn.Parameter):
        tensors = [(names[module], node.pruning_dim % module.dim(), module.shape[node.pruning_dim])]
    elif module in names:
        tensors = _tensors(names[module], module, side.reads)
    else:
        _passes(node)
        return []
    return [Part(tensor, dim, _owner(side, length, size)) for tensor, dim, length in tensors]


def _tensors(name: str, module: nn.Module, reads: bool) -> list[tuple[str, int, int]]:
    """(tensor, dimension, length) of what a module holds along its channels."""
    own = dict([*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)])
    wanted: tuple[str, ...] = ("weight", "bias")
    dim = 0
    match module:
        case nn.Conv2d() if module.groups > 1 and not module.groups == module.in_channels == module.out_channels:
            raise _Stays(f"'{name}' is a convolution of {module.groups} groups, which has to keep them equal")
        case nn.Conv2d() if module.transposed:
            raise _Stays(f"'{name}' is a transposed convolution")
        case nn.Conv2d() | nn.Linear():
            if reads:
                wanted, dim = ("weight",), 1
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            wanted = ("weight", "bias", "running_mean", "running_var")
        case nn.LayerNorm() if len(module.normalized_shape) != 1:
            raise _Stays(f"'{name}' normalises over more than the channels")
        case nn.GroupNorm() if module.num_groups != 1:
            raise _Stays(f"'{name}' normalises {module.num_groups} groups of channels, which have to stay equal")
        case nn.PReLU() if module.num_parameters == 1:
            return []
        case nn.LayerNorm() | nn.GroupNorm() | nn.PReLU():
            pass
        case _:
            raise _Stays(f"'{name}' is a {type(module).__name__}, which cannot be cut")
    return [(f"{name}.{leaf}", dim, own[leaf].shape[dim]) for leaf in wanted if leaf in own]


def _passes(node: Any) -> None:
    """An operation without weights. One that splits the channels among further dimensions is refused: where a
    channel ends up behind it (attention's heads, a channel shuffle) is not followed."""
    if node.type == tp.ops.OPTYPE.RESHAPE:
        size = getattr(node.grad_fn, "_saved_self_sym_sizes", ())
        if len(size) > 4:
            raise _Stays("a fixed reshape (heads of attention, a channel shuffle, windows) follows its channels")


def _owner(side: _Side, length: int, size: int) -> Tensor:
    """(length,): the channel each position belongs to. Raises _Stays unless all channels own as many."""
    owner = torch.full((length,), -1, dtype=torch.int64)
    positions = torch.tensor(list(side.owner))
    if int(positions.max()) >= length:
        raise _Stays("its channels are mixed on their way and cannot be followed one by one")
    owner[positions] = torch.tensor(list(side.owner.values()))
    each = torch.bincount(owner[owner >= 0], minlength=size)
    if int(each.min()) != int(each.max()):
        raise _Stays("only some of its channels reach every layer that is coupled to it")
    return owner


def _claim(parts: Iterable[Part], taken: dict[tuple[str, int], Tensor]) -> None:
    """A position belongs to one group."""
    for part in parts:
        before = taken.get((part.tensor, part.dim))
        mine = part.owner >= 0
        if before is not None and bool((before & mine).any()):
            raise _Stays(f"'{part.tensor}' is coupled to another group as well")
    for part in parts:
        before = taken.get((part.tensor, part.dim))
        taken[part.tensor, part.dim] = part.owner >= 0 if before is None else before | (part.owner >= 0)
