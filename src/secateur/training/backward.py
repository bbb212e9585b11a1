"""The gradient of one batch, whole or in micro-batches.

Letters: n photos of a batch, c classes, d features.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from secateur.training.norms import halves, live, still

Loss = Callable[[Tensor, Tensor, Tensor | None], Tensor]  # logits, y, the teacher's logits → their mean
Seed = Callable[..., object]  # seeds dropout: of the batch with no argument, of a micro-batch with its number


def pieces(x: Tensor, most: int) -> tuple[Tensor, ...]:
    """x cut along its photos into parts of at most `most` (0: one part), as equal as can be."""
    return x.tensor_split(-(-len(x) // most)) if 0 < most < len(x) else (x,)


def backward(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    taught: Tensor | None = None,
    *,
    loss: Loss,
    seed: Seed,
    forward: Callable[[], AbstractContextManager[object]],
    micro_batch: int = 0,
) -> tuple[Tensor, Tensor]:
    """Adds the gradient of the batch's mean loss to `.grad`; returns (loss, logits (n, c)), detached.

    `forward()` is a context for forward passes: autocast, recomputation. Dropout is drawn anew for every micro-batch.

    A micro-batch weighs its share of n, so that without dropout, and with batch norms that look at no batch, the sum
    is the plain gradient. A head whose batch norms do look (a few photos would tell them nothing) is handed the whole
    batch of features; see `_features_first`.
    """
    parts = pieces(x, micro_batch)
    if len(parts) == 1:
        seed()
        with forward():
            logits = model(x)
        value = loss(logits, y, taught)
        value.backward()  # type: ignore[no-untyped-call]
        return value.detach(), logits.detach()
    pair = halves(model)
    if pair and live(pair[1]):
        return _features_first(*pair, parts, y, taught, loss, seed, forward)
    value, found, start = torch.zeros((), device=x.device), [], 0
    for number, part in enumerate(parts):
        own = slice(start, start + len(part))
        seed(number)
        with forward():
            logits = model(part)
        share = loss(logits, y[own], None if taught is None else taught[own]) * (len(part) / len(x))
        share.backward()  # type: ignore[no-untyped-call]
        value += share.detach()
        found.append(logits.detach())
        start = own.stop
    return value, torch.cat(found)


def _features_first(
    body: nn.Module,
    head: nn.Module,
    parts: tuple[Tensor, ...],
    y: Tensor,
    taught: Tensor | None,
    loss: Loss,
    seed: Seed,
    forward: Callable[[], AbstractContextManager[object]],
) -> tuple[Tensor, Tensor]:
    """Features of all photos, the head on the whole batch, then the body again, a micro-batch at a time.

    Gao et al. 2021, Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup, arXiv:2101.06983. All
    micro-batches but the last, whose graph is still there, go through the body twice.
    """
    last = len(parts) - 1
    kept: list[Tensor] = []
    for number, part in enumerate(parts):
        seed(number)
        with torch.set_grad_enabled(number == last), forward():
            kept.append(body(part))
    features = torch.cat([f.detach() for f in kept]).requires_grad_()  # (n, d)
    seed()
    with forward():
        logits = head(features)
    value = loss(logits, y, taught)
    value.backward()  # type: ignore[no-untyped-call]
    assert features.grad is not None
    slopes = torch.split(features.grad, [len(part) for part in parts])
    kept.pop().backward(slopes[last])  # type: ignore[no-untyped-call]
    for number, part in enumerate(parts[:last]):
        seed(number)
        with still(body), forward():
            again = body(part)
        again.backward(slopes[number])
    return value.detach(), logits.detach()
