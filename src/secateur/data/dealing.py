"""Deal photos to sides, or draw a few of them: stratified by class, near-duplicate groups kept whole.

Order by chance is a hash of (seed, photo), not a shuffle: one new photo moves no other, and no library's
random stream matters.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secateur.errors import UserError
from secateur.records import Snapshot

Sides = tuple[list[int], list[int], list[int]]


def deal(
    snapshot: Snapshot,
    positions: Sequence[int],
    fractions: Sequence[float],
    seed: int,
    *,
    keep_groups: bool = True,
) -> Sides:
    """Positions dealt to three sides, each class close to the fractions; a fraction of 0 gets nothing.

    Groups of several photos go first, whole, to a side drawn in proportion to the room it has left; single
    photos then fill every side to its quota, which is at least one of each class where there are enough.
    """
    label = np.array([photo.label for photo in snapshot.photos])
    groups = _groups(snapshot, positions, seed, keep_groups)
    groups.sort(key=lambda group: (-len(group[1]), group[0]))
    takes = np.array([np.bincount(label[members], minlength=len(snapshot.classes)) for _, members in groups])
    room = np.array([_quota(n, fractions) for n in takes.sum(axis=0).tolist()])  # (classes, sides) still free
    bare = np.tile(np.array(fractions) > 0, (len(room), 1))  # sides that wait for a first photo of a class
    to_come = (takes > 0).sum(axis=0)  # groups a class
    sides: Sides = ([], [], [])
    for (chance, members), take in zip(groups, takes, strict=True):
        here = take > 0
        # The last groups of a class go where it has none yet, so that three bursts make three sides.
        scarce = here & (to_come <= bare.sum(axis=1))
        side = _side(room, take, chance, bare[scarce].any(axis=0) if scarce.any() else None)
        sides[side].extend(members)
        room[:, side] -= take
        bare[here, side] = False
        to_come[here] -= 1
    return sides


def subset(snapshot: Snapshot, photos: int, seed: int) -> Snapshot:
    """A snapshot of so many of the photos, each class in proportion but with 3 where it has them.

    Near-duplicate groups are taken whole as far as that fits. All of them where `photos` is not fewer.

    Raises UserError where not even 3 photos a class fit.
    """
    counts = snapshot.counts()
    if photos >= len(snapshot.photos):
        return snapshot
    least = [min(3, n) for n in counts]
    if photos < sum(least):
        raise UserError(f"a subset of {photos} photos is too small; allowed: {sum(least)} to {sum(counts)}")
    shares = [(n - low) / max(1, sum(counts) - sum(least)) for n, low in zip(counts, least, strict=True)]
    extra = _rounded([(photos - sum(least)) * share for share in shares], photos - sum(least))
    room = [low + more for low, more in zip(least, extra, strict=True)]
    chosen: list[int] = []
    for c, quota in enumerate(room):
        mine = [i for i, photo in enumerate(snapshot.photos) if photo.label == c]
        taken: list[int] = []
        passed: list[int] = []  # members of groups that did not fit whole
        for _, members in sorted(_groups(snapshot, mine, seed, True)):
            (taken if len(members) <= quota - len(taken) else passed).extend(members)
        chosen += (taken + passed)[:quota]
    return dataclasses.replace(snapshot, photos=tuple(snapshot.photos[i] for i in sorted(chosen)))


def _groups(snapshot: Snapshot, positions: Sequence[int], seed: int, keep: bool) -> list[tuple[bytes, list[int]]]:
    """(chance, positions) of each group; without `keep` every photo is its own."""
    members: dict[int, list[int]] = {}
    for i in positions:
        members.setdefault(snapshot.photos[i].group if keep else i, []).append(i)
    return [(_chance(seed, min(snapshot.photos[i].sha256 for i in group)), group) for group in members.values()]


def _chance(seed: int, sha256: str) -> bytes:
    return hashlib.blake2b(f"{seed} {sha256}".encode(), digest_size=8).digest()


def _quota(n: int, fractions: Sequence[float]) -> list[int]:
    quota = _rounded([n * f for f in fractions], n)
    wanted = [side for side, f in enumerate(fractions) if f > 0]
    for side in wanted:
        if quota[side] == 0 and n >= len(wanted):
            quota[int(np.argmax(quota))] -= 1
            quota[side] = 1
    return quota


def _rounded(shares: Sequence[float], total: int) -> list[int]:
    """Whole numbers with the given sum, by the largest remainders; the first of equal ones gets more."""
    whole = [int(share + 1e-9) for share in shares]
    order = sorted(range(len(shares)), key=lambda i: (whole[i] - shares[i], i))
    for i in order[: total - sum(whole)]:
        whole[i] += 1
    return whole


def _side(room: NDArray[Any], take: NDArray[Any], chance: bytes, only: NDArray[np.bool_] | None) -> int:
    """The side for a group: drawn by its room among those that fit it, else the one with most room."""
    here = take > 0
    left = room[here].sum(axis=0)
    if only is not None and only.any():
        return int(np.argmax(np.where(only, left, -np.inf)))
    fits = (room[here] >= take[here, None]).all(axis=0)
    if not fits.any():
        return int(np.argmax(left))
    reach = np.cumsum(np.where(fits, left, 0))
    draw = int.from_bytes(chance, "big") / 2**64 * reach[-1]
    return int(min(np.searchsorted(reach, draw, side="right"), 2))
