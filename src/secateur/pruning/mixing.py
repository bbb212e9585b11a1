"""What operations that mix channels do with the axes of their tensors: convolutions, products, norms.

Letters: c input channels, o outputs, g groups of a convolution.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from secateur.pruning.coupling import Ids
from secateur.pruning.follow import Axis, Followed, Rule, Work

Given = dict[str, Any]
READ = "a layer reads it along pixels or tokens"
SCALED = "attention's scale depends on how wide its heads are"


def _numbers(axis: Axis) -> Ids | None:
    return None if isinstance(axis, str) else axis


def _read(seen: Followed, x: Axis, weight: Axis) -> None:
    """A layer's inputs meet the axis of its weight that holds one number for each."""
    if isinstance(x, str) or x is None:
        seen.freeze([weight], READ)
    else:
        seen.same(x, weight)


def convolution(seen: Followed, func: Any, given: Given, out: Tensor) -> None:
    x, weight, bias = given["input"], given["weight"], given["bias"]
    photos, c, *pixels = seen.axes(x)
    outputs, inputs, *kernel = seen.axes(weight)
    seen.freeze([*pixels, *kernel], "a convolution runs along its channels")
    groups = int(given["groups"])
    if given["transposed"]:
        seen.freeze([c, outputs, inputs], f"'{seen.module}' is a transposed convolution")
        outputs = None
    elif groups == 1:
        _read(seen, c, inputs)
    else:
        seen.freeze([inputs], "a filter of a grouped convolution keeps its inputs")
        outputs = _grouped(seen, c, outputs, groups)
    if seen.module not in seen.layers:
        lengths = (*weight.shape, *(x if given["transposed"] else out).shape[2:])
        numbers = (_numbers(outputs), _numbers(inputs), *[None] * (len(lengths) - 2))
        seen.works.append(Work(seen.module, lengths, numbers))
    if bias is not None:
        seen.same(outputs, *seen.axes(bias))
    seen.say(out, [photos, outputs, *[None] * len(pixels)])


def _grouped(seen: Followed, c: Axis, outputs: Axis, groups: int) -> Axis:
    """A whole group goes, with its inputs and its filters; a depthwise one has one of each."""
    mine, theirs = _numbers(c), _numbers(outputs)
    if mine is None or theirs is None:
        seen.freeze([outputs], f"'{seen.module}' is a convolution of {groups} groups over no channels of a layer")
        return outputs
    each = mine if len(mine) == groups else seen.coupling.together(mine, groups)
    seen.coupling.same(theirs, np.repeat(each, len(theirs) // groups))
    return outputs


def product(seen: Followed, func: Any, given: Given, out: Tensor) -> None:
    """mm, bmm, addmm, baddbmm: (…, m, k) × (…, k, n)."""
    names = next(pair for pair in (("batch1", "batch2"), ("mat1", "mat2"), ("self", "mat2")) if pair[0] in given)
    left, right = (given[name] for name in names)
    *batch, rows, inner = seen.axes(left)
    *other, between, columns = seen.axes(right)
    of_weights = seen.of_weights(left) or seen.of_weights(right)
    if of_weights:
        weight, x = (inner, between) if seen.of_weights(left) else (between, inner)
        _read(seen, x, weight)
    else:
        seen.freeze([inner, between], SCALED)
    axes = [*(seen.same(a, b) for a, b in zip(batch, other, strict=True)), rows, columns]
    _count(seen, left, right, [*axes[:-1], inner, columns], of_weights)
    if func._schema.name in ("aten::addmm", "aten::baddbmm"):
        added, width = seen.axes(given["self"]), given["self"].shape
        axes = [
            seen.same(axis, added[-d]) if d <= len(width) and width[-d] == out.shape[-d] else axis
            for d, axis in zip(range(len(axes), 0, -1), axes, strict=True)
        ]
    seen.say(out, axes, seen.of_weights(left) and seen.of_weights(right))


def _count(seen: Followed, left: Tensor, right: Tensor, axes: list[Axis], of_weights: bool) -> None:
    """A dense layer on pixels or tokens is known by its weight; all else is kept, as what it is made of."""
    lengths = (*left.shape, right.shape[-1])
    numbers = tuple(_numbers(a) if n > 1 else None for a, n in zip(axes, lengths, strict=True))
    if not of_weights or seen.module not in seen.layers:
        seen.works.append(Work(seen.module, lengths, numbers))
    elif any(n is not None for n in numbers[:-2]):
        seen.works.append(Work(seen.module, lengths, numbers, f"{seen.module}.weight"))


def batch_norm(seen: Followed, func: Any, given: Given, out: Any) -> None:
    x, result = given["input"], out[0] if isinstance(out, tuple | list) else out
    axes = list(seen.axes(x))
    stored = given.get("running_mean")
    if stored is None or given.get("training"):
        why = f"'{seen.module}' standardises its weights over their inputs"
        seen.freeze([a for d, a in enumerate(axes) if d != 1], why)
    held = [given.get(n) for n in ("weight", "bias", "running_mean", "running_var")]
    axes[1] = seen.same(axes[1], *(seen.axes(t)[0] for t in held if t is not None))
    seen.say(result, axes, seen.of_weights(x))
    for rest in list(out)[1:] if isinstance(out, tuple | list) else []:
        seen.say(rest, [None] * rest.dim())


def layer_norm(seen: Followed, func: Any, given: Given, out: Any) -> None:
    x, weight = given["input"], given["weight"]
    axes = list(seen.axes(x))
    if len(given["normalized_shape"]) != 1:
        over = axes[-len(given["normalized_shape"]) :]
        seen.freeze(over, f"'{seen.module}' normalises over more than the channels")
    elif weight is None:
        seen.freeze(axes[-1:], f"'{seen.module}' normalises its channels and holds no number for each")
    else:
        held = [t for t in (weight, given["bias"]) if t is not None]
        axes[-1] = seen.same(axes[-1], *(seen.axes(t)[0] for t in held))
    seen.say(out[0], axes)
    for rest in out[1:]:
        seen.say(rest, [None] * rest.dim())


def group_norm(seen: Followed, func: Any, given: Given, out: Any) -> None:
    x, weight, groups = given["input"], given["weight"], int(given["group"])
    axes = list(seen.axes(x))
    c = _numbers(axes[1])
    if c is not None and groups > 1:
        seen.coupling.together(c, groups)
    if weight is None:
        seen.freeze(axes[1:2], f"'{seen.module}' normalises its channels and holds no number for each")
    else:
        held = [t for t in (weight, given["bias"]) if t is not None]
        axes[1] = seen.same(axes[1], *(seen.axes(t)[0] for t in held))
    seen.say(out[0], axes)
    for rest in out[1:]:
        seen.say(rest, [None] * rest.dim())


def glu(seen: Followed, func: Any, given: Given, out: Tensor) -> None:
    """One half gates the other."""
    x, dim = given["self"], given["dim"]
    axes = list(seen.axes(x))
    own = _numbers(axes[dim])
    if own is not None:
        half = len(own) // 2
        axes[dim] = seen.same(own[:half], own[half:])
    seen.say(out, axes)


MIXING: dict[str, Rule] = {
    "convolution": convolution,
    **dict.fromkeys(("mm", "bmm", "addmm", "baddbmm"), product),
    **dict.fromkeys(("native_batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm"), batch_norm),
    **dict.fromkeys(("_native_batch_norm_legit", "_batch_norm_no_update", "_batch_norm_with_update"), batch_norm),
    "native_layer_norm": layer_norm,
    "native_group_norm": group_norm,
    "glu": glu,
}
