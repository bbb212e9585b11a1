"""What giving rare classes more weight changes: balanced accuracy of two ways to train, on the same photos."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from secateur.measure.statistics import LEVEL, ROUNDS, Groups, group_kinds, paired_t
from secateur.records import Measured

Rights = npt.NDArray[np.bool_]  # (S, n): is each photo right, of each seed


def balanced_difference(
    labels: npt.NDArray[np.int64], a: Rights, b: Rights, groups: Groups = None, *, seed: int = 0, rounds: int = ROUNDS
) -> Measured:
    """Balanced accuracy of a − b in points: the mean over classes of the difference in recall, averaged over seeds,
    with the wider of two intervals: a percentile bootstrap over groups of photos, and Student's t over
    the seeds. `labels`: (n,).

    Balanced accuracy: Brodersen et al. 2010, "The balanced accuracy and its posterior distribution", ICPR.
    """
    classes = np.unique(labels)
    wins = a.astype(np.int64).sum(0) - b.astype(np.int64).sum(0)  # (n,), over all seeds
    per_class = labels[:, None] == classes[None, :]  # (n, C)
    counted = np.concatenate([per_class.astype(np.int64), per_class * wins[:, None]], axis=1)
    kinds, often = group_kinds(counted, groups)
    sums = kinds[:, :-1].astype(np.float64)
    n = len(classes)

    def difference(total: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        there, won = total[..., :n], total[..., n:]
        recall = np.divide(won, there, out=np.full_like(won, np.nan), where=there > 0)
        return np.asarray(np.nanmean(recall, axis=-1) / len(a) * 100)

    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(often.sum(), often / often.sum(), size=rounds) @ sums
    low, high = np.quantile(difference(drawn), [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    value = float(difference(counted.sum(0).astype(np.float64)))
    how = "bootstrap over groups of photos, mean over seeds"
    photos = Measured(value, "points", float(low), float(high), len(labels), how)
    if len(a) == 1:
        return replace(photos, doubts=("one seed: what another would give is not in the interval",))
    recall = per_class.T @ (a.astype(np.int64) - b).T / per_class.sum(0)[:, None]  # (C, S)
    seeds = paired_t((100 * recall.mean(0)).tolist())
    wider = seeds.low is not None and seeds.high is not None and seeds.high - seeds.low > high - low
    return replace(seeds, value=value) if wider else photos
