"""What a model gets right on the test photos, class by class, each figure with its interval.

Letters: S training seeds, n test photos, G groups of them, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import special
from sklearn.metrics import confusion_matrix

from secateur.measure import crossed, tables
from secateur.measure.statistics import LEVEL, Groups, wilson
from secateur.records import ClassRow, Evaluation, Figures, Measured

FEW = 10  # groups under which Student's t over groups is wide, and says so

IntArray = npt.NDArray[np.int64]


def evaluate(
    labels: npt.ArrayLike,
    predictions: npt.ArrayLike,
    classes: Sequence[str],
    split_digest: str,
    groups: Groups = None,
) -> Evaluation:
    """Accuracy, macro-F1, balanced accuracy, precision and recall a class, and the confusion matrix, of one file.

    `labels` and `predictions` are (n,) positions in `classes`; `groups` (n,) numbers what belongs together:
    near-duplicates, bursts, cameras. Intervals as `figures` makes them, of this file: what another training would give
    is not in them. A class without test photos counts in no mean over classes and says so. Raises ValueError for no
    photos, unequal lengths, or a label outside `classes`.
    """
    true, said = _checked(labels, predictions, len(classes))
    confusion = confusion_matrix(true, said, labels=np.arange(len(classes)))  # (C, C): [true][predicted]
    found = figures(true, {0: said}, classes, groups)
    return Evaluation(
        n=len(true),
        split_digest=split_digest,
        accuracy=found.accuracy,
        macro_f1=found.macro_f1,
        balanced_accuracy=found.balanced_accuracy,
        worst_recall=found.worst_recall,
        worst_class=found.worst_class,
        classes=found.classes,
        confusion=tuple(tuple(int(v) for v in row) for row in confusion),
        predictions=tuple(int(v) for v in said),
    )


def figures(
    labels: npt.ArrayLike, predictions: Mapping[int, npt.ArrayLike], classes: Sequence[str], groups: Groups = None
) -> Figures:
    """One configuration over its seeds; `predictions`: seed → (n,).

    Each is a mean over seeds, with one interval from seeds and groups of photos (`crossed`): a proportion of photos
    that belong to no other has Wilson's. The worst class's holds for all classes at once (Bonferroni), since it was
    picked after looking. Raises ValueError for no seeds.
    """
    true = np.asarray(labels, np.int64)
    said = np.stack([np.asarray(predictions[s], np.int64) for s in sorted(predictions)])  # (S, n)
    counts = tables.counted(true, said, len(classes), groups)
    rows = tuple(_class_row(counts, c, name) for c, name in enumerate(classes))
    worst, name = _worst(counts, rows)
    doubts = _absent(counts)
    return Figures(
        accuracy=proportion(tables.mean_of(said == true, groups), "no test photos"),
        macro_f1=_mean_over_classes(counts, "f1", doubts),
        balanced_accuracy=_mean_over_classes(counts, "recall", doubts),
        worst_recall=worst,
        worst_class=name,
        classes=rows,
    )


def _checked(labels: npt.ArrayLike, predictions: npt.ArrayLike, classes: int) -> tuple[IntArray, IntArray]:
    true, said = np.asarray(labels, np.int64), np.asarray(predictions, np.int64)
    if true.ndim != 1 or true.shape != said.shape or true.size == 0:
        raise ValueError(f"evaluate: labels of shape {true.shape}, predictions of shape {said.shape}")
    both = np.concatenate([true, said])
    if both.min() < 0 or both.max() >= classes:
        raise ValueError(f"evaluate: labels from {both.min()} to {both.max()} for {classes} classes")
    return true, said


def proportion(figure: tables.Figure, empty: str, level: float = LEVEL) -> Measured:
    """A share of photos over seeds; `empty` is the doubt where there are none. Of one seed whose photos belong to no
    other that is Wilson's interval."""
    if not figure.photos:
        return Measured(0.0, "fraction", 0.0, 1.0, 0, "Wilson over photos", doubts=(empty,))
    value, n = float(figure.values.mean()), figure.photos
    if len(figure.values) == 1 and figure.groups == n:
        low, high = wilson(round(value * n), n, level)
        return Measured(value, "fraction", low, high, n, "Wilson over photos")
    return fraction(figure, value * (1 - value) / n, level)


