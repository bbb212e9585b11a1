"""Files on photos made worse: every batch is corrupted once and shown to all of them.

Letters: n photos.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from secateur.measure import crossed, tables
from secateur.measure.accuracy import few_groups, fraction, how, proportion
from secateur.measure.corruptions import KINDS, STRENGTHS, Pixels, corrupt
from secateur.measure.statistics import Groups
from secateur.records import Measured, Robustness, RobustnessRow

Answer = Callable[[Pixels], npt.NDArray[np.float32]]  # (k, px, px, 3) → (k, classes)
BATCH = 64
CLEAN = ("", 0)
CASES = (CLEAN, *((kind, strength) for kind in KINDS for strength in STRENGTHS))


def robustness(
    files: Mapping[str, Answer],
    pixels: Pixels,
    positions: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    groups: Groups = None,
    against: Mapping[str, str] = MappingProxyType({}),
    progress: Callable[[float, float, str], None] = lambda done, total, note: None,
) -> tuple[Robustness, ...]:
    """Accuracy of each of `files` on the photos as they are and after every corruption at every strength; the
    mean over all of the latter, and its difference to that of the file that `against` names: each with an interval over
    groups of photos, of these files. `pixels` (N, px, px, 3), memory-mapped or not; `positions` (n,) into them;
    `labels`, `groups` (n,) of these."""
    n = len(positions)
    right = {name: np.zeros((len(CASES), n), bool) for name in files}
    for at in range(0, n, BATCH):
        photos = np.asarray(pixels[positions[at : at + BATCH]])
        mine = slice(at, at + len(photos))
        for i, case in enumerate(CASES):
            worse = photos if case == CLEAN else corrupt(photos, *case, first=at)
            for name, answer in files.items():
                right[name][i, mine] = answer(worse).argmax(1) == labels[mine]
            progress(at + len(photos) * (i + 1) / len(CASES), n, "photos, each made worse in 35 ways")
    found = []
    for name, answers in right.items():
        shares = (proportion(tables.mean_of(k, groups), "no photos") for k in answers)
        rows = tuple(RobustnessRow(*case, share) for case, share in zip(CASES, shares, strict=True))
        mean = fraction(tables.mean_of(answers[1:].mean(axis=0), groups))
        other = against.get(name, "")
        paired = _paired(answers[1:], right[other][1:], groups) if other in right else None
        found.append(Robustness(name, rows, mean, other if paired else "", paired))
    return tuple(found)


def _paired(a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_], groups: Groups) -> Measured:
    """Of (cases, n) answers, a less b, in points: of these two files, whatever another training would give."""
    noise = crossed.of(figure := tables.mean_of(100 * (a.mean(axis=0) - b.mean(axis=0)), groups))
    value, half = float(figure.values[0]), float(noise.half())
    low, high = max(value - half, -100.0), min(value + half, 100.0)
    return Measured(value, "points", low, high, a.shape[1], how(noise, a.shape[1]), doubts=few_groups(noise))
