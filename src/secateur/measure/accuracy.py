"""What a model gets right on the test photos, class by class, each figure with its interval.

Letters: n test photos, C classes, K distinct kinds of group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from secateur.measure.statistics import LEVEL, ROUNDS, Groups, bootstrap_groups, group_kinds, wilson
from secateur.records import ClassRow, Evaluation, Measured

MANY_TIED = 0.1  # of the photos that belong together with another: then groups are drawn, not photos
FEW = 20  # groups

IntArray = npt.NDArray[np.int64]


def evaluate(
    labels: npt.ArrayLike,
    predictions: npt.ArrayLike,
    classes: Sequence[str],
    split_digest: str,
    groups: Groups = None,
    *,
    seed: int = 0,
    rounds: int = ROUNDS,
) -> Evaluation:
    """Accuracy, macro-F1, balanced accuracy, precision and recall a class, and the confusion matrix.

    `labels` and `predictions` are (n,) positions in `classes`; `groups` (n,) numbers the near-duplicates.
    Intervals: Wilson for accuracy, precision and recall (the wider of it and the bootstrap, where many of their photos
    belong together); bootstrap over groups, `seed` and `rounds`, for the two means over classes. A class without test
    photos counts in neither mean and says so. Raises ValueError for no photos, unequal lengths, or a label outside
    `classes`.
    """
    true, said = _checked(labels, predictions, len(classes))
    confusion = confusion_matrix(true, said, labels=np.arange(len(classes)))  # (C, C): [true][predicted]
    rows = tuple(
        _of_groups(_class_row(name, i, confusion), true == i, said == i, groups) for i, name in enumerate(classes)
    )
    macro_f1, balanced = _means_over_classes(true, said, confusion, groups, seed, rounds)
    worst = min((r for r in rows if r.n), key=lambda r: r.recall.value)
    looked = f"the lowest of {len(rows)} classes, picked after looking: too low on average"
    return Evaluation(
        n=len(true),
        split_digest=split_digest,
        accuracy=_accuracy(true, said, groups),
        macro_f1=macro_f1,
        balanced_accuracy=balanced,
        worst_recall=replace(worst.recall, doubts=(*worst.recall.doubts, looked)),
        worst_class=worst.name,
        classes=rows,
        confusion=tuple(tuple(int(v) for v in row) for row in confusion),
        predictions=tuple(int(v) for v in said),
    )


def _checked(labels: npt.ArrayLike, predictions: npt.ArrayLike, classes: int) -> tuple[IntArray, IntArray]:
    true, said = np.asarray(labels, np.int64), np.asarray(predictions, np.int64)
    if true.ndim != 1 or true.shape != said.shape or true.size == 0:
        raise ValueError(f"evaluate: labels of shape {true.shape}, predictions of shape {said.shape}")
    both = np.concatenate([true, said])
    if both.min() < 0 or both.max() >= classes:
        raise ValueError(f"evaluate: labels from {both.min()} to {both.max()} for {classes} classes")
    return true, said


def _accuracy(true: IntArray, said: IntArray, groups: Groups) -> Measured:
    measured = _proportion(int((true == said).sum()), len(true), "no test photos")
    several = 0 if groups is None else len(np.unique(np.asarray(groups)))
    tied = len(true) - several if several else 0
    if not tied:
        return measured
    if tied < MANY_TIED * len(true):
        doubt = f"{tied} of {len(true)} photos belong together with another: the interval counts each as new"
        return replace(measured, doubts=(*measured.doubts, doubt))
    right = true == said
    _, low, high = bootstrap_groups(right, np.zeros_like(right), groups, seed=0)
    few = (f"only {several} groups of photos: how far others would differ is hardly known",) if several < FEW else ()
    doubts = (*measured.doubts, *few)
    if measured.low is not None and measured.high is not None and high - low < measured.high - measured.low:
        return replace(measured, doubts=doubts)
    return replace(measured, low=low, high=high, how="bootstrap over groups of photos", doubts=doubts)


def _class_row(name: str, i: int, confusion: IntArray) -> ClassRow:
    right, n, said = int(confusion[i, i]), int(confusion[i].sum()), int(confusion[:, i].sum())
    precision = _proportion(right, said, "never predicted: no precision")
    recall = _proportion(right, n, "no test photo of this class: no recall")
    return ClassRow(name, n, precision, recall)


def _of_groups(row: ClassRow, there: npt.NDArray[np.bool_], said: npt.NDArray[np.bool_], groups: Groups) -> ClassRow:
    """Recall and precision with the intervals that `_accuracy` would give them, where their photos belong together."""
    return replace(
        row,
        recall=_part_of_groups(row.recall, there, said, groups),
        precision=_part_of_groups(row.precision, said, there, groups),
    )


def _part_of_groups(
    measured: Measured, those: npt.NDArray[np.bool_], right: npt.NDArray[np.bool_], groups: Groups
) -> Measured:
    """Of `those` photos the part that is `right`; as it was where hardly any belong together."""
    if groups is None or not those.any():
        return measured
    own = _accuracy(np.ones(int(those.sum()), np.int64), right[those].astype(np.int64), np.asarray(groups)[those])
    return own if own.how != measured.how else measured


def _proportion(successes: int, n: int, empty: str) -> Measured:
    low, high = wilson(successes, n)
    value = successes / n if n else 0.0
    doubts = () if n else (empty,)
    return Measured(value, "fraction", low, high, n, "Wilson over photos", doubts=doubts)


def _means_over_classes(
    true: IntArray, said: IntArray, confusion: IntArray, groups: Groups, seed: int, rounds: int
) -> tuple[Measured, Measured]:
    """Macro-F1 and balanced accuracy (macro recall) over the classes that can be scored."""
    classes = len(confusion)
    _, recall, f1, _ = precision_recall_fscore_support(true, said, labels=np.arange(classes), zero_division=np.nan)
    bounds = _bootstrap(true, said, classes, groups, seed, rounds)  # (2, 2)
    absent = int((confusion.sum(axis=1) == 0).sum())
    doubts = [f"{absent} of {classes} classes have no test photo"] if absent else []
    if not (true != said).any():
        doubts.append("no error at all: a bootstrap of these photos cannot show how many others would have")
    how = "bootstrap over groups of photos"
    f1_mean, recall_mean = (
        Measured(
            float(np.nanmean(values)),
            "fraction",
            float(low),
            float(high),
            len(true),
            how,
            doubts=tuple(doubts),
        )
        for values, (low, high) in zip((f1, recall), bounds, strict=True)
    )
    return f1_mean, recall_mean


def _bootstrap(
    true: IntArray, said: IntArray, classes: int, groups: Groups, seed: int, rounds: int
) -> npt.NDArray[Any]:
    """Percentile intervals [[low, high] of macro-F1, [low, high] of balanced accuracy].

    A round needs only how often each class was there, was said, and was right: 3·C sums over the groups
    drawn. Rounds go in chunks, so that many classes and many kinds of group stay small in memory.
    """
    n = len(true)
    counted = np.zeros((n, 3 * classes), np.int64)  # (n, there | said | right)
    photo = np.arange(n)
    counted[photo, true] = 1
    counted[photo, classes + said] = 1
    counted[photo, 2 * classes + true] = true == said
    kinds, often = group_kinds(counted, groups)
    weights = kinds[:, :-1].astype(np.float64)  # (K, 3·C)
    rng = np.random.default_rng(seed)
    chunk = max(1, 4_000_000 // len(kinds))
    drawn: list[npt.NDArray[Any]] = []
    for start in range(0, rounds, chunk):
        times = rng.multinomial(often.sum(), often / often.sum(), size=min(chunk, rounds - start))
        there, said_as, right = np.split(times @ weights, 3, axis=1)  # (rounds, C) each
        f1 = _mean_ratio(2 * right, there + said_as)
        drawn.append(np.stack([f1, _mean_ratio(right, there)]))
    values = np.concatenate(drawn, axis=1)  # (2, rounds)
    bounds: npt.NDArray[Any] = np.quantile(values, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2], axis=1)
    return bounds.T


def _mean_ratio(above: npt.NDArray[Any], below: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Mean over classes (axis 1) of above / below, leaving out classes where below is 0."""
    some = below > 0
    ratios = np.divide(above, below, out=np.zeros_like(above, np.float64), where=some)
    mean: npt.NDArray[Any] = ratios.sum(axis=1) / some.sum(axis=1)
    return mean
