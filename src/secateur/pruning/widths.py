"""How many channels of each group stay: a ratio, rounded to widths that run fast, or the ratio that meets a budget."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from secateur.errors import UserError
from secateur.pruning.groups import Group, Traced
from secateur.pruning.masks import floor

Target = Literal["filters", "macs", "params"]

_STEPS = 10**6  # a ratio is found to six digits: no group is wide enough to tell finer ones apart
WORDS = {"macs": "multiply-adds", "params": "parameters"}


@dataclass(frozen=True, slots=True)
class Widths:
    """What a target comes to."""

    counts: dict[str, int]  # group → channels that stay
    ratio: float  # of every group's channels, before rounding to a multiple
    macs: int  # of the cut network, for one photo
    macs_dense: int
    params: int
    params_dense: int


def part(fraction: float) -> str:
    """0.015 → '1.5 %', as people say it."""
    return f"{100 * fraction:.4g} %"


def count(ratio: float, size: int, multiple: int = 1) -> int:
    """How many of `size` channels stay: size − floor(ratio × size), rounded."""
    return rounded(max(size - floor(ratio, size), 1), size, multiple)


def rounded(stay: int, size: int, multiple: int) -> int:
    """To the nearest multiple, halves up; never fewer than one multiple. A group no wider than one stays whole, and so
    does any from which nothing goes."""
    if multiple == 1 or stay == size:
        return stay
    if size <= multiple:
        return size
    return min(max((stay + multiple // 2) // multiple, 1) * multiple, size)


def multiple_of(group: Group, multiple: int) -> int:
    """A multiple of positions as one of channels: of heads 64 wide, any number is a multiple of 8."""
    return multiple // math.gcd(multiple, group.unit())


def cost(traced: Traced, groups: Sequence[Group], counts: Mapping[str, int]) -> tuple[int, int]:
    """(multiply-adds for one photo, parameters) of the network once cut, without cutting it.

    A multiply-add is one; convolutions, dense layers and products of activations count, all else is free. Parameters
    are all values but the buffers.
    """
    gone: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))  # tensor → dimension → positions
    lengths = [list(product.lengths) for product in traced.products]
    for group in groups:
        leaving = group.size - counts.get(group.name, group.size)
        if leaving:
            for part in group.parts:
                each = int((part.owner >= 0).sum()) // group.size  # as many positions for every channel
                gone[part.tensor][part.dim] += leaving * each
            for product, dim, each in group.products:
                lengths[product][dim] -= leaving * each
    macs = params = 0
    for name, shape in traced.shapes.items():
        values = 1
        for dim, length in enumerate(shape):
            values *= length - gone[name][dim] if name in gone else length
        params += values
        macs += traced.places.get(name, 0) * values
    return macs + sum(math.prod(product) for product in lengths), params


def reach(traced: Traced, groups: Sequence[Group], target: float, of: Target = "filters", multiple: int = 8) -> Widths:
    """The widths that meet a target.

    `of` "filters": every group loses that ratio of its channels, in [0, 1). "macs", "params": the cut network has at
    most that part of the dense one's, in (0, 1]: of all uniform ratios the least that does, so that it is met from
    below. `multiple` 1 leaves widths as they fall: with "filters" that is the study's rule.

    Raises UserError for a target out of range, or one that the narrowest widths do not meet.
    """
    if multiple < 1:
        raise UserError(f"widths are rounded to a multiple of at least 1, got {multiple}")
    if of == "filters":
        if not 0 <= target < 1:
            raise UserError(f"a ratio of filters must be at least 0 and below 1, got {target}")
        return _widths(traced, groups, target, multiple)
    if not 0 < target <= 1:
        raise UserError(f"a part of the {WORDS[of]} must be above 0 and at most 1, got {target}")
    narrowest = _widths(traced, groups, (_STEPS - 1) / _STEPS, multiple)
    if _part(narrowest, of) > target:
        raise UserError(
            f"{part(target)} of the {WORDS[of]} cannot be reached by cutting filters: "
            f"{part(_part(narrowest, of))} stay at the narrowest widths, multiples of {multiple}"
        )
    low, high = -1, _STEPS - 1  # `high` meets the target, `low` does not
    while high - low > 1:
        middle = (low + high) // 2
        if _part(_widths(traced, groups, middle / _STEPS, multiple), of) <= target:
            high = middle
        else:
            low = middle
    return _widths(traced, groups, high / _STEPS, multiple)


def _widths(traced: Traced, groups: Sequence[Group], ratio: float, multiple: int) -> Widths:
    counts = {group.name: count(ratio, group.size, multiple_of(group, multiple)) for group in groups}
    (macs_dense, params_dense), (macs, params) = cost(traced, (), {}), cost(traced, groups, counts)
    return Widths(counts, ratio, macs, macs_dense, params, params_dense)


def _part(widths: Widths, of: Target) -> float:
    if of == "macs":
        return widths.macs / max(widths.macs_dense, 1)
    return widths.params / max(widths.params_dense, 1)


def choose(scores: Mapping[str, Tensor], counts: Mapping[str, int]) -> dict[str, list[int]]:
    """Group → positions that stay, rising: those of the highest scores, as many as `counts` says.

    Ties fall by position: earlier channels go first.
    """
    kept = {}
    for name, score in scores.items():
        order = torch.argsort(score, stable=True)
        kept[name] = sorted(order[score.numel() - counts[name] :].tolist())
    return kept
