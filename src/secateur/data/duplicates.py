"""Which photos are the same photo: by their bytes, and nearly so by their likeness."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

# Measured over 20,517 photos of Animals-10. Of 6,383 pairs within 8 bits, 1,404 correlate with at least 0.95 and
# 4,979 do not; from 9 to 12 bits only 3 more do. Of about 24 pairs looked at in each of four bands, those over
# 0.95 were one photo twice (cropped, toned, watermarked; two recoloured butterflies), and those from 0.85
# to 0.95 were mixed: butterflies on white are alike in their layout only, from 2 bits on.
HAMMING_BOUND = 8
LEAST_CORRELATION = 0.95
FLAT = 6.0  # standard deviation of the grey thumbnail; 3 of those photos lie under it
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


def like_theirs(
    hashes: NDArray[np.uint64],
    thumbs: NDArray[np.uint8],
    their_hashes: NDArray[np.uint64],
    their_thumbs: NDArray[np.uint8],
    bound: int,
) -> NDArray[np.intp]:
    """For each photo, the position of one of theirs that it is near to, as `near_duplicates` says near; −1 for none.

    hashes: (n,) and (m,), thumbs: (n, pixels) and (m, pixels) grey.
    """
    found = np.full(len(hashes), -1, np.intp)
    ours, own = _standard(thumbs)
    theirs, other = _standard(their_thumbs)
    for begin in range(0, len(own), BLOCK):
        some = own[begin : begin + BLOCK]
        near = np.bitwise_count(hashes[some][:, None] ^ their_hashes[other][None, :]) <= bound
        for row, photo in enumerate(some.tolist()):
            meets = np.flatnonzero(near[row])
            alike = theirs[meets] @ ours[begin + row] / thumbs.shape[1] if len(meets) else np.zeros(0)
            if alike.max(initial=0.0) >= LEAST_CORRELATION:
                found[photo] = other[meets[int(np.argmax(alike))]]
    return found


def _standard(thumbs: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Thumbnails that are not flat with mean 0 and spread 1, (k, pixels); and which those are."""
    textured = np.flatnonzero(thumbs.std(axis=1) >= FLAT) if len(thumbs) else np.zeros(0, np.intp)
    rows = thumbs[textured].astype(np.float32)
    return (rows - rows.mean(axis=1, keepdims=True)) / rows.std(axis=1, keepdims=True), textured


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
