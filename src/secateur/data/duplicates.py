"""Which photos are the same photo: by their bytes, and nearly so by their likeness."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

# Seen over 20,517 photos of Animals-10, all 79,062 pairs of up to 12 bits, contact sheets of each band looked
# at: with a correlation over 0.95 the pairs are the same photo (cropped, recoloured, watermarked, mirrored
# never), to 8 bits and beyond, where only 3 more turn up; under 0.9 they are alike only in their layout
# (butterflies on white), from 3 bits on. Without the pixels, a bound of 8 would tie 4,993 wrong pairs of 6,383.
HAMMING_BOUND = 8
LEAST_CORRELATION = 0.95
FLAT = 6.0  # standard deviation of the grey thumbnail; all but one of the 20,517 photos are over 10
BLOCK = 128  # rows of the distance matrix at a time: 27 MB for 26,000 photos


def near_duplicates(hashes: NDArray[np.uint64], thumbs: NDArray[np.uint8], bound: int) -> NDArray[np.intp]:
    """For each photo, the position of the photo it is a near-duplicate of, or its own.

    hashes: (n,), thumbs: (n, pixels) grey. Near: at most `bound` bits of the hashes differ and the
    thumbnails correlate with at least LEAST_CORRELATION. Every member is near to the one its group is named
    after, so links never chain; the photos with most neighbours come first, so that an original gathers
    its variants. Flat frames stay alone: their hash is noise.
    """
    leader = np.arange(len(hashes))
    spread = thumbs.std(axis=1) if len(thumbs) else np.zeros(0)
    textured = np.flatnonzero(spread >= FLAT)
    degree = _neighbours(hashes[textured], bound)
    meets = textured[degree > 0]
    order = meets[np.argsort(-degree[degree > 0], kind="stable")]
    rows = thumbs[order].astype(np.float32)
    rows = (rows - rows.mean(axis=1, keepdims=True)) / rows.std(axis=1, keepdims=True)
    free = np.ones(len(order), bool)
    for i in range(len(order)):
        if not free[i]:
            continue
        near = np.flatnonzero(free & (np.bitwise_count(hashes[order] ^ hashes[order[i]]) <= bound))
        alike = near[rows[near] @ rows[i] / rows.shape[1] >= LEAST_CORRELATION]
        leader[order[alike]] = order[i]
        leader[order[i]] = order[i]
        free[alike] = free[i] = False
    return leader


def _neighbours(hashes: NDArray[np.uint64], bound: int) -> NDArray[np.int64]:
    """How many other hashes lie within the bound of each."""
    count = np.zeros(len(hashes), np.int64)
    for begin in range(0, len(hashes), BLOCK):
        block = hashes[begin : begin + BLOCK]
        near = np.bitwise_count(block[:, None] ^ hashes[None, :]) <= bound
        count[begin : begin + len(block)] = near.sum(axis=1) - 1
    return count


def same_bytes(entries: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """(sha256, path) → sha256 → its paths, in the order they came in."""
    found: dict[str, list[str]] = {}
    for sha256, path in entries:
        found.setdefault(sha256, []).append(path)
    return found
