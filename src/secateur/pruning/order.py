"""The k-th smallest of many scores, exactly, without joining or sorting them.

A sample says between which two values it lies; one pass counts what lies below them and gathers the few between. Where
the sample was wrong, or most scores are equal, histograms of the bit patterns find it: upper halves first, then lower
halves, two passes, 65,536 counts each. Either way the answer is exact.

All of it is numpy on one core, in scratch memory that stays in its cache: that was several times as fast as torch's
own operations, whose threads wait for each other on chunks this small and whose temporaries tear the heap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from secateur.pruning.bits import CHUNK

Ordered = NDArray[np.int32]  # floats as whole numbers of the same order

_HALF = 1 << 15  # upper halves run from −_HALF to _HALF − 1
_INFINITY = 0x7F800000  # its bits; beyond them lie NaNs
_MAGNITUDE = 0x7FFFFFFF  # all bits but the sign
_SAMPLE = 1 << 16  # scores
_MOST = 1 << 21  # gathered scores: 8 MiB


def ordered_chunks(tensor: Tensor, absolute: bool) -> Iterator[Ordered]:
    """The scores of a tensor, or their magnitudes, flattened and in order, CHUNK at a time.

    A chunk is overwritten when the next one is asked for. −0 counts as 0. Raises ValueError for a NaN, which has no
    place in an order.
    """
    flat = tensor.detach().reshape(-1)
    scratch = np.empty(min(CHUNK, flat.numel()), np.int32)
    for start in range(0, flat.numel(), CHUNK):
        yield _ordered(flat[start : start + CHUNK], absolute, scratch)


def _ordered(scores: Tensor, absolute: bool, scratch: Ordered) -> Ordered:
    own = scores.to("cpu", torch.float32).contiguous().numpy()
    bits = own.view(np.int32)
    if absolute:
        bits = np.bitwise_and(bits, _MAGNITUDE, out=scratch[: len(bits)])
    if bits.view(np.uint32).max(initial=0) <= _INFINITY:
        return bits  # no sign and no NaN: these are in order as they are
    bits = (own + np.float32(0)).view(np.int32) if not absolute else bits
    bits = bits ^ ((bits >> 31) & _MAGNITUDE)
    if bits.max() > _INFINITY or bits.min() < ~_INFINITY:
        raise ValueError("a score is NaN")
    return bits


def threshold(scores: Mapping[str, Tensor], k: int, absolute: bool = False) -> tuple[int, int]:
    """The k-th smallest (from 0) of all scores, as `ordered_chunks` writes it, and how many are strictly below it.

    Raises ValueError for a NaN.
    """
    low, high = _bracket(scores, k, absolute)
    below = equal = gathered = 0
    between = np.empty(min(_MOST, sum(tensor.numel() for tensor in scores.values())), np.int32)
    for tensor in scores.values():
        for bits in ordered_chunks(tensor, absolute):
            above = bits > low
            less = int(np.count_nonzero(bits < low))
            below += less
            equal += bits.size - less - int(np.count_nonzero(above))
            more = bits[np.logical_and(above, bits <= high, out=above)]
            if gathered + more.size > between.size:
                return _by_histogram(scores, k, absolute)
            between[gathered : gathered + more.size] = more
            gathered += more.size
    if below <= k < below + equal:
        return low, below
    rank = k - below - equal
    if not 0 <= rank < gathered:
        return _by_histogram(scores, k, absolute)
    found = between[:gathered]
    found.partition(rank)
    limit = int(found[rank])
    return limit, below + equal + int(np.count_nonzero(found[:rank] < limit))


def _bracket(scores: Mapping[str, Tensor], k: int, absolute: bool) -> tuple[int, int]:
    """Two values between which the k-th smallest most likely lies: five standard deviations of a sample's rank."""
    total = sum(tensor.numel() for tensor in scores.values())
    step = max(total // _SAMPLE, 1)
    taken = [tensor.detach().reshape(-1)[::step] for tensor in scores.values()]
    sample = np.concatenate([_ordered(t, absolute, np.empty(len(t), np.int32)) for t in taken])
    part = k / total
    middle, around = part * len(sample), 5 * (len(sample) * part * (1 - part)) ** 0.5 + 8
    low, high = max(int(middle - around), 0), min(int(middle + around), len(sample) - 1)
    sample.partition((low, high))
    return int(sample[low]), int(sample[high])


def _by_histogram(scores: Mapping[str, Tensor], k: int, absolute: bool) -> tuple[int, int]:
    upper = np.zeros(2 * _HALF, np.int64)
    for tensor in scores.values():
        for bits in ordered_chunks(tensor, absolute):
            upper += np.bincount((bits >> 16) + _HALF, minlength=2 * _HALF)
    where, below = _bin(upper, k)
    top = where - _HALF
    lower = np.zeros(2 * _HALF, np.int64)
    for tensor in scores.values():
        for bits in ordered_chunks(tensor, absolute):
            lower += np.bincount(bits[(bits >> 16) == top] & 0xFFFF, minlength=2 * _HALF)
    bottom, below_lower = _bin(lower, k - below)
    return (top << 16) | bottom, below + below_lower


def _bin(histogram: NDArray[np.int64], k: int) -> tuple[int, int]:
    """The bin that holds the k-th smallest (from 0), and how many lie below that bin."""
    cumulative = np.cumsum(histogram)
    where = int(np.searchsorted(cumulative, k, side="right"))
    return where, int(cumulative[where - 1]) if where else 0
