"""The sparsity of a method, chosen on validation by the same seeds."""

from __future__ import annotations

import pytest

from secateur.measure.choose import choose

DENSE = {0: 0.80, 1: 0.82, 2: 0.84}


def test_the_highest_within_the_margin():
    found = choose("cnn", "m", {0.5: {0: 0.80, 1: 0.82, 2: 0.83}, 0.9: {0: 0.70, 1: 0.71, 2: 0.72}}, DENSE, 1.0)
    assert (found.target, found.config) == (0.5, "cnn/m/0.5")
    assert "81.7% against 82.0%" in found.why


def test_a_target_that_lacks_seeds_is_no_candidate():
    """Its one seed is 2.5 points below its own dense; beside the mean of three it looked within a point."""
    found = choose("cnn", "m", {0.5: {0: 0.80, 1: 0.82, 2: 0.83}, 0.9: {2: 0.815}}, DENSE, 1.0)
    assert found.target == 0.5 and [t for t, _ in found.candidates] == [0.5]


def test_dense_is_held_against_it_by_the_same_seeds():
    found = choose("cnn", "m", {0.5: {2: 0.825}}, DENSE, 1.0)
    assert "none is within 1 point" in found.why  # of 84 %, not of 82


def test_without_dense_the_most_accurate():
    assert choose("cnn", "m", {0.3: {0: 0.8}, 0.5: {0: 0.7}}, {}, 1.0).target == 0.3
    with pytest.raises(ValueError, match="nothing"):
        choose("cnn", "m", {}, DENSE, 1.0)
