"""Which classes and which photos pay for a smaller network.

Letters: S training seeds, M pruned networks, n test photos.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from secateur.measure.compare import compare
from secateur.measure.crossed import PRIOR_POINTS_CLASS
from secateur.measure.power import of_seeds, photos_to_show, variances
from secateur.measure.statistics import Groups, holm
from secateur.records import Churn, ClassChange, Victim

Answers = Mapping[int, npt.ArrayLike]  # training seed → (n,) predicted classes
MOST = 0.5  # of the pruned networks


def recall_changes(
    labels: npt.ArrayLike,
    dense: Answers,
    pruned: Answers,
    classes: Sequence[str],
    groups: Groups = None,
    margin_points: float = 1.0,
    *,
    trained: bool = True,
) -> tuple[ClassChange, ...]:
    """Recall of each class, pruned − dense on the same photos; intervals and verdicts as `compare`, p-values adjusted
    by Holm over the classes; beside each, the photos of the class that would show a loss of `margin_points`
    (`photos_to_show`). `trained`: does a training lie between the two? A class without test photos is left out."""
    y = np.asarray(labels)
    numbers = np.arange(len(y)) if groups is None else np.asarray(groups)
    rows, moved, tied = [], [], []
    for c, name in enumerate(classes):
        mine = y == c
        if not mine.any():
            continue
        before = {s: np.asarray(a)[mine] == c for s, a in dense.items()}
        after = {s: np.asarray(a)[mine] == c for s, a in pruned.items()}
        change = compare(
            after,
            before,
            numbers[mine],
            margin_points,
            subject="pruned",
            against="dense",
            trained=trained,
            prior_points=PRIOR_POINTS_CLASS,
        )
        recall = float(np.mean([b.mean() for b in before.values()]))
        rows.append(ClassChange(name, int(mine.sum()), recall, change))
        moved.append(np.mean([after[s].astype(float) - before[s] for s in sorted(before.keys() & after.keys())], 0))
        tied.append(numbers[mine])
    adjusted = holm([r.change.p_value if r.change.p_value is not None else 1.0 for r in rows])
    needed = [_needed(r, v, margin_points / 100, len(rows)) for r, v in zip(rows, variances(moved, tied), strict=True)]
    return tuple(
        replace(r, change=replace(r.change, p_value=p), needed=n)
        for r, p, n in zip(rows, adjusted, needed, strict=True)
    )


def _needed(row: ClassChange, variance: float, loss: float, family: int) -> int | None:
    d = row.change.difference
    half = (d.high - d.low) / 200 if d.low is not None and d.high is not None else 0.0
    return photos_to_show(loss, variance, family, of_seeds(half, variance, row.n)) if loss > 0 else 0


def victims(
    labels: npt.ArrayLike, dense: Sequence[npt.ArrayLike], pruned: Sequence[npt.ArrayLike], positions: Sequence[int]
) -> tuple[Victim, ...]:
    """Photos that every dense network gets right and more than half of the pruned ones get wrong, the worst first.

    `dense` (S, n), `pruned` (M, n): predicted classes; `positions` (n,): of the photos in the snapshot.
    """
    y, d, p = np.asarray(labels), np.atleast_2d(np.asarray(dense)), np.atleast_2d(np.asarray(pruned))
    if not d.size or not p.size:
        return ()
    right = (d == y).all(0)
    wrong = (p != y).mean(0)
    found = []
    for i in map(int, np.flatnonzero(right & (wrong > MOST))):
        said = p[p[:, i] != y[i], i]
        most = int(np.bincount(said).argmax())
        found.append(Victim(positions[i], int(y[i]), float(wrong[i]), most))
    return tuple(sorted(found, key=lambda v: (-v.wrong, v.position)))


def churn(
    labels: npt.ArrayLike, dense: Sequence[Mapping[int, npt.ArrayLike]], pruned: Sequence[Mapping[int, npt.ArrayLike]]
) -> Churn | None:
    """Photos that change sides between two trainings of the dense network, and between it and what was pruned.

    Both are counted as `victims` counts, for one dense and one other network: right here, wrong there. `dense`: answers
    (n,) by seed, of each dense configuration that pruned ones are held against; `pruned`: of each pruned one, held
    against the first dense configuration that has the seed. None where there is nothing to count.
    """
    y = np.asarray(labels)

    def lost(one: npt.ArrayLike, other: npt.ArrayLike) -> int:
        return int(((np.asarray(one) == y) & (np.asarray(other) != y)).sum())

    between = [lost(own[a], own[b]) for own in dense for a in sorted(own) for b in sorted(own) if a != b]
    first = {seed: answers for own in reversed(dense) for seed, answers in own.items()}
    by_pruning = [lost(first[s], answers) for own in pruned for s, answers in sorted(own.items()) if s in first]
    if not by_pruning:
        return None
    mean = float(np.mean(between)) if between else 0.0
    return Churn(len(between), mean, min(between, default=0), max(between, default=0), float(np.mean(by_pruning)))
