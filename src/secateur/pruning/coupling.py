"""Which positions of which tensors go together: numbers, pairs of numbers, and shapes that split an axis in factors.

Every position along every dimension of every parameter has a number. What the network does with its tensors says which
numbers are of one channel (`same`), which can never go (`freeze`), and where an axis is a product of others
(`Factors`): attention's qkv is (3, heads, width), a channel shuffle (groups, channels of a group). Only whole rows of
one factor can go from a product, so one factor is chosen once all else is known: of those that nothing freezes, the one
that tells the most channels apart. Then the connected components are the channels.

Everything is arrays of numbers, and a network's components are found in one pass: the work grows with the number of
positions, not with its square.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Ids = npt.NDArray[np.int64]  # (length,): the number of each position
MOST = 1 << 22  # positions of one axis


@dataclass(slots=True, eq=False)
class Factors:
    """An axis whose positions are those of several axes, the last one running fastest."""

    parent: Ids  # (Π lengths,)
    axes: list[Ids | None]  # None: nothing of this one can go
    lengths: list[int]
    module: str  # where it was made
    chosen: int = -1


@dataclass(slots=True, eq=False)
class Coupling:
    """What a network was seen to do. Grows while it runs."""

    size: int = 0
    pairs: list[tuple[Ids, Ids]] = field(default_factory=list)
    frozen: list[tuple[Ids, str]] = field(default_factory=list)
    products: list[Factors] = field(default_factory=list)

    def fresh(self, length: int) -> Ids:
        """Numbers that nothing has yet."""
        self.size += length
        return np.arange(self.size - length, self.size, dtype=np.int64)

    def same(self, a: Ids, b: Ids) -> None:
        """Position by position, of one channel."""
        if a is not b:
            self.pairs.append((a, b))

    def freeze(self, ids: Ids | None, why: str) -> None:
        """None of these can go, and nothing that is of one channel with them."""
        if ids is not None and len(ids):
            self.frozen.append((ids, why))

    def together(self, ids: Ids, groups: int) -> Ids:
        """(groups,): as many runs of positions of equal length, each of which goes as a whole."""
        each = self.fresh(groups)
        self.same(ids, np.repeat(each, len(ids) // groups))
        return each

    def components(self) -> Ids:
        """(size,): the channel that every number is of."""
        a = np.concatenate([p[0] for p in self.pairs] or [np.zeros(0, np.int64)])
        b = np.concatenate([p[1] for p in self.pairs] or [np.zeros(0, np.int64)])
        graph = coo_array((np.ones(len(a), np.int8), (a, b)), shape=(self.size, self.size))
        return connected_components(graph, directed=False)[1].astype(np.int64)

    def fixed(self, channel: Ids) -> npt.NDArray[np.int64]:
        """(channels,): which of `frozen` says first why a channel stays; −1: nothing does."""
        first = np.full(int(channel.max(initial=-1)) + 1, len(self.frozen), np.int64)
        for reason, (ids, _) in enumerate(self.frozen):
            np.minimum.at(first, channel[ids], reason)
        return np.where(first == len(self.frozen), -1, first)

    def resolve(self) -> Ids:
        """Chooses a factor of every product; returns `components` of all that follows from it."""
        left = list(self.products)
        while left:
            channel = self.components()
            fixed = self.fixed(channel)
            open_ = [(product, self._choices(product, channel, fixed)) for product in left]
            settled = [(product, found) for product, found in open_ if len(found) < 2]
            for product, found in settled or open_[:1]:
                self._choose(product, max(found, default=None), channel, fixed)
                left.remove(product)
        return self.components()

    def _choices(self, product: Factors, channel: Ids, fixed: Ids) -> list[tuple[int, int]]:
        """(channels that it tells apart, −place) of each factor that could be the one that is cut."""
        if bool((fixed[channel[product.parent]] >= 0).any()):
            return []
        found = []
        for place, axis in enumerate(product.axes):
            if axis is None or bool((fixed[channel[axis]] >= 0).any()):
                continue
            apart = _apart(channel[product.parent], channel[axis][_coordinate(product, place)])
            if apart > 1:
                found.append((apart, -place))
        return found

    def _choose(self, product: Factors, found: tuple[int, int] | None, channel: Ids, fixed: Ids) -> None:
        chosen = -1 if found is None else -found[1]
        product.chosen = chosen
        whole = int(fixed[channel[product.parent]].max())
        words = self.frozen[whole][1] if whole >= 0 else "a fixed reshape splits its channels among other dimensions"
        for place, axis in enumerate(product.axes):
            if axis is not None and place != chosen:
                self.freeze(axis, words)
        if chosen >= 0:
            axis = product.axes[chosen]
            assert axis is not None
            self.same(product.parent, axis[_coordinate(product, chosen)])
            return
        whys = [int(fixed[channel[a]].max()) for a in product.axes if a is not None]
        known = [self.frozen[w][1] for w in whys if w >= 0]
        words = next(iter(known), "a fixed reshape mixes its channels")
        self.freeze(product.parent, words)


def _coordinate(product: Factors, place: int) -> Ids:
    """(Π lengths,): where along one axis each position of the product lies."""
    inner = int(np.prod(product.lengths[place + 1 :], dtype=np.int64))
    return np.arange(len(product.parent), dtype=np.int64) // inner % product.lengths[place]


def _apart(a: Ids, b: Ids) -> int:
    """How many channels are left when a[i] and b[i] are of one, for every i."""
    numbers, renamed = np.unique(np.concatenate([a, b]), return_inverse=True)
    half = len(a)
    graph = coo_array((np.ones(half, np.int8), (renamed[:half], renamed[half:])), shape=(len(numbers), len(numbers)))
    return int(connected_components(graph, directed=False)[0])


def blocks(before: Sequence[int], after: Sequence[int]) -> Iterable[tuple[list[int], list[int]]]:
    """(dimensions of one shape, dimensions of the other) that hold the same values, as small as they can be; those of
    length 1 are left out.

    >>> list(blocks((1, 197, 576), (1, 197, 3, 3, 64)))
    [([1], [1]), ([2], [2, 3, 4])]
    """
    left = [d for d, n in enumerate(before) if n != 1]
    right = [d for d, n in enumerate(after) if n != 1]
    while left or right:
        mine, theirs = [left.pop(0)], [right.pop(0)]
        a, b = before[mine[0]], after[theirs[0]]
        while a != b:
            if a < b:
                mine.append(left.pop(0))
                a *= before[mine[-1]]
            else:
                theirs.append(right.pop(0))
                b *= after[theirs[-1]]
        yield mine, theirs
