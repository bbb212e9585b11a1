"""What each operation of ATen does with the axes of its tensors.

Letters: c channels, g groups of a convolution, o outputs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from secateur.pruning.follow import ANY, Axis, Followed, Rule
from secateur.pruning.mixing import MIXING

Given = dict[str, Any]
PICKED = "its channels are picked by their place"
ALONG = "an operation runs along its channels"


def rule(func: Any) -> Rule:
    """The rule of an operation, by its name; one that is not known freezes what it is given."""
    name = func._schema.name.removeprefix("aten::")
    found = RULES.get(name) or MIXING.get(name)
    if found is None and name.endswith("_"):
        found = RULES.get(name[:-1]) or MIXING.get(name[:-1])
    if found is None and (torch.Tag.pointwise in func.tags or _elementwise(name)):
        found = pointwise
    return found or unknown


def _elementwise(name: str) -> bool:
    """An operation in place, such as hardswish_, is tagged under its other name."""
    packet = getattr(torch.ops.aten, name.removesuffix("_"), None)
    return packet is not None and any(torch.Tag.pointwise in getattr(packet, o).tags for o in packet.overloads())


def tensors(values: Any) -> list[Tensor]:
    """All tensors among arguments or results."""
    if isinstance(values, Tensor):
        return [values]
    if isinstance(values, dict):
        values = list(values.values())
    return [t for v in values for t in tensors(v)] if isinstance(values, list | tuple) else []


def unknown(seen: Followed, func: Any, given: Given, out: Any) -> None:
    """Nothing is known of what it says: every channel that it is given stays."""
    name = func._schema.name.removeprefix("aten::")
    for tensor in tensors(given):
        seen.freeze(seen.axes(tensor), f"an operation that is not followed ({name}) takes its channels")
    made_of_nothing = not tensors(given)
    for tensor in tensors(out):
        seen.say(tensor, [None] * tensor.dim(), weights=made_of_nothing)


def uniform(seen: Followed, func: Any, given: Given, out: Any) -> None:
    """Filled with one value: it fits every axis."""
    for tensor in tensors(out):
        seen.say(tensor, [ANY] * tensor.dim(), weights=True)


def pointwise(seen: Followed, func: Any, given: Given, out: Any) -> None:
    """Element by element: axes that meet hold the same channels."""
    taken = tensors(given)
    for result in tensors(out):
        axes: list[Axis] = []
        for d in range(1, result.dim() + 1):
            meet = [seen.axes(t)[-d] for t in taken if t.dim() >= d and t.shape[-d] == result.shape[-d]]
            axes.append(seen.same(*meet))
        whole = all(seen.of_weights(t) for t in taken)
        if any(result is t for t in taken) and result._is_view():  # in place, and into another tensor
            mine = seen.axes(result)
            for axis, own in zip(axes[::-1], mine, strict=True):
                if own is not axis and (own is None or isinstance(own, str)):
                    seen.freeze([axis], "its channels are written into a part of another tensor")
        seen.say(result, axes[::-1], weights=whole)


def same_axes(seen: Followed, func: Any, given: Given, out: Any) -> None:
    """As its input: a copy, a cast, dropout."""
    (source, *_), (result, *_) = tensors(given), tensors(out)
    seen.say(result, seen.axes(source), seen.of_weights(source))


def strided(seen: Followed, func: Any, given: Given, out: Tensor) -> None:
    """Another order in memory, as kernels set it for what they made; as a way to pick values it is not followed."""
    if len(seen.axes(out)) != out.dim() or func._schema.name != "aten::as_strided_":
        unknown(seen, func, given, out)


def view(seen: Followed, func: Any, given: Given, out: Tensor) -> None:
    source = given["self"]
    seen.say(out, seen.reshaped(seen.axes(source), source.shape, out.shape), seen.of_weights(source))


def permute(seen: Followed, func: Any, given: Given, out: Tensor) -> None:
    source = given["self"]
    axes = list(seen.axes(source))
    if "dims" in given:
        axes = [axes[d] for d in given["dims"]]
    else:
        a, b = (given["dim0"], given["dim1"]) if "dim0" in given else (0, source.dim() - 1)  # t()
        if source.dim() > 1:
            axes[a], axes[b] = axes[b], axes[a]
    seen.say(out, axes, seen.of_weights(source))


def expand(seen: Followed, func: Any, given: Given, out: Tensor) -> None:
    source = given["self"]
    new: list[Axis] = [ANY] * (out.dim() - source.dim())
    own = [*new, *seen.axes(source)]
    lengths = [1] * len(new) + list(source.shape)
    seen.say(out, [a if n == m else ANY for a, n, m in zip(own, lengths, out.shape, strict=True)])


def repeat(seen: Followed, func: Any, given: Given, out: Tensor) -> None:
    source = given["self"]
    lengths = [1] * (out.dim() - source.dim()) + list(source.shape)
    new: list[Axis] = [ANY] * (out.dim() - source.dim())
    own = [*new, *seen.axes(source)]
    axes = [
        np.tile(a, m // n) if not isinstance(a, str) and a is not None else (None if m != n and n > 1 else a)
        for a, n, m in zip(own, lengths, out.shape, strict=True)
    ]
    seen.say(out, axes)


def squeeze(seen: Followed, func: Any, given: Given, out: Tensor) -> None:
    """Also unsqueeze: axes of length 1 come and go."""
    source = given["self"]
    left = [a for a, n in zip(seen.axes(source), source.shape, strict=True) if n != 1]
    axes = [left.pop(0) if n != 1 else ANY for n in out.shape]
    seen.say(out, axes, seen.of_weights(source))


def select(seen: Followed, func: Any, given: Given, out: Any) -> None:
    """Also unbind: one position, or each of them by itself."""
    source, dim = given["self"], given.get("dim", 0)
    axes = list(seen.axes(source))
    seen.freeze([axes.pop(dim)], PICKED)
    for result in tensors(out):
        seen.say(result, axes, seen.of_weights(source))


def split(seen: Followed, func: Any, given: Given, out: Any) -> None:
    """Also slice: positions in a row, or every so many. Pieces of one length have to keep it, so they go as one."""
    source, dim = given["self"], given.get("dim", 0)
    axes = list(seen.axes(source))
    pieces = tensors(out)
    if len(pieces) > 1 and len({p.shape[dim] for p in pieces}) == 1:
        whole = seen.reshaped(axes[dim : dim + 1 or None], [source.shape[dim]], [len(pieces), pieces[0].shape[dim]])
        seen.freeze(whole[:1], PICKED)
        axes[dim] = whole[1]
        for piece in pieces:
            seen.say(piece, axes, seen.of_weights(source))
        return
    start, step = (given.get("start") or 0), given.get("step", 1)
    if start < 0:
        start += source.shape[dim]
    for result in pieces:
        own, length = list(axes), result.shape[dim]
        axis = axes[dim]
        if axis is not None and not isinstance(axis, str):
            own[dim] = mine = axis if length == len(axis) else axis[start : start + length * step : step]
            seen.piece(mine, len(axis), start)
        seen.say(result, own, seen.of_weights(source))
        start += length


def cat(seen: Followed, func: Any, given: Given, out: Tensor) -> None:
    taken = [t for t in given["tensors"] if t.numel()]
    dim = given.get("dim", 0) % out.dim()
    every = [seen.axes(t) for t in taken]
    axes = [seen.same(*(a[d] for a in every)) if d != dim else None for d in range(out.dim())]
    own = [a[dim] for a in every]
    if any(a is not None and not isinstance(a, str) for a in own):
        why = "they are no channels of a layer"
        axes[dim] = np.concatenate([seen.numbers(a, t.shape[dim], why) for a, t in zip(own, taken, strict=True)])
    seen.say(out, axes, all(seen.of_weights(t) for t in taken))


def stack(seen: Followed, func: Any, given: Given, out: Tensor) -> None:
    dim = given.get("dim", 0) % out.dim()
    every = [seen.axes(t) for t in given["tensors"]]
    axes: list[Axis] = [seen.same(*met) for met in zip(*every, strict=True)]
    seen.say(out, [*axes[:dim], None, *axes[dim:]], all(seen.of_weights(t) for t in given["tensors"]))


def reduce(seen: Followed, func: Any, given: Given, out: Any) -> None:
    """A mean, a sum, a maximum: over pixels it leaves channels as they are, over channels it needs them all."""
    source = given["self"] if "self" in given else tensors(given)[0]
    asked: Any = given.get("dim")
    gone: Any = [asked] if isinstance(asked, int) else asked or range(source.dim())
    dims = {d % max(source.dim(), 1) for d in gone}
    axes = list(seen.axes(source))
    seen.freeze([axes[d] for d in dims], "its channels are summed or averaged")
    for result in tensors(out):
        kept = [ANY if d in dims else a for d, a in enumerate(axes)]
        if result.dim() < source.dim():
            kept = [a for d, a in enumerate(axes) if d not in dims]
        seen.say(result, kept, seen.of_weights(source))


def along(seen: Followed, func: Any, given: Given, out: Any) -> None:
    """Softmax, a sum so far, a roll: the shape stays; what it runs along has to be whole."""
    source = given["self"]
    asked: Any = given.get("dims", given.get("dim", 0))
    dims: list[int] = [asked] if isinstance(asked, int) else list(asked)
    axes = seen.axes(source)
    seen.freeze([axes[d] for d in dims], ALONG)
    for result in tensors(out):
        seen.say(result, axes)


def pool(last: int) -> Rule:
    """A window over the last axes: pooling, interpolation, padding by reflection."""

    def windowed(seen: Followed, func: Any, given: Given, out: Any) -> None:
        source = tensors(given)[0]
        axes = list(seen.axes(source))
        seen.freeze(axes[-last:], ALONG)
        for result in tensors(out):
            seen.say(result, [*axes[:-last], *[None] * last])

    return windowed


def pad(seen: Followed, func: Any, given: Given, out: Tensor) -> None:
    """With one value; channels that are put beside others stay."""
    source, sides = given["self"], given["pad"]
    axes = list(seen.axes(source))
    for i in range(len(sides) // 2):
        d, (before, after) = source.dim() - 1 - i, sides[2 * i : 2 * i + 2]
        axis = axes[d]
        if not (before or after):
            continue
        if axis is None or isinstance(axis, str) or before < 0 or after < 0:
            seen.freeze([axis], ALONG)
            axes[d] = None
        else:
            why = "they are padding"
            around = [seen.numbers(None, before, why), axis, seen.numbers(None, after, why)]
            axes[d] = np.concatenate(around)
    seen.say(out, axes)


def shuffle(seen: Followed, func: Any, given: Given, out: Tensor) -> None:
    """Pixels to channels and back: r² channels in a row are one pixel's."""
    source = given["self"]
    axes, square = list(seen.axes(source)), int(given.get("upscale_factor") or given["downscale_factor"]) ** 2
    axis = axes[-3]
    if axis is not None and not isinstance(axis, str):
        ups = "upscale_factor" in given
        axes[-3] = seen.coupling.together(axis, len(axis) // square) if ups else np.repeat(axis, square)
    seen.say(out, [*axes[:-2], None, None])


def index(seen: Followed, func: Any, given: Given, out: Tensor) -> None:
    """table[positions]: what is looked up stays whole, the other axes pass."""
    source = given["self"] if "self" in given else given["weight"]
    places = given["indices"]
    places = list(places) if isinstance(places, list | tuple) else [places]
    used = [d for d, t in enumerate(places) if t is not None]
    axes = list(seen.axes(source))
    seen.freeze([axes[d] for d in used], PICKED)
    rest = [a for d, a in enumerate(axes) if d not in used]
    new = out.dim() - len(rest)
    where = used[0] if used == list(range(used[0], used[-1] + 1)) else 0
    seen.say(out, [*rest[:where], *[None] * new, *rest[where:]], seen.of_weights(source))


def _ruled(rule: Rule, names: str) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


RULES: dict[str, Rule] = {
    **_ruled(uniform, "ones zeros full empty ones_like zeros_like full_like empty_like new_ones new_zeros new_full"),
    **_ruled(uniform, "new_empty scalar_tensor new_empty_strided empty_strided"),
    **_ruled(pointwise, "hardswish hardsigmoid relu relu6 sigmoid tanh softplus log_sigmoid_forward addcdiv"),
    **_ruled(pointwise, "where masked_fill copy _prelu_kernel hardtanh leaky_relu elu gelu silu mish lerp addcmul"),
    **_ruled(same_axes, "clone _to_copy detach alias contiguous dropout native_dropout lift_fresh positive"),
    **_ruled(view, "view _unsafe_view reshape _reshape_alias"),
    **_ruled(strided, "as_strided"),
    **_ruled(permute, "permute transpose t"),
    **_ruled(expand, "expand"),
    **_ruled(repeat, "repeat"),
    **_ruled(squeeze, "squeeze unsqueeze"),
    **_ruled(select, "select unbind"),
    **_ruled(split, "slice split split_with_sizes narrow"),
    **_ruled(cat, "cat"),
    **_ruled(stack, "stack"),
    **_ruled(reduce, "mean sum amax amin max min var std var_mean std_mean norm linalg_vector_norm logsumexp prod"),
    **_ruled(reduce, "any all"),
    **_ruled(along, "_softmax _log_softmax _safe_softmax cumsum roll flip sort"),
    **_ruled(pool(2), "avg_pool2d max_pool2d_with_indices _adaptive_avg_pool2d adaptive_max_pool2d"),
    **_ruled(pool(2), "adaptive_avg_pool2d"),
    **_ruled(pool(2), "upsample_nearest2d upsample_bilinear2d upsample_bicubic2d _upsample_bicubic2d_aa"),
    **_ruled(pool(2), "_upsample_bilinear2d_aa reflection_pad2d replication_pad2d mkldnn_adaptive_avg_pool2d"),
    **_ruled(pad, "constant_pad_nd"),
    **_ruled(shuffle, "pixel_shuffle pixel_unshuffle"),
    **_ruled(index, "index embedding index_select"),
}
