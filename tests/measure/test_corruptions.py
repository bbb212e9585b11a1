"""Corruptions: deterministic, worse with every strength, and what they claim to be."""

from __future__ import annotations

import numpy as np
import pytest

from secateur.errors import NotKnown
from secateur.measure.corruptions import KINDS, NOISE, STRENGTHS, corrupt


def photos(n: int = 4, px: int = 224) -> np.ndarray:
    """Smooth pictures with an edge in them."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[0:px, 0:px] / px
    found = np.stack([np.stack([rows * a, columns * b, rows * 0 + c], -1) for a, b, c in rng.uniform(0.3, 0.9, (n, 3))])
    found[:, px // 3 : px // 2, px // 4 :] = 0.1
    return (found * 255).astype(np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_each_strength_is_worse_than_the_one_before(kind: str):
    clean = photos()
    away = []
    for strength in STRENGTHS:
        worse = corrupt(clean, kind, strength)
        assert worse.shape == clean.shape
        assert worse.dtype == np.uint8
        away.append(float(np.abs(worse.astype(float) - clean).mean()))
    assert all(less < more for less, more in zip([0.2, *away], away, strict=False))  # of 255


@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_gets_the_same_in_whatever_batch_it_comes(kind: str):
    clean = photos()
    whole = corrupt(clean, kind, 3)
    assert np.array_equal(whole[2:], corrupt(clean[2:], kind, 3, first=2))
    assert np.array_equal(whole, corrupt(clean.copy(), kind, 3))


def test_the_photos_handed_in_stay_as_they_are():
    clean = photos()
    before = clean.copy()
    for kind in KINDS:
        corrupt(clean, kind, 5)
    assert np.array_equal(clean, before)


@pytest.mark.parametrize("strength", STRENGTHS)
def test_noise_has_the_spread_it_says(strength: int):
    grey = np.full((8, 64, 64, 3), 128, np.uint8)
    spread = (corrupt(grey, "noise", strength).astype(float) / 255).std()
    normal = np.random.default_rng(1).normal(128 / 255, NOISE[strength - 1], 1_000_000)
    assert spread == pytest.approx(np.clip(normal, 0, 1).std(), rel=0.02)


def test_noise_of_two_photos_differs():
    grey = np.full((2, 32, 32, 3), 128, np.uint8)
    one, other = corrupt(grey, "noise", 1).astype(float)
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.1


def test_blur_is_that_of_pillow():
    from PIL import Image, ImageFilter

    clean = photos(1, 224)
    ours = corrupt(clean, "blur", 3)[0].astype(float)
    theirs = np.asarray(Image.fromarray(clean[0]).filter(ImageFilter.GaussianBlur(3))).astype(float)
    assert np.abs(ours - theirs)[20:-20, 20:-20].mean() < 1.0


def test_brightness_keeps_hue_and_contrast_keeps_the_mean():
    import colorsys

    clean = photos(1)
    brighter = corrupt(clean, "brightness", 1)
    for before, after in zip(clean[0, ::56, 5] / 255, brighter[0, ::56, 5] / 255, strict=True):
        assert colorsys.rgb_to_hsv(*after)[0] == pytest.approx(colorsys.rgb_to_hsv(*before)[0], abs=0.02)
        assert max(after) == pytest.approx(min(max(before) + 0.1, 1), abs=0.01)
    flat = corrupt(clean, "contrast", 3)
    assert flat.mean((1, 2)) == pytest.approx(clean.mean((1, 2)), abs=1)
    assert flat.std() < 0.5 * clean.std()


def test_occlusion_hides_as_much_as_it_says():
    hidden = (corrupt(np.zeros((5, 50, 50, 3), np.uint8), "occlusion", 2) == 128).all(3).mean((1, 2))
    assert hidden == pytest.approx(np.full(5, 0.3**2))


def test_night_is_dark_and_has_no_colour():
    night = corrupt(photos(), "night", 5)
    assert night.mean() < 0.35 * photos().mean()
    assert np.array_equal(night[..., 0], night[..., 1])


def test_what_is_not_there_is_named():
    with pytest.raises(NotKnown, match="noise"):
        corrupt(photos(), "noize", 1)
    with pytest.raises(ValueError, match="1 to 5"):
        corrupt(photos(), "noise", 6)
