"""Figures of a classifier, and what each group of photos moves them by: what `crossed` makes intervals of.

Letters: S training seeds, n photos, G groups, C classes. A table is (S, G): the figure without group g, less the
figure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from secateur.measure.statistics import Groups

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

UNKNOWN = 0.5  # what a class that one group alone holds might be off by: nothing in these photos says


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of every seed, and its table."""

    values: Floats  # (S,)
    table: Floats  # (S, G')
    groups: int  # that have a say: of a class's recall those that hold the class
    photos: int
    effective: float  # groups of one size that these count as: n² over the sum of their squares


def numbered(groups: Groups, n: int) -> tuple[Ints, int]:
    """((n,) numbers from 0, G). Raises ValueError when `groups` is not one number a photo."""
    if groups is None:
        return np.arange(n), n
    numbers = np.asarray(groups)
    if numbers.shape != (n,):
        raise ValueError(f"groups: {numbers.shape} for {n} photos")
    kinds, group = np.unique(numbers, return_inverse=True)
    return group, len(kinds)


def summed(values: npt.ArrayLike, group: Ints, count: int) -> Floats:
    """(S, n) → (S, G), added up over groups."""
    rows = np.atleast_2d(np.asarray(values, float))
    return np.stack([np.bincount(group, row, count) for row in rows])


def mean_of(values: npt.ArrayLike, groups: Groups = None) -> Figure:
    """The mean over photos of (S, n) numbers: an accuracy, or a difference of two."""
    rows = np.atleast_2d(np.asarray(values, float))
    n = rows.shape[1]
    group, count = numbered(groups, n)
    size = np.bincount(group, minlength=count)
    mean = rows.mean(axis=1)
    left = n - size
    without = np.divide(
        mean[:, None] * n - summed(rows, group, count), left, where=left > 0, out=np.zeros((len(rows), count))
    )
    return Figure(mean, without - mean[:, None], count, n, _effective(size))


def _effective(sizes: npt.ArrayLike) -> float:
    size = np.asarray(sizes, float)
    return float(size.sum() ** 2 / max(float((size**2).sum()), 1.0))


@dataclass(frozen=True, slots=True)
class Counted:
    """How often each class was there, was said and was right, by group: the E pairs of a group and a class that occur,
    since a group of few photos knows few of many classes."""

    group: Ints  # (E,)
    cls: Ints  # (E,)
    there: Floats  # (E,)
    said: Floats  # (S, E)
    right: Floats  # (S, E)
    classes: int
    groups: int

    @property
    def photos(self) -> Ints:
        """(C,): of each class."""
        return np.bincount(self.cls, self.there, self.classes).astype(np.int64)

    @property
    def perfect(self) -> bool:
        """No error by any seed?"""
        return bool((self.right == self.there).all())


def counted(labels: npt.ArrayLike, said: npt.ArrayLike, classes: int, groups: Groups = None) -> Counted:
    """`labels` (n,), `said` (S, n): positions of classes."""
    true, answers = np.asarray(labels, np.int64), np.atleast_2d(np.asarray(said, np.int64))
    group, count = numbered(groups, len(true))
    keys, place = np.unique(np.vstack([group * classes + true, group * classes + answers]), return_inverse=True)
    place = place.reshape(len(answers) + 1, len(true))
    cells = len(keys)
    return Counted(
        keys // classes,
        keys % classes,
        np.bincount(place[0], minlength=cells).astype(float),
        np.stack([np.bincount(row, minlength=cells).astype(float) for row in place[1:]]),
        np.stack([np.bincount(place[0], row == true, cells) for row in answers]),
        classes,
        count,
    )


def _parts(counts: Counted, kind: str) -> tuple[Floats, Floats]:
    """(above, below), (S, E) each: added up over the groups they are the ratio of each class."""
    there = np.broadcast_to(counts.there, counts.said.shape)
    if kind == "f1":
        return 2 * counts.right, there + counts.said
    return counts.right, there if kind == "recall" else counts.said


def _ratio(above: Floats, below: Floats) -> Floats:
    """NaN where below is 0."""
    nothing = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    return np.asarray(np.divide(above, below, out=nothing, where=below > 0))


def over_classes(counts: Counted, kind: str, unknown: float = UNKNOWN) -> Figure:
    """Mean over classes of "recall" (balanced accuracy) or "f1" (macro-F1); a class without photos counts in neither.
    `unknown`: what a class that one group alone holds might be off by."""
    values, table = [], []
    for above, below in zip(*_parts(counts, kind), strict=True):  # a seed
        all_above, all_below = (
            np.bincount(counts.cls, x, counts.classes).astype(float) for x in (above, below)
        )  # (C,)
        whole = _ratio(all_above, all_below)
        without = _ratio(all_above[counts.cls] - above, all_below[counts.cls] - below)  # (E,)
        moved = np.where(np.isnan(without), -unknown, without - whole[counts.cls])
        moved = np.where(below > 0, moved, 0.0)
        scored = int((all_below > 0).sum())
        values.append(float(np.nanmean(whole)))
        table.append(np.bincount(counts.group, moved, counts.groups) / scored)
    size = np.bincount(counts.group, counts.there, counts.groups)
    return Figure(np.array(values), np.stack(table), counts.groups, int(counts.there.sum()), _effective(size))


def of_class(counts: Counted, kind: str, c: int) -> Figure:
    """One class's "recall" or "precision", over the groups that hold (or were said to hold) it, and the seeds that ever
    said it."""
    own = counts.cls == c
    above, below = (part[:, own] for part in _parts(counts, kind))
    mine, seeds = below.any(axis=0), below.any(axis=1)
    above, below = above[seeds][:, mine], below[seeds][:, mine]
    if not below.size:
        return Figure(np.zeros(1), np.zeros((1, 0)), 0, 0, 0.0)
    values = _ratio(above.sum(axis=1), below.sum(axis=1))
    without = _ratio(above.sum(axis=1, keepdims=True) - above, below.sum(axis=1, keepdims=True) - below)
    without = np.where(np.isnan(without), values[:, None] - UNKNOWN, without)
    photos = round(float(below.sum(axis=1).mean()))
    return Figure(values, without - values[:, None], int(mine.sum()), photos, _effective(below.mean(axis=0)))
