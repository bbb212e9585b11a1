"""How often test photos were opened, as the report says it, and from when on it doubts itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from results_builder import results

from secateur.records import Looks
from secateur.report.looks import doubt, said
from secateur.report.page import page
from secateur.report.story import tell

ONE = Looks("d" * 24, 500, "p" * 24, plans=1, place=1)


@pytest.mark.parametrize(
    ("plans", "partly", "doubts"),
    [(1, (), False), (2, (), False), (3, (), True), (7, (), True), (2, (0.49,), False), (2, (0.9, 0.1), True)],
)
def test_it_doubts_itself_from_the_third_plan_on(plans: int, partly: tuple[float, ...], doubts: bool) -> None:
    looks = replace(ONE, plans=plans, partly=partly)
    told = tell(results(looks=looks))
    assert bool(doubt(looks)) is doubts
    assert any("confirm on photos that no plan has opened" in line for line in told["answer"]["not_known"]) is doubts
    assert told["looks"] == said(looks) and said(looks) in page(told, "")


def test_the_number_and_the_place() -> None:
    assert said(ONE) == "The test photos of this split were opened by 1 plan."
    several = replace(ONE, plans=3, place=2, partly=(0.152,))
    assert said(several) == (
        "The test photos of this split were opened by 3 different plans, of which this is number 2; 1 further one "
        "opened some of them, at most 15\u202f%."
    )


def test_a_damaged_ledger_is_said_at_once_and_an_absent_one_is_no_zero() -> None:
    damaged = replace(ONE, damaged=True)
    assert "at least 1 plan" in doubt(damaged) and "damaged" in doubt(damaged)
    assert said(None) == "How often the test photos of this split were opened was not counted."
    assert said(None) in page(tell(results()), "")
