"""Widths by one ranking of all channels: groups that matter less become narrower than others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from secateur.errors import UserError
from secateur.pruning.groups import Group, Traced, over_mean
from secateur.pruning.masks import floor
from secateur.pruning.widths import WORDS, Target, Widths, cost, multiple_of, part, rounded

LEAST = 0.05  # of a group's channels stay, whatever their scores: no layer becomes a needle's eye


def reach_ranked(
    traced: Traced,
    groups: Sequence[Group],
    scores: Mapping[str, Tensor],
    target: float,
    of: Target = "filters",
    multiple: int = 8,
    as_they_are: bool = False,
) -> Widths:
    """The widths left when all channels below one threshold go: the lowest threshold that meets the target.

    `scores`: group → (c,). They are divided by their group's mean, as DepGraph does before it ranks over the whole
    network (Fang et al. 2023, arXiv:2301.12900, § 3.3), so that no group falls for its unit of measure. A width is
    rounded to the nearest multiple; a twentieth of a group stays. `of` "filters": the network loses at least that ratio
    of its channels; else as `widths.reach`. `as_they_are`: the scores have one unit already, and are not divided.
    Raises UserError for a target that the narrowest widths do not meet.
    """
    ranked = {g.name: scores[g.name] if as_they_are else over_mean(scores[g.name]) for g in groups}
    levels = torch.unique(torch.cat(list(ranked.values())))
    dense = cost(traced, (), {})
    total = sum(g.size for g in groups)

    def at(level: int) -> Widths:
        """Channels below the level-th score go; at `len(levels)` all do, but for the least."""
        counts = {}
        for g in groups:
            stay = int((ranked[g.name] >= levels[level]).sum()) if level < len(levels) else 0
            counts[g.name] = rounded(max(stay, int(LEAST * g.size), 1), g.size, multiple_of(g, multiple))
        macs, params = cost(traced, groups, counts)
        return Widths(counts, 1 - sum(counts.values()) / total, macs, dense[0], params, dense[1])

    def meets(widths: Widths) -> bool:
        if of == "filters":
            return sum(widths.counts.values()) <= total - floor(target, total)
        return (widths.macs / dense[0] if of == "macs" else widths.params / dense[1]) <= target

    narrowest = at(len(levels))
    if not meets(narrowest):
        least = f"every layer keeps a twentieth of its filters, in multiples of {multiple}"
        if of == "filters":
            most = math.floor(1000 * narrowest.ratio) / 10
            raise UserError(
                f"{part(target)} of the filters cannot go by one ranking: at most {most:g} % do, since {least}"
            )
        left = narrowest.macs / dense[0] if of == "macs" else narrowest.params / dense[1]
        raise UserError(
            f"{part(target)} of the {WORDS[of]} cannot be reached by one ranking: {part(left)} stay when {least}"
        )
    low, high = -1, len(levels)  # `high` meets the target
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if meets(at(middle)) else (middle, high)
    return at(high)
