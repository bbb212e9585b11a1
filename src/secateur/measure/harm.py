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
from secateur.measure.statistics import Groups, holm
from secateur.records import ClassChange, Victim

Answers = Mapping[int, npt.ArrayLike]  # training seed → (n,) predicted classes
MOST = 0.5  # of the pruned networks


def recall_changes(
    labels: npt.ArrayLike,
    dense: Answers,
    pruned: Answers,
    classes: Sequence[str],
    groups: Groups = None,
    margin_points: float = 1.0,
) -> tuple[ClassChange, ...]:
    """Recall of each class, pruned − dense on the same photos; intervals and verdicts as `compare`, p-values adjusted
    by Holm over the classes. A class without test photos is left out."""
    y = np.asarray(labels)
    numbers = np.arange(len(y)) if groups is None else np.asarray(groups)
    rows = []
    for c, name in enumerate(classes):
        mine = y == c
        if not mine.any():
            continue
        before = {s: np.asarray(a)[mine] == c for s, a in dense.items()}
        after = {s: np.asarray(a)[mine] == c for s, a in pruned.items()}
        spread = PRIOR_POINTS_CLASS
        change = compare(
            after, before, numbers[mine], margin_points, subject="pruned", against="dense", prior_points=spread
        )
        recall = float(np.mean([b.mean() for b in before.values()]))
        rows.append(ClassChange(name, int(mine.sum()), recall, change))
    adjusted = holm([r.change.p_value if r.change.p_value is not None else 1.0 for r in rows])
    return tuple(replace(r, change=replace(r.change, p_value=p)) for r, p in zip(rows, adjusted, strict=True))


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
