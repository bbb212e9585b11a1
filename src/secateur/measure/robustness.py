"""Files on photos made worse: every batch is corrupted once and shown to all of them.

Letters: n photos.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from secateur.measure.corruptions import KINDS, STRENGTHS, Pixels, corrupt
from secateur.measure.statistics import Groups, bootstrap_groups, wilson
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
    """Accuracy of each of `files` on the photos as they are and after every corruption at every strength, with Wilson
    intervals; the mean over all of the latter, and its difference to that of the file that `against` names, with a
    bootstrap over groups. `pixels` (N, px, px, 3), memory-mapped or not; `positions` (n,) into them; `labels`, `groups`
    (n,) of these."""
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
    nothing = np.zeros((len(CASES) - 1, n), bool)
    found = []
    for name, answers in right.items():
        rows = tuple(RobustnessRow(*case, _share(k)) for case, k in zip(CASES, answers, strict=True))
        mean = _mean(answers[1:], nothing, groups, "fraction")
        other = against.get(name, "")
        paired = _mean(answers[1:], right[other][1:], groups, "points") if other in right else None
        found.append(Robustness(name, rows, mean, other if paired else "", paired))
    return tuple(found)


def _share(right: npt.NDArray[np.bool_]) -> Measured:
    low, high = wilson(int(right.sum()), right.size)
    return Measured(float(right.mean()), "fraction", low, high, right.size, "Wilson over photos")


def _mean(a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_], groups: Groups, unit: str) -> Measured:
    """Of (cases, n) answers, a less b."""
    scale = 100 if unit == "points" else 1
    value, low, high = (scale * v for v in bootstrap_groups(a, b, groups, seed=0))
    return Measured(value, unit, low, high, a.shape[1], "bootstrap over groups of photos")
