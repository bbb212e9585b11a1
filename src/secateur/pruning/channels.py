"""What of a network is coupled. Cutting whole filters starts with `trace`.

    traced = trace(model, torch.zeros(1, 3, px, px))          groups, what cannot be cut and why
    found = groups.cuttable(traced, spare, hidden_units)      UserError where nothing is left
    widths = widths.reach(traced, found, 0.5, "macs", 8)      "filters" | "macs" | "params"; what was reached
    scores = groups.channel_scores(model, found, filter_l1, generator, control=False)
    kept = widths.choose(scores, widths.counts)               group → positions that stay
    cutting.cut_groups(model, found, kept)

The network is run once on the meta device (`follow`): in no memory and no arithmetic, at its real input size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from secateur.pruning.coupling import Ids
from secateur.pruning.cutting import cut_groups
from secateur.pruning.follow import Followed, followed
from secateur.pruning.groups import CLASSES, Count, Group, Part, Product, Traced
from secateur.pruning.masks import floor
from secateur.pruning.operations import rule
from secateur.pruning.trial import line, on_meta, without_failing

_Layer = nn.Conv2d | nn.Linear
MIXED = "its channels are mixed on their way and cannot be followed one by one"
UNEVEN = "only some of its channels reach every layer that is coupled to it"
# How modules call the number by which they know their heads, and how wide a piece or all of them together are.
HEADS = ("num_heads", "heads", "n_heads", "num_attention_heads")
WIDE = ("attn_dim", "all_head_dim", "inner_dim", "out_dim", "val_attn_dim", "in_channels", "width", "expand_chs")
PIECES = ("val_dim", "d")


class _Stays(Exception):
    """Why a group cannot be cut, in words."""


@dataclass(frozen=True, slots=True, eq=False)
class _Channels:
    """All positions of a network's tensors, as channels."""

    of: Ids  # number (see `coupling`) → channel
    fixed: npt.NDArray[np.int64]  # channel → which reason it stays for; −1: none
    axes: tuple[tuple[str, int, Ids], ...]  # (tensor, dimension, numbers)
    runs: dict[int, dict[int, int]]  # channel → axis → positions


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

    The couplings are those of Fang et al. 2023 (DepGraph, arXiv:2301.12900): squeeze-excite, depthwise and residual
    connections, layer-scale; and what views, splits and permutations make of an axis: heads of attention, groups of
    convolutions, selective kernels. Every group is then tried: the network, with half of its channels gone, has to run
    on the meta device; a group that breaks it is refused. `example` (1, 3, h, w): only its shape counts.
    """
    skeleton = on_meta(model)
    layers = {n: m for n, m in skeleton.named_modules() if isinstance(m, _Layer)}
    shapes = {n: tuple(p.shape) for n, p in skeleton.named_parameters()}
    places: dict[str, int] = {}
    handles = [module.register_forward_hook(_counts(places, name)) for name, module in layers.items()]
    try:
        seen, logits = followed(skeleton, example.shape, rule)
    except Exception as error:
        return Traced((), dict.fromkeys(layers, f"this network cannot be followed ({line(error)})"), shapes, places)
    finally:
        for handle in handles:
            handle.remove()
    for axis in seen.axes(logits):
        if axis is not None and not isinstance(axis, str):
            seen.coupling.frozen.insert(0, (axis, CLASSES))
    channels = _channels(seen)
    for work in seen.works:
        if work.instead:
            places[work.instead] -= int(np.prod(work.lengths[:-2]))
    found, stay = _groups(skeleton, seen, channels, layers, places)
    found = _untied(model, found, stay)
    found = without_failing(model, example, found, stay)
    led = {layer for group in found for layer in group.layers}
    for name in layers:
        if name not in led:
            stay.setdefault(name, "it does not run, or nothing follows it")
    ordered = {name: stay[name] for name in layers if name in stay and name not in led}
    products = tuple(Product(w.module, w.lengths) for w in seen.works)
    return Traced(tuple(found), ordered, shapes, places, products)


def _counts(places: dict[str, int], name: str) -> Any:
    def hook(module: nn.Module, _inputs: object, output: Tensor) -> None:
        wide = module.out_channels if isinstance(module, nn.Conv2d) else module.out_features
        key = f"{name}.weight"
        places[key] = places.get(key, 0) + output.numel() // int(wide)  # type: ignore[arg-type]  # windows are a batch

    return hook


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
        sharing = [n.rpartition(".")[0] for n in tied]
        stay.update(dict.fromkeys([*group.layers, *sharing], f"{' and '.join(sharing)} share one weight"))
    return free


def _channels(seen: Followed) -> _Channels:
    of = seen.coupling.resolve()
    axes = tuple((n, d, ids) for n, dims in seen.tensors.items() for d, ids in enumerate(dims) if ids is not None)
    found = [np.unique(of[ids], return_counts=True) for _, _, ids in axes]
    channel = np.concatenate([c for c, _ in found])
    count = np.concatenate([n for _, n in found])
    axis = np.repeat(np.arange(len(axes)), [len(c) for c, _ in found])
    order = np.argsort(channel, kind="stable")
    channel, count, axis = channel[order], count[order], axis[order]
    starts = np.flatnonzero(np.diff(channel, prepend=-1))
    runs: dict[int, dict[int, int]] = {}
    alike: dict[bytes, dict[int, int]] = {}  # most channels run as others do: one record for all of them
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(channel)], strict=True):
        key = axis[start:end].tobytes() + count[start:end].tobytes()
        if key not in alike:
            alike[key] = dict(zip(axis[start:end].tolist(), count[start:end].tolist(), strict=True))
        runs[int(channel[start])] = alike[key]
    return _Channels(of, seen.coupling.fixed(of), axes, runs)


def _groups(
    skeleton: nn.Module,
    seen: Followed,
    channels: _Channels,
    layers: Mapping[str, _Layer],
    places: Mapping[str, int],
) -> tuple[list[Group], dict[str, str]]:
    """Groups in the network's order; layers that stay, with reasons."""
    modules = dict(skeleton.named_modules())
    written = {f"{name}.weight": name for name in layers}
    done: set[str] = set()
    found: list[Group] = []
    stay: dict[str, str] = {}
    for name in layers:
        numbers = seen.tensors.get(f"{name}.weight", (None,))[0]  # a tied weight stands under its first name
        if name in done or numbers is None or f"{name}.weight" not in places:
            continue
        own = list(dict.fromkeys(channels.of[numbers].tolist()))  # in the order of the layer's outputs
        run = {axis for channel in own for axis in channels.runs[channel]}
        coupled = {written[t] for t, d, _ in (channels.axes[a] for a in run) if d == 0 and t in written}
        done |= coupled
        try:
            parts = _parts(modules, seen, channels, own)
        except _Stays as why:
            stay.update(dict.fromkeys(coupled, str(why)))
            continue
        ordered = tuple(n for n in layers if n in coupled)
        hidden = all(isinstance(layers[n], nn.Linear) and places.get(f"{n}.weight") == 1 for n in ordered)
        index = dict(zip(own, range(len(own)), strict=True))
        counts, products = _attributes(modules, seen, channels, index), _products(seen, channels, index)
        found.append(Group(name, ordered, len(own), hidden, parts, counts, products))
    return found, stay


