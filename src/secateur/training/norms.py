"""Batch norms: which of them are held still, and how a second pass leaves their running statistics alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d

RUNNING = ("running_mean", "running_var", "num_batches_tracked")


def halves(model: nn.Module) -> tuple[nn.Module, nn.Module] | None:
    """(body, head) of a network that is made of these two, else None."""
    body, head = getattr(model, "body", None), getattr(model, "head", None)
    return (body, head) if isinstance(body, nn.Module) and isinstance(head, nn.Module) else None


def norms(module: nn.Module) -> list[Norm]:
    """Every batch norm, subclasses such as timm's BatchNormAct2d too, that keeps running statistics."""
    return [m for m in module.modules() if isinstance(m, Norm) and m.running_mean is not None]


def freezable(model: nn.Module) -> list[Norm]:
    """What a recipe with frozen batch norms holds still: those of the body, where a network is body and head, else all.

    A new head has no statistics to hold: those it begins with are of nothing.
    """
    pair = halves(model)
    return norms(pair[0] if pair else model)


def train_mode(model: nn.Module, *, frozen: bool) -> None:
    """`model.train()`, with what is freezable left as it predicts."""
    model.train()
    for norm in freezable(model) if frozen else ():
        norm.training = False  # not eval(): what timm hangs below a batch norm, such as its dropout, goes on


def live(module: nn.Module) -> list[Norm]:
    """Those that look at their batch as they stand now."""
    return [m for m in norms(module) if m.training]


def of_parts(model: nn.Module, frozen: bool, micro_batch: int, batch: int) -> str:
    """In words: that batch norms look at micro-batches; "" where none does. A head always looks at whole batches."""
    pair = halves(model)
    looking = [] if frozen else norms(pair[0] if pair else model)
    if not looking or not 0 < micro_batch < batch:
        return ""
    return f"batch norms saw micro-batches of {micro_batch}, not batches of {batch}"


@contextmanager
def still(module: nn.Module) -> Iterator[None]:
    """Running statistics are written into copies that are thrown away: a pass done twice counts once.

    Swapped, not restored: copying values back would look like a change to what autograd saved.
    """
    kept = [(m, {name: m._buffers[name] for name in RUNNING}) for m in live(module)]
    for norm, buffers in kept:
        norm._buffers.update({name: None if b is None else b.clone() for name, b in buffers.items()})
    try:
        yield
    finally:
        for norm, buffers in kept:
            norm._buffers.update(buffers)
