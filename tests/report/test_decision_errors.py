"""How often "use this file" is wrong: the decision on simulated differences, at fixed seeds.

A recommendation is wrong where the file is truly more than the margin below dense, or where chance or an uncut rival
is truly as good. Each study has a cut network in 32 bits and in INT8, whose differences go together, and the dense
network in INT8, which is larger. Intervals are those of a normal difference of known spread: what is tested is the
rule, not how an interval is made.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from test_decision import FILTERS, LONGER, RANDOM, case, int8_of_cut, rival, with_int8

from secateur.arms import in_int8
from secateur.records import Comparison, Measured, Results
from secateur.report.decision import Answer, decide

SPREAD = 0.45  # points, of a difference: about 4,000 photos
TOGETHER = 0.9  # correlation of the two forms' differences
STUDIES = 1500
CUT, CUT_8 = FILTERS, in_int8(FILTERS)
NARROW = "cnn/narrow-filter-l1"


@cache
def study() -> Results:
    """One seed; the cut file smaller than dense in INT8 in both forms, so that size decides nothing."""
    found = with_int8(case((FILTERS, (0.0, 0.0), (0.0, 0.0))), zstd=10**9)
    found = rival(int8_of_cut(found, FILTERS, (0.0, 0.0), (0.0, 0.0)), NARROW)
    found = rival(found, in_int8(NARROW), form="int8", of=NARROW)
    wanted = {CUT, CUT_8, LONGER, RANDOM[CUT], in_int8(RANDOM[CUT]), NARROW, in_int8(NARROW), "cnn/dense"}
    wanted |= {s.config for s in found.summaries if s.role == "quantized"}
    models = tuple(m for m in found.models if m.config in wanted and m.seed == 0)
    kept = tuple(c for c in found.comparisons if c.subject == "cnn/dense-longer-int8")
    summaries = tuple(s for s in found.summaries if s.config in wanted)
    return replace(found, models=models, summaries=summaries, comparisons=kept, harm=(), outcomes=())


def compared(subject: str, against: str, value: float) -> Comparison:
    low, high = value - 1.96 * SPREAD, value + 1.96 * SPREAD
    verdict = "better" if low > 0 else "as good as" if low > -1 else "worse" if high < 0 else "not shown"
    return Comparison(subject, against, Measured(value, "points", low, high, 4000), 1.0, verdict)  # type: ignore[arg-type]


def answers(dense: float, chance: float, uncut: float, seed: int, studies: int = STUDIES) -> list[Answer]:
    """Of studies in which the cut network truly differs by so many points from each."""
    shared, own = np.random.default_rng(seed).normal(0, SPREAD, (2, studies, 2, 3))
    noise = TOGETHER**0.5 * shared[:, :1] + (1 - TOGETHER) ** 0.5 * own  # (studies, forms, pairs)
    found = []
    for drawn in noise + np.array([dense, chance, uncut]):
        pairs = [
            compared(subject, against, float(value))
            for values, subject, others in (
                (drawn[0], CUT, (LONGER, RANDOM[CUT], NARROW)),
                (drawn[1], CUT_8, (LONGER, in_int8(RANDOM[CUT]), in_int8(NARROW))),
            )
            for value, against in zip(values, others, strict=True)
        ]
        base = study()
        found.append(decide(replace(base, comparisons=(*base.comparisons, *pairs)), "cnn"))
    return found


@pytest.mark.parametrize(
    ("what", "truth"),
    [
        ("a file at the margin below dense", (-1.0, 4.0, 4.0)),
        ("chance is as good", (0.5, 0.0, 4.0)),
        ("an uncut network is as good", (0.5, 4.0, 0.0)),
    ],
)
def test_a_wrong_file_is_seldom_recommended(what: str, truth: tuple[float, float, float]):
    """2.5 % for each file; two files of one network, which go together, are looked at."""
    wrong = sum(a.kind == "recommend" for a in answers(*truth, seed=7)) / STUDIES
    assert 0.005 < wrong <= 0.045, (what, wrong)


def test_a_file_that_is_good_and_small_is_found_and_it_is_the_int8_one():
    found = answers(0.5, 4.0, 4.0, seed=8, studies=300)
    assert sum(a.kind == "recommend" for a in found) / 300 > 0.8
    used = [a.use for a in found if a.kind == "recommend"]
    assert sum(use == CUT_8 for use in used) / len(used) > 0.9  # the smaller of the two
