"""Which classes and which photos pay for a smaller network.

Letters: S training seeds, M pruned networks, n test photos.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from secateur.measure.compare import alone, decided, difference
from secateur.measure.crossed import PRIOR_POINTS_CLASS, Noise
from secateur.measure.sample_size import photos_to_exceed, variances
from secateur.measure.statistics import LEVEL, Groups, holm
from secateur.records import Churn, ClassChange, Comparison, Victim

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
    (`photos_to_exceed`). `trained`: does a training lie between the two? A class without test photos is left out."""
    y = np.asarray(labels)
    numbers = np.arange(len(y)) if groups is None else np.asarray(groups)
    rows, moved, tied, noises = [], [], [], []
    for c, name in enumerate(classes):
        mine = y == c
        if not mine.any():
            continue
        before = {s: np.asarray(a)[mine] == c for s, a in dense.items()}
        after = {s: np.asarray(a)[mine] == c for s, a in pruned.items()}
        found = difference(
            after,
            before,
            numbers[mine],
            subject="pruned",
            against="dense",
            trained=trained,
            prior_points=PRIOR_POINTS_CLASS,
        )
        recall = float(np.mean([b.mean() for b in before.values()]))
        rows.append(ClassChange(name, int(mine.sum()), recall, alone(found, margin_points)))
        noises.append(found.noise)
        moved.append(np.mean([after[s].astype(float) - before[s] for s in sorted(before.keys() & after.keys())], 0))
        tied.append(numbers[mine])
    own = zip(rows, noises, variances(moved, tied), strict=True)
    needed = [_needed(margin_points, noise, v, row.n, len(rows)) for row, noise, v in own]
    changes = _adjusted([r.change for r in rows])
    return tuple(replace(r, change=c, needed=n) for r, c, n in zip(rows, changes, needed, strict=True))


def _needed(margin: float, noise: Noise, variance: float, n: int, family: int) -> int | None:
    """Photos of a class that show a loss of the margin in nine of ten test sets, as one of `family` classes. What
    photos say is drawn towards all classes (`variances`), and a loss moves at least so many photos."""
    if margin <= 0:
        return 0
    least = max(variance, margin / 100 * (1 - margin / 100)) * 100**2 / n
    scale = least / float(noise.photos) if 0 < float(noise.photos) < math.inf else 1.0
    known = replace(noise, photos=np.asarray(least), interaction=noise.interaction * min(scale, 1.0))
    return photos_to_exceed(margin, known, n, 1 - (1 - LEVEL) / family)


def _adjusted(changes: Sequence[Comparison]) -> list[Comparison]:
    """Classes of one network are a family."""
    p = holm([1.0 if c.p_value is None else c.p_value for c in changes])
    q = holm([1.0 if c.p_as_good is None else c.p_as_good for c in changes])
    return [
        replace(c, p_value=a, p_as_good=b, verdict=decided(c.difference.value, a, b), family=len(changes))
        for c, a, b in zip(changes, p, q, strict=True)
    ]


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
