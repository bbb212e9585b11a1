"""docs/numbers.md says what the code does: the numbers in its sentences are the code's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from secateur.forms.parity import FP16_LOSES, INT8_LOSES, TOLERANCE_FP32
from secateur.measure import accuracy, calibration, compare, crossed, ratios, sample_size
from secateur.steps.parity import LOOKED

PAGE = " ".join((Path(__file__).parents[1] / "docs" / "numbers.md").read_text(encoding="utf-8").split())


@pytest.mark.parametrize(
    ("sentence", "value"),
    [
        (r"a standard deviation of ([\d.]+) points between seeds", crossed.PRIOR_POINTS),
        (r"\(([\d.]+) for the recall of one class\)", crossed.PRIOR_POINTS_CLASS),
        (r"one class\), with (\d+) degrees of freedom", crossed.PRIOR_DF),
        (r"decides in (nine) of ten test sets", 10 * sample_size.POWER),
        (r"those that lose up to (five) points", compare.NEAR),
        (r"counts for (two) more at most", crossed.POOLED_DF),
        (r"\*\*Under (ten) groups\*\*", accuracy.FEW),
        (r"with (five) or fewer there is no verdict", crossed.FEW_GROUPS),
        (r"from (three) on a study speaks for itself", crossed.ENOUGH_SEEDS),
        (r"a spread of (\d+) % between processes", 100 * ratios.PROCESS),
        (r"logits within ([\de-]+) of the largest", TOLERANCE_FP32),
        (r"\*\*INT8\*\* may lose (one) point", 100 * INT8_LOSES),
        (r"decide one photo in (\d+) otherwise", 1 / FP16_LOSES),
        (r"where these are fewer than (\d+), logits", LOOKED),
        (r"calibration error \((\d+) bins", calibration.BINS),
    ],
)
def test_a_number_of_the_page_is_the_codes(sentence: str, value: float):
    words = {"one": 1, "two": 2, "three": 3, "five": 5, "nine": 9, "ten": 10}
    found = re.search(sentence, PAGE)
    assert found, f"the page no longer says: {sentence}"
    said = found[1]
    assert float(words.get(said, 0) or said) == pytest.approx(value)


def test_the_table_of_errors_is_within_the_promised_bounds():
    """Printed by tests/measure/simulated.py; the bounds are those of tests/measure/test_error_rates.py."""
    rows = re.findall(r"\| (\d) \| ([^|]+) \| [\d,]+ \| \d \| ([^|]+) % \| ([^|]+) % \| ([^|]+) % \|", PAGE)
    assert len(rows) == 36
    for _, spread, covered, better, as_good in rows:
        if "twice" in spread:
            continue  # printed, not bounded
        assert all(93 <= float(x) <= 99 for x in re.findall(r"[\d.]+", covered))
        assert all(float(re.findall(r"[\d.]+", x)[0]) <= 3.5 for x in (better, as_good))


def test_no_sentence_of_what_is_gone():
    for word in ("McNemar", "wider of", "bootstrap over photos"):
        assert word not in PAGE
