"""Each layer pruned alone, at several sparsities, and what the network then says.

Letters: n photos.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from secateur.pruning.chain import Chain
from secateur.pruning.groups import Group

CACHE_BYTES = 1 << 28  # of what a stage is given, for as many photos at a time as fit
Batch = tuple[Tensor, Tensor]  # x float32 (n, 3, h, w), y int64 (n,)


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A layer or group at one sparsity: parameters to be multiplied with masks, all at once."""

    layer: str
    sparsity: float
    masks: Mapping[str, Callable[[], Tensor]]  # parameter → makes what it is multiplied with


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """Of every photo."""

    loss: Tensor  # (n,) float32, cross-entropy
    right: Tensor  # (n,) bool


@torch.no_grad()
def scan(
    model: nn.Module,
    chain: Chain,
    changes: Sequence[Change],
    batches: Iterable[Batch],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Said, list[Said]]:
    """(what the network says as it is, what it says after each change), each change alone, really made and taken back.

    What comes before the first stage that a change touches is computed once for all of them: photos wait in front of
    each stage in turn, as many as CACHE_BYTES hold. `progress` is told (changes × photos done, of all).
    """
    named = dict(model.named_parameters())
    of_stage: dict[int, list[int]] = {}
    for i, change in enumerate(changes):
        of_stage.setdefault(min(chain.stage_of(name) for name in change.masks), []).append(i)
    parts: list[list[Said]] = [[] for _ in changes]
    whole: list[Said] = []
    given = list(batches)
    total, done = len(changes) * sum(len(y) for _, y in given), 0
    for waiting in _portions(chain, given):
        labels = [y for _, y in waiting]
        whole.append(_joined([_judged(chain.run(x.clone()), y) for x, y in waiting]))
        inputs = [x for x, _ in waiting]
        for stage in range(len(chain.stages)):
            for i in of_stage.get(stage, ()):
                with _changed(named, changes[i]):
                    said = [_judged(chain.run(x.clone(), stage), y) for x, y in zip(inputs, labels, strict=True)]
                parts[i].append(_joined(said))
                done += sum(len(y) for y in labels)
                progress(done, total)
            if any(later > stage for later in of_stage):
                inputs = [chain.run(x, stage, stage + 1) for x in inputs]
    return _joined(whole), [_joined(p) for p in parts]


def readers(model: nn.Module, group: Group) -> tuple[dict[str, Tensor], str]:
    """(weight → the channel that each of its inputs belongs to, "") for the layers that read a group's channels: with
    those inputs at zero a channel is as good as cut. ({}, why) where that is not so."""
    named = dict(model.named_modules())
    found: dict[str, Tensor] = {}
    for part in group.parts:
        module = named.get(part.tensor.rpartition(".")[0])
        if isinstance(module, nn.LayerNorm | nn.GroupNorm):
            return {}, "its channels are normalised together"
        if part.dim == 1 and getattr(module, "groups", 1) > 1:
            return {}, "a layer behind it has groups of inputs"
        if part.dim == 1 and isinstance(module, nn.Conv2d | nn.Linear):
            found[part.tensor] = part.owner
    return (found, "") if found else ({}, "no layer reads its channels")


def without(owner: Tensor, gone: Sequence[int], weight: Tensor) -> Tensor:
    """What a weight (o, i, …) is multiplied with so that its inputs of the channels `gone` are silent."""
    dead = torch.isin(owner, torch.tensor(list(gone), dtype=owner.dtype))
    return (~dead).to(weight.dtype).view(1, -1, *[1] * (weight.dim() - 2))


@contextmanager
def _changed(named: Mapping[str, nn.Parameter], change: Change) -> Iterator[None]:
    before = {name: named[name].detach().clone() for name in change.masks}
    try:
        for name, mask in change.masks.items():
            named[name].mul_(mask())
        yield
    finally:
        for name, kept in before.items():
            named[name].copy_(kept)


def _portions(chain: Chain, batches: Sequence[Batch]) -> Iterator[list[Batch]]:
    """Batches of which the largest input of any stage fits into the cache."""
    if not batches:
        return
    x, widest = batches[0][0].clone(), 0
    for stage in range(len(chain.stages)):
        widest = max(widest, x.numel() * x.element_size() // len(x))
        x = chain.run(x, stage, stage + 1)
    waiting: list[Batch] = []
    for batch in batches:
        if waiting and (sum(len(y) for _, y in waiting) + len(batch[1])) * widest > CACHE_BYTES:
            yield waiting
            waiting = []
        waiting.append(batch)
    yield waiting


def _judged(logits: Tensor, y: Tensor) -> Said:
    return Said(F.cross_entropy(logits, y, reduction="none"), logits.argmax(1) == y)


def _joined(parts: Sequence[Said]) -> Said:
    return Said(torch.cat([p.loss for p in parts]), torch.cat([p.right for p in parts]))
