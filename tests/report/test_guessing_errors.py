"""How often dice pass for a network that knows something."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from secateur.measure.accuracy import evaluate
from secateur.records import Results
from secateur.report.guessing import guessing

STUDIES = 300


def study(rng: np.random.Generator, classes: int, photos: int, size: int, seeds: int) -> Results:
    """Groups of `size` photos of one class; each seed throws dice, one throw a group."""
    n = photos // size
    labels, groups = np.repeat(rng.integers(0, classes, n), size), np.repeat(np.arange(n), size)
    names = tuple(map(str, range(classes)))
    models = [
        SimpleNamespace(
            config="cnn/dense",
            evaluation=evaluate(labels, np.repeat(rng.integers(0, classes, n), size), names, "", groups),
        )
        for _ in range(seeds)
    ]
    return cast(Results, SimpleNamespace(models=models, data=SimpleNamespace(classes=names)))


@pytest.mark.parametrize(("classes", "photos", "size"), [(3, 90, 1), (10, 300, 1), (3, 240, 4)])
def test_dice_are_called_a_guess(classes: int, photos: int, size: int):
    rng = np.random.default_rng(0)
    passed = sum(not guessing(study(rng, classes, photos, size, 1), "cnn") for _ in range(STUDIES))
    assert passed / STUDIES <= 0.05
