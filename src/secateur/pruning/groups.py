"""What is cut together: groups of coupled channels, as plain records, and the score of each channel.

Letters: o filters, c channels of a group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from secateur.errors import NotKnown, UserError

CLASSES = "its outputs are the classes"  # why the last layer stays, in every network
Score = Callable[[Tensor, torch.Generator], Tensor]  # weight (o, …) → (o,), higher is more worth keeping


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One dimension of one parameter or buffer that a group's channels run along."""

    tensor: str
    dim: int
    owner: Tensor  # (length of the dimension,): the channel that each position belongs to; −1: to none of this group


@dataclass(frozen=True, slots=True)
class Count:
    """A whole number by which a module knows how many of a group's channels it has."""

    module: str
    attribute: str
    value: int  # before the cut; afterwards as large a part of it as stays of the group


@dataclass(frozen=True, slots=True)
class Product:
    """Multiply-adds beside those of layers over pixels or tokens: attention's two products, for one."""

    module: str  # where it is computed
    lengths: tuple[int, ...]  # their product is what it costs for one photo


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Channels that must go or stay together, in every layer that they run through. A head of attention, or a group of
    a grouped convolution, is one channel of several positions: it goes as a whole."""

    name: str  # the first of `layers`, in the network's order
    layers: tuple[str, ...]  # convolutions and dense layers whose outputs these channels are
    size: int  # c
    hidden: bool  # units of dense layers that see a photo once, no filters
    parts: tuple[Part, ...] = field(repr=False)
    counts: tuple[Count, ...] = ()
    products: tuple[tuple[int, int, int], ...] = ()  # (of `Traced.products`, dimension, positions for each channel)

    def unit(self) -> int:
        """How many positions of one axis a channel is, at least: a head or a group of a convolution is several."""
        return min((int((p.owner >= 0).sum()) // self.size for p in self.parts), default=1)


@dataclass(frozen=True, slots=True, eq=False)
class Traced:
    """A network as groups, and what its cost is made of."""

    groups: tuple[Group, ...]
    unprunable: dict[str, str]  # convolution or dense layer → why its outputs stay, in words
    shapes: dict[str, tuple[int, ...]] = field(repr=False)  # parameter → shape
    places: dict[str, int] = field(repr=False)  # weight → how often it is used for one photo: pixels or tokens
    products: tuple[Product, ...] = field(default=(), repr=False)


def cuttable(traced: Traced, spare: Iterable[str] = (), hidden_units: bool = False) -> tuple[Group, ...]:
    """The groups to cut: none that a spared layer belongs to, hidden units only where asked for.

    Raises NotKnown for a spared layer that is not there, UserError where nothing is left to cut.
    """
    spared = set(spare)
    known = {layer for group in traced.groups for layer in group.layers} | set(traced.unprunable)
    for name in sorted(spared - known):
        raise NotKnown("layer to spare", name, known)
    found = tuple(g for g in traced.groups if not spared.intersection(g.layers) and (hidden_units or not g.hidden))
    if not found:
        raise UserError(f"nothing to prune: {_why_nothing(traced, spared, hidden_units)}")
    return found


def _why_nothing(traced: Traced, spared: set[str], hidden_units: bool) -> str:
    if any(not group.hidden for group in traced.groups) or (hidden_units and traced.groups):
        return "every layer whose filters could be cut is spared"
    if traced.groups:
        return "the network has no filters that can be cut, only hidden units (hidden_units)"
    name, reason = next(iter(traced.unprunable.items()), ("the network", "has no convolution and no dense layer"))
    return f"'{name}': {reason}"


def channel_scores(
    model: nn.Module, groups: Iterable[Group], score: Score, generator: torch.Generator, control: bool = False
) -> dict[str, Tensor]:
    """Group name → (c,), higher is more worth keeping.

    `score` rates the filters of each coupled layer (a depthwise layer's too). They are divided by their layer's
    mean, so that a layer of large weights does not speak for all, and averaged over the layers: the group
    importance of DepGraph (Fang et al. 2023, arXiv:2301.12900, § 3.3) with the mean as its norm. A group of one
    layer keeps that layer's scores as they are. `control`: one number a channel, drawn as for the first layer alone.
    """
    weights = dict(model.named_parameters())
    found = {}
    for group in groups:
        owners = {p.tensor: p.owner for p in group.parts if p.dim == 0}
        layers = group.layers[:1] if control else group.layers
        rated = [_rated(score(weights[f"{n}.weight"], generator), owners[f"{n}.weight"], group.size) for n in layers]
        found[group.name] = mixed(rated)
    return found


def _rated(scores: Tensor, owner: Tensor, size: int) -> Tensor:
    """(o,) → (c,): the scores of a channel's own filters, summed; with one filter a channel they only move."""
    mine = owner >= 0
    return scores.new_zeros(size).index_add_(0, owner[mine].to(scores.device), scores[mine.to(scores.device)])


def mixed(rated: Sequence[Tensor]) -> Tensor:
    """(c,): what several layers say of the same channels. Each counts the same, however large its numbers are; what
    comes out is as large as theirs on average, so that groups can be compared as they are, too."""
    if len(rated) == 1:
        return rated[0]
    unit = torch.stack([r.mean() for r in rated]).mean()
    return torch.stack([over_mean(r) for r in rated]).mean(0) * (unit if unit > 0 else 1)


def over_mean(scores: Tensor) -> Tensor:
    """Divided by their mean, where that is above 0: layers of another unit of measure become comparable."""
    mean = scores.mean()
    return scores / mean if mean > 0 else scores


def kept_of(group: Group, kept: Mapping[str, list[int]]) -> Tensor:
    """(c,) bool: which channels of a group stay; all of one that is not named."""
    stays = torch.ones(group.size, dtype=torch.bool)
    if group.name in kept:
        stays[:] = False
        stays[kept[group.name]] = True
    return stays
