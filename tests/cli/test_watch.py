"""What a running study shows on a terminal: names that a person tells apart, in a line that is not wider than it."""

from __future__ import annotations

import io

from rich.console import Console

from secateur.budget import expected
from secateur.choice import MethodChoice
from secateur.cli.watch import Shown
from secateur.plan import plan
from secateur.records import Outcome, Step
from secateur.settings import Study

ASKED = Study(
    name="x",
    folder="photos",
    backbone="cnn",
    epochs=1,
    retrain_epochs=1,
    seeds=(0,),
    sparsities=(0.5,),
    methods=(
        MethodChoice(name="filter-taylor", scope="global", macs=(0.5,)),
        MethodChoice(name="lamp"),
    ),
)


def lines(study: Study, steps: list[Step]) -> list[str]:
    """What is said of each step when it is over, where no terminal is."""
    out = io.StringIO()
    shown = Shown(Console(file=out, width=200))
    shown.planned(study, expected(study), [], ())
    before = len(out.getvalue())
    for number, step in enumerate(steps, start=1):
        shown.began(step.title, number, len(steps))
        shown.ended(Outcome(step.id, step.kind, step.title, "made", seconds=2))
    shown.close()
    return out.getvalue()[before:].splitlines()


def test_steps_go_by_short_names_each_another_one():
    steps = plan(ASKED)
    assert any("filter-random-macs-global-like-filter-taylor 50 %" in step.title for step in steps)
    said = lines(ASKED, steps)
    assert not [line for line in said if "-like-" in line or "-global" in line or "\u202f" in line]
    assert any("retrain random, same widths 50 % of MACs, seed 0: made" in line for line in said)
    assert any("retrain random, same sparsities 50 %, seed 0: made" in line for line in said)
    assert any("retrain filter-taylor 50 % of MACs, seed 0: made" in line for line in said)
    assert any("train dense, seed 0: made" in line for line in said)
    assert len({line.split("] ")[1] for line in said}) == len({step.title for step in steps})


def test_steps_that_follow_from_a_choice_do_too():
    later = Step("quantize/x", "quantize", {}, {}, "quantise filter-random-macs-global-like-filter-taylor 50 % INT8")
    assert lines(ASKED, [later]) == ["[1/1] quantise random, same widths 50 % of MACs INT8: made in 2 s"]


def test_before_a_plan_titles_are_as_they_are():
    out = io.StringIO()
    shown = Shown(Console(file=out, width=200))
    shown.began("reading the photos", 0, 0)
    shown.ended(Outcome("x", "scan", "", "failed", why="[no]"))
    shown.close()
    assert out.getvalue() == "reading the photos: failed: [no]\n"


def test_one_epoch_is_one():
    out = io.StringIO()
    shown = Shown(Console(file=out, width=200))
    shown.planned(ASKED, [], [], ())
    shown.close()
    assert "1 epoch," in out.getvalue() and "1 epochs" not in out.getvalue()
