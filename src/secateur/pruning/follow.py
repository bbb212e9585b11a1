"""Channels followed through a network as it runs: each operation says what its output's axes are, one by one.

The network runs once on the meta device, in no memory and no arithmetic. Beside every tensor stand its axes: numbers of
`coupling` for one that holds channels, ANY for one along which all positions are alike (of length 1, expanded, filled
with one value), None for one that is never cut (photos, pixels, tokens). What an operation does to them is in
`operations`, under its name in ATen, so views, splits and permutations are followed to the position, whatever the
modules around them are called. An operation that is not known freezes what it is given: it is refused, not guessed at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from secateur.pruning.coupling import MOST, Coupling, Factors, Ids, blocks

ANY: Literal["any"] = "any"
Axis = Ids | Literal["any"] | None
PIXELS = "its channels meet an axis of pixels or tokens"


@dataclass(frozen=True, slots=True, eq=False)
class Axes:
    """Of one tensor."""

    of: tuple[Axis, ...]
    weights: bool = False  # computed from parameters alone


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """A matrix product of two activations, or of one whose rows are channels: Π lengths multiply-adds a photo."""

    module: str  # where it is computed
    lengths: tuple[int, ...]
    axes: tuple[Ids | None, ...]
    instead: str = ""  # the layer's weight that counts as if its rows were pixels


Rule = Callable[["Followed", Any, Any, Any], object]  # what is followed, the arguments by name, the output


@dataclass(slots=True, eq=False)
class Followed:
    """What is known while the network runs."""

    coupling: Coupling = field(default_factory=Coupling)
    layers: frozenset[str] = frozenset()  # whose multiply-adds are known by their weight
    works: list[Work] = field(default_factory=list)
    pieces: dict[tuple[str, int, int, int], Ids] = field(default_factory=dict)  # module, lengths, start → of a split
    tensors: dict[str, tuple[Ids | None, ...]] = field(default_factory=dict)  # parameter or buffer → its axes
    stack: list[str] = field(default_factory=lambda: [""])  # modules that run now
    _known: dict[int, tuple[Tensor, Axes]] = field(default_factory=dict)  # holds the tensors, so that ids stay theirs

    @property
    def module(self) -> str:
        return self.stack[-1]

    def axes(self, tensor: Tensor) -> tuple[Axis, ...]:
        """Of a tensor; all None of one that nobody has spoken of, such as the photo."""
        found = self._known.get(id(tensor))
        return found[1].of if found else tuple(ANY if n == 1 else None for n in tensor.shape)

    def of_weights(self, tensor: Tensor) -> bool:
        found = self._known.get(id(tensor))
        return bool(found and found[1].weights)

    def say(self, tensor: Tensor, axes: Sequence[Axis], weights: bool = False) -> None:
        """What the axes of a tensor are. One of length 1 is alike all along."""
        of = tuple(ANY if n == 1 else axis for n, axis in zip(tensor.shape, axes, strict=True))
        self._known[id(tensor)] = (tensor, Axes(of, weights))

    def same(self, *axes: Axis) -> Axis:
        """Axes that meet position by position; what they are together."""
        told = [a for a in axes if not isinstance(a, str)]
        ids = [a for a in told if a is not None]
        if not ids:
            return None if told else ANY
        for other in ids[1:]:
            self.coupling.same(ids[0], other)
        if len(ids) < len(told):
            self.coupling.freeze(ids[0], PIXELS)
        return ids[0]

    def piece(self, axis: Ids, length: int, start: int) -> None:
        """A part of an axis, split off at a fixed place: whenever the module does so again, as many have to be left."""
        self.coupling.same(self.pieces.setdefault((self.module, length, len(axis), start), axis), axis)

    def freeze(self, axes: Iterator[Axis] | Sequence[Axis], why: str) -> None:
        for axis in axes:
            if not isinstance(axis, str):
                self.coupling.freeze(axis, why)

    def numbers(self, axis: Axis, length: int, why: str) -> Ids:
        """An axis as numbers; one that has none is given some that stay."""
        if axis is not None and not isinstance(axis, str):
            return axis
        ids = self.coupling.fresh(length)
        self.coupling.freeze(ids, why)
        return ids

    def reshaped(self, axes: Sequence[Axis], before: Sequence[int], after: Sequence[int]) -> list[Axis]:
        """The axes of a view of another shape."""
        made: list[Axis] = [ANY] * len(after)
        for mine, theirs in blocks(before, after):
            given = [axes[d] for d in mine]
            if len(mine) == len(theirs) == 1:
                made[theirs[0]] = given[0]
                continue
            if not any(_numbered(a) for a in given):
                alike = all(isinstance(a, str) for a in given)
                for d in theirs:
                    made[d] = ANY if alike else None
                continue
            lengths = [before[d] for d in mine]
            if int(np.prod(lengths, dtype=np.int64)) > MOST:
                self.freeze(given, "too large a reshape follows its channels")
                for d in theirs:
                    made[d] = None
                continue
            flat = self._merged(given, lengths)
            parts = [flat] if len(theirs) == 1 else self._split(flat, [after[d] for d in theirs])
            for d, part in zip(theirs, parts, strict=True):
                made[d] = part
        return made

    def _merged(self, axes: Sequence[Axis], lengths: Sequence[int]) -> Ids:
        """Several axes as one, the last running fastest."""
        numbered = [i for i, a in enumerate(axes) if _numbered(a)]
        total = int(np.prod(lengths, dtype=np.int64))
        if len(numbered) == 1:
            (place,) = numbered
            inner = int(np.prod(lengths[place + 1 :], dtype=np.int64))
            mine: Ids = axes[place]  # type: ignore[assignment]
            return mine[np.arange(total) // inner % lengths[place]]
        flat = self.coupling.fresh(total)
        own = [a if _numbered(a) else None for a in axes]
        self.coupling.products.append(Factors(flat, own, list(lengths), self.module))  # type: ignore[arg-type]
        return flat

    def _split(self, flat: Ids, lengths: Sequence[int]) -> list[Ids]:
        """One axis as several, the last running fastest."""
        parts = [self.coupling.fresh(n) for n in lengths]
        self.coupling.products.append(Factors(flat, list(parts), list(lengths), self.module))
        return parts


def _numbered(axis: Axis) -> bool:
    return axis is not None and not isinstance(axis, str)


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Calls the rule of every operation, after it."""

    def __init__(self, followed: Followed, rule: Callable[[Any], Rule]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.followed, self.rule = followed, rule

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing here is compiled; the usual answer imports the compiler, seconds and 100 MB

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = dict(kwargs or {})
        out = func(*args, **given)
        names = [a.name for a in func._schema.arguments]
        given |= dict(zip(names, args, strict=False))
        for argument in func._schema.arguments:
            if argument.name not in given and argument.has_default_value():
                given[argument.name] = argument.default_value
        self.rule(func)(self.followed, func, given, out)
        return out


@torch.no_grad()
def followed(skeleton: nn.Module, shape: Sequence[int], rule: Callable[[Any], Rule]) -> tuple[Followed, Tensor]:
    """What a network on the meta device does with its channels, and its logits. `rule`: an operation's."""
    seen = Followed(layers=frozenset(n for n, m in skeleton.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)))
    kernels = {f"{n}.weight" for n, m in skeleton.named_modules() if isinstance(m, nn.Conv1d | nn.Conv2d | nn.Conv3d)}
    for name, tensor in [*skeleton.named_parameters(), *skeleton.named_buffers()]:
        last = 2 if name in kernels else tensor.dim()
        axes = tuple(seen.coupling.fresh(n) if n > 1 and d < last else None for d, n in enumerate(tensor.shape))
        seen.tensors[name] = axes
        seen.say(tensor, axes, weights=True)
    with _stacked(skeleton, seen.stack), sdpa_kernel(SDPBackend.MATH), _Watch(seen, rule):
        logits = skeleton(torch.empty(tuple(shape), device="meta"))
    return seen, logits


@contextmanager
def _stacked(model: nn.Module, stack: list[str]) -> Iterator[None]:
    """`stack` says which modules run."""
    names: Mapping[nn.Module, str] = {m: n for n, m in model.named_modules()}

    def enter(module: nn.Module, _: object) -> None:
        stack.append(names[module])

    def leave(_: nn.Module, _given: object, _said: object) -> None:
        stack.pop()

    handles = [m.register_forward_pre_hook(enter) for m in names]
    handles += [m.register_forward_hook(leave) for m in names]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
