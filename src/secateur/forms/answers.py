"""A model's answers, a few photos at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from secateur.forms.runtime import Classifier, softmax
from secateur.records import UNSURE, Answer


class Seen(Protocol):
    """A photo, or why there is none."""

    path: Path
    pixels: NDArray[np.uint8] | None  # (px, px, 3)
    taken: str
    problem: str

    @property
    def doubt(self) -> str: ...


def answers(model: Classifier, photos: Iterable[Sequence[Seen]], top: int, min_confidence: float) -> Iterator[Answer]:
    """One for each photo, in order. `photos`: batches of them; `top`: so many classes; below `min_confidence`, a
    probability, the answer is "unsure"."""
    for some in photos:
        pixels = [s.pixels for s in some if s.pixels is not None]
        chances = softmax(model.logits(np.stack(pixels))) if pixels else np.zeros((0, 0), np.float32)
        place = 0
        for seen in some:
            if seen.pixels is None:
                yield Answer(str(seen.path), problem=seen.problem)
                continue
            own, place = chances[place], place + 1
            best = own.argsort()[::-1]
            said = model.labels[best[0]] if own[best[0]] >= min_confidence else UNSURE
            classes = tuple((model.labels[i], float(own[i])) for i in best[:top])
            yield Answer(str(seen.path), classes, said, seen.taken, doubt=seen.doubt)