def _parts(
    modules: Mapping[str, nn.Module], seen: Followed, channels: _Channels, own: Sequence[int]
) -> tuple[Part, ...]:
    """Every dimension of every tensor that a group runs along. Raises _Stays with the reason why it may not go."""
    reasons = [int(channels.fixed[c]) for c in own if channels.fixed[c] >= 0]
    if reasons:
        raise _Stays(seen.coupling.frozen[min(reasons)][1])
    if len(own) < 2:
        raise _Stays(MIXED)
    if any(channels.runs[c] != channels.runs[own[0]] for c in own):
        raise _Stays(UNEVEN)
    index = np.full(len(channels.fixed), -1, np.int64)
    index[list(own)] = np.arange(len(own))
    parts = []
    for axis in channels.runs[own[0]]:
        tensor, dim, ids = channels.axes[axis]
        _may_go(tensor.rpartition(".")[0], modules[tensor.rpartition(".")[0]])
        parts.append(Part(tensor, dim, torch.from_numpy(index[channels.of[ids]])))
    return tuple(parts)


_SIZED = (nn.Conv2d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm, nn.PReLU)


def _may_go(name: str, module: nn.Module) -> None:
    """`cutting` can tell the module its new size, or it holds but parameters of its own. Raises _Stays."""
    if not isinstance(module, _SIZED) and type(module).__module__.startswith("torch.nn"):
        raise _Stays(f"'{name}' is a {type(module).__name__}, which cannot be cut")


def _attributes(
    modules: Mapping[str, nn.Module], seen: Followed, channels: _Channels, index: Mapping[int, int]
) -> tuple[Count, ...]:
    """The whole numbers by which modules that split an axis, or join two, know how many channels there are."""
    found: dict[tuple[str, str], Count] = {}

    def tell(module: str, names: Sequence[str], axis: Ids, lengths: set[int]) -> None:
        own = vars(modules[module])
        if int(channels.of[axis[0]]) in index:
            for name in names:
                if type(own.get(name)) is int and own[name] in lengths:
                    found[module, name] = Count(module, name, own[name])

    for product in seen.coupling.products:
        axis = product.axes[product.chosen] if product.chosen >= 0 else None
        if axis is not None:
            tell(product.module, HEADS, axis, {len(axis)})
            tell(product.module, WIDE, axis, {len(axis), len(product.parent)})
    for (module, *_), piece in seen.pieces.items():
        tell(module, PIECES, piece, {len(piece)})
    return tuple(found.values())


def _products(seen: Followed, channels: _Channels, index: Mapping[int, int]) -> tuple[tuple[int, int, int], ...]:
    found = []
    for i, work in enumerate(seen.works):
        for dim, ids in enumerate(work.axes):
            mine = 0 if ids is None else sum(int(c) in index for c in channels.of[ids].tolist())
            if mine:
                found.append((i, dim, mine // len(index)))
    return tuple(found)
