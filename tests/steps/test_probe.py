"""What a photo costs, from two steps of few photos."""

from __future__ import annotations

import pytest

from secateur.steps.probe import a_photo


def test_what_a_step_costs_by_itself_is_shared_by_its_photos():
    """3 s a step and 2 s a photo: 11 s for four, 7 s for two; in batches of 32 a photo costs 2 + 3/32 s."""
    assert a_photo(11, 7, 4, 32) == pytest.approx(2 + 3 / 32)


@pytest.mark.parametrize(("whole", "small", "n", "batch", "said"), [(8, 4, 4, 4, 2), (8, 8, 4, 32, 1 + 4 / 32)])
def test_clocks_that_lie_and_whole_batches(whole: float, small: float, n: int, batch: int, said: float):
    assert a_photo(whole, small, n, batch) == pytest.approx(said)
