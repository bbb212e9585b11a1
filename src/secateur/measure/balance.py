"""What giving rare classes more weight changes: balanced accuracy of two ways to train, on the same photos."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from secateur.measure import crossed, tables
from secateur.measure.accuracy import few_groups, how
from secateur.measure.compare import one_seed
from secateur.measure.statistics import Groups
from secateur.records import Measured

Rights = npt.NDArray[np.bool_]  # (S, n): is each photo right, of each seed


def balanced_difference(labels: npt.NDArray[np.int64], a: Rights, b: Rights, groups: Groups = None) -> Measured:
    """Balanced accuracy of a − b in points: the mean over classes of the difference in recall, over seeds, with one
    interval from seeds and groups of photos (`crossed`). `labels`: (n,).

    Balanced accuracy: Brodersen et al. 2010, "The balanced accuracy and its posterior distribution", ICPR.
    """
    classes, true = np.unique(labels, return_inverse=True)
    other = len(classes)  # what stands for every wrong answer
    # what one group alone holds is unknown of both, and may differ by as much as two unknowns
    both = [
        tables.over_classes(tables.counted(true, np.where(rights, true, other), other + 1, groups), "recall", unknown)
        for rights, unknown in ((a, math.sqrt(2) * tables.UNKNOWN), (b, 0.0))
    ]
    values = 100 * (both[0].values - both[1].values)
    noise = crossed.with_prior(crossed.noise(100 * (both[0].table - both[1].table), values))
    value, half = float(values.mean()), float(noise.half())
    doubts = (*((one_seed(),) if len(values) == 1 else ()), *few_groups(noise))
    low, high = max(value - half, -100.0), min(value + half, 100.0)
    return Measured(value, "points", low, high, len(labels), how(noise, len(labels)), doubts=doubts)
