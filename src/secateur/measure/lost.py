"""What a file loses beside the one that it was made of: paired, by what belongs together, with what n cannot show.

Letters: n photos, G groups of them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from secateur.measure.accuracy import few_groups, how
from secateur.measure.compare import difference
from secateur.measure.statistics import Groups
from secateur.records import Measured


def change(before: npt.ArrayLike, after: npt.ArrayLike, groups: Groups = None) -> Measured:
    """after − before in points, with its 95 % interval. Both (n,): whether each photo is right (or decided alike).

    No training lies between the two, so the interval is over groups of photos alone, as `compare` makes it; one group
    alone shows nothing. Raises ValueError for unequal shapes or no photos.
    """
    right, was = np.asarray(after, bool), np.asarray(before, bool)
    found = difference({0: right}, {0: was}, groups, trained=False)
    half = float(found.noise.half())
    low, high = max(found.value - half, -100.0), min(found.value + half, 100.0)
    return Measured(
        found.value, "points", low, high, found.photos, how(found.noise, found.photos), doubts=few_groups(found.noise)
    )
