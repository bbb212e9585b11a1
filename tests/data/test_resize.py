"""Both ways of resizing give the same bytes, and hardly others than Pillow."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from secateur.data.resize import by_scipy, by_torch, fastest

SIZES = [(225, 300), (300, 225), (100, 100), (100, 37), (7, 100), (1, 1), (2, 599), (640, 480), (33, 31)]


def photo(h, w):
    """Pixels by chance, and extremes: where a weight is off, a sum is."""
    rng = np.random.default_rng([h, w])
    made = rng.integers(0, 256, (h, w, 3), np.uint8)
    made[: h // 3] = rng.choice(np.array([0, 255], np.uint8), (h // 3, w, 3))
    return made


@pytest.mark.parametrize("px", [1, 16, 33, 100, 224])
@pytest.mark.parametrize("size", SIZES)
def test_torch_and_scipy_agree_to_the_bit(size, px):
    given = photo(*size)
    before = given.copy()
    made = by_torch(given, px)
    assert made.shape == (px, px, 3) and made.dtype == np.uint8 and made.flags.c_contiguous
    assert (made == by_scipy(given, px)).all()
    assert (given == before).all()


@pytest.mark.parametrize("px", [16, 100, 224])
@pytest.mark.parametrize("size", SIZES)
def test_pillow_differs_by_no_more_than_rounding(size, px):
    given = photo(*size)
    pillow = np.asarray(Image.fromarray(given).resize((px, px), Image.Resampling.BILINEAR), np.int16)
    apart = np.abs(by_scipy(given, px) - pillow)
    assert apart.max() <= 2 and apart.mean() < 0.3


def test_one_colour_stays_what_it_is():
    for value in (0, 1, 128, 254, 255):
        assert (by_scipy(np.full((91, 57, 3), value, np.uint8), 20) == value).all()


def test_torch_is_taken_where_it_is():
    assert fastest() is by_torch
