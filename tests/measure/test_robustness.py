"""Photos made worse: each batch once for all files, the same photo the same way, differences on the same photos."""

from __future__ import annotations

import numpy as np
import pytest

from secateur.measure.corruptions import corrupt
from secateur.measure.robustness import BATCH, CASES, robustness


def photos(n: int) -> np.ndarray:
    """Dark and bright ones, in turn."""
    rng = np.random.default_rng(0)
    bright = np.arange(n) % 2
    found = rng.integers(0, 60, (n, 16, 16, 3)) + 150 * bright[:, None, None, None]
    return found.astype(np.uint8)


def by_brightness(batch: np.ndarray) -> np.ndarray:
    mean = batch.mean((1, 2, 3))
    return np.stack([105 - mean, mean - 105], 1).astype(np.float32)


def always_dark(batch: np.ndarray) -> np.ndarray:
    return np.tile(np.array([[1, 0]], np.float32), (len(batch), 1))


def test_every_case_once_and_the_mean_of_all_but_the_first():
    n = BATCH + 10
    pixels, labels = photos(n), np.arange(n) % 2
    honest, dull = robustness({"a": by_brightness, "b": always_dark}, pixels, np.arange(n), labels, against={"b": "a"})
    assert [(r.kind, r.strength) for r in honest.rows] == list(CASES)
    assert len(CASES) == 36
    assert honest.rows[0].accuracy.value == 1
    night = next(r for r in honest.rows if (r.kind, r.strength) == ("night", 5))
    expected = (by_brightness(corrupt(pixels, "night", 5)).argmax(1) == labels).mean()
    assert night.accuracy.value == pytest.approx(expected)
    assert honest.mean.value == pytest.approx(np.mean([r.accuracy.value for r in honest.rows[1:]]))
    assert dull.mean.value == pytest.approx(0.5)
    assert (honest.against, honest.difference, dull.against) == ("", None, "a")
    assert dull.difference.value == pytest.approx(100 * (0.5 - honest.mean.value))
    assert dull.difference.low < dull.difference.value < dull.difference.high < 0


def test_a_file_does_not_differ_from_itself():
    pixels, labels = photos(40), np.arange(40) % 2
    files = {"a": by_brightness, "again": by_brightness}
    _, again = robustness(files, pixels, np.arange(40), labels, against={"again": "a"})
    assert (again.difference.low, again.difference.value, again.difference.high) == (0, 0, 0)


def test_batches_are_made_once_whatever_the_number_of_files():
    seen: list[int] = []

    def counting(batch: np.ndarray) -> np.ndarray:
        seen.append(id(batch))
        return by_brightness(batch)

    pixels = photos(8)
    robustness(dict.fromkeys("abc", counting) | {}, pixels, np.arange(8), np.zeros(8, int))
    assert len(seen) == 3 * len(CASES)
    assert all(len(set(seen[i : i + 3])) == 1 for i in range(0, len(seen), 3))
