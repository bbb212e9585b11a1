"""How many channels stay."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from secateur.pruning import channels, masks, widths


@given(st.integers(0, 999), st.integers(1, 300), st.sampled_from([1, 2, 4, 8, 16]))
def test_widths_are_multiples_and_never_empty(thousandths: int, size: int, multiple: int):
    ratio = thousandths / 1000
    stay = widths.count(ratio, size, multiple)
    assert min(size, multiple) <= stay <= size
    assert stay == size or stay % multiple == 0
    assert widths.count(min(ratio + 0.01, 0.999), size, multiple) <= stay
    if multiple == 1:
        assert stay == max(size - masks.floor(ratio, size), 1)


@pytest.mark.parametrize(
    ("ratio", "size", "multiple", "stay"),
    [
        (0.5, 32, 8, 16),
        (0.5, 40, 8, 24),  # 20 lies between 16 and 24: halves go up
        (0.5, 10, 8, 8),
        (0.9, 32, 8, 8),  # never fewer than one multiple
        (0.5, 6, 8, 6),  # narrower than one multiple: whole
        (0.01, 10, 8, 10),  # nothing goes, so nothing is rounded
        (0.5, 10, 1, 5),
    ],
)
def test_widths_by_hand(ratio: float, size: int, multiple: int, stay: int):
    assert widths.count(ratio, size, multiple) == stay


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(0, 99))
def test_choosing_by_count_is_the_studys_rule(values: list[int], hundredths: int):
    scores = {"a": torch.tensor(values, dtype=torch.float32)}
    ratio = hundredths / 100
    counts = {"a": widths.count(ratio, len(values))}
    assert widths.choose(scores, counts) == channels.kept_after(scores, ratio)