def fraction(figure: tables.Figure, least: float = 0.0, level: float = LEVEL) -> Measured:
    """Any figure between 0 and 1 over seeds; `least`: see `crossed.fraction`."""
    found = crossed.of(figure)
    if len(figure.values) > 1:  # of one, it is of this file, and no other training is spoken of
        found = crossed.with_prior(found, crossed.PRIOR_POINTS / 100)
    low, high = crossed.fraction(figure, found, least, level)
    return Measured(
        float(figure.values.mean()),
        "fraction",
        low,
        high,
        figure.photos,
        how(found, figure.photos),
        doubts=few_groups(found),
    )


def over_seeds(measures: Sequence[Measured]) -> Measured:
    """The mean of a figure between 0 and 1 over seeds that answered the same photos, from each seed's own interval over
    photos: that of the mean is no wider than theirs. Raises ValueError for one without an interval."""
    if any(m.low is None or m.high is None for m in measures):
        raise ValueError("over_seeds: a figure without an interval")
    z = float(special.ndtri(0.5 + LEVEL / 2))
    photos = np.mean([((m.high or 0.0) - (m.low or 0.0)) / 2 / z for m in measures]) ** 2
    values = np.array([m.value for m in measures])
    seeds, n = np.asarray(values.var(ddof=1)), measures[0].n
    found = crossed.Noise(np.asarray(photos), np.zeros(()), seeds, len(measures), max(n, 2))
    found = crossed.with_prior(found, crossed.PRIOR_POINTS / 100)
    low, high = crossed.fraction(tables.Figure(values, np.zeros((len(values), n)), n, n, float(n)), found)
    return Measured(float(values.mean()), "fraction", low, high, n, f"{len(values)} seeds and {n:,} photos")


def how(found: crossed.Noise, photos: int) -> str:
    """Over what an interval is: groups, or photos where none belongs to another."""
    groups = f"{found.n_groups:,} photos" if found.n_groups == photos else f"{found.n_groups:,} groups of photos"
    if found.n_seeds == 1:
        return f"jackknife over {groups}"
    return f"{found.n_seeds} seeds and {groups}, crossed"


def few_groups(found: crossed.Noise) -> tuple[str, ...]:
    """The doubt where groups are few."""
    if found.n_groups >= FEW:
        return ()
    many = f"{found.n_groups} group{'' if found.n_groups == 1 else 's'} of photos"
    return (f"only {many}: how far others would differ is hardly known",)


def _class_row(counts: tables.Counted, c: int, name: str) -> ClassRow:
    precision = proportion(tables.of_class(counts, "precision", c), "never predicted: no precision")
    recall = proportion(tables.of_class(counts, "recall", c), "no test photo of this class: no recall")
    return ClassRow(name, int(counts.photos[c]), precision, recall)


def _worst(counts: tables.Counted, rows: Sequence[ClassRow]) -> tuple[Measured, str]:
    there = [c for c, row in enumerate(rows) if row.n]
    level = 1 - (1 - LEVEL) / len(there)
    all_at_once = [proportion(tables.of_class(counts, "recall", c), "", level) for c in there]
    worst = min((rows[c] for c in there), key=lambda row: row.recall.value)
    doubt = (
        f"the lowest of {len(rows)} classes, picked after looking: the interval holds for all at once, so it is wide"
    )
    return (
        replace(
            worst.recall,
            low=min(m.low or 0.0 for m in all_at_once),
            high=min(1.0 if m.high is None else m.high for m in all_at_once),
            how=f"{worst.recall.how}, for {len(there)} classes at once (Bonferroni)",
            doubts=(*worst.recall.doubts, doubt),
        ),
        worst.name,
    )


def _absent(counts: tables.Counted) -> tuple[str, ...]:
    here = counts.photos > 0
    absent = int((~here).sum())
    return (f"{absent} of {len(here)} classes have no test photo",) if absent else ()


def _mean_over_classes(counts: tables.Counted, kind: str, doubts: tuple[str, ...]) -> Measured:
    """Macro-F1 or balanced accuracy (macro recall) over the classes that can be scored."""
    found = fraction(tables.over_classes(counts, kind))
    if counts.perfect:
        doubts = (*doubts, "no error at all: these photos cannot show how many others would have")
    return replace(found, doubts=(*found.doubts, *doubts))
