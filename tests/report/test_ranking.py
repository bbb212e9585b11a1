"""Methods in the order of validation, with what the test photos say of it: they choose nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from results_builder import results

from secateur.records import Comparison, Measured, Results
from secateur.report.figures import figures
from secateur.report.page import page
from secateur.report.story import tell

# Validation and test accuracy at one target: the two disagree on who is first.
SEEN = {"magnitude": (0.80, 0.70), "magnitude-gradual": (0.79, 0.74), "filter-l1": (0.78, 0.76)}
PAIRS = (("magnitude", "magnitude-gradual"), ("magnitude", "filter-l1"), ("magnitude-gradual", "filter-l1"))


def study(half: float = 1.0) -> Results:
    """Three methods whose targets take the same thing away; `half`: the half-width of every paired difference."""
    base = results()
    summaries = tuple(
        replace(s, val_accuracy=Measured(SEEN[s.method][0], "fraction"), test_accuracy=known(SEEN[s.method][1]))
        if s.method in SEEN
        else s
        for s in base.summaries
    )
    models = tuple(replace(m, profile=base.models[0].profile) for m in base.models)  # of one structure
    return replace(base, summaries=summaries, models=models, rankings=tuple(pair(*names, half) for names in PAIRS))


def known(value: float) -> Measured:
    return Measured(value, "fraction", value - 0.01, value + 0.01, 1000)


def pair(one: str, other: str, half: float) -> Comparison:
    points = 100 * (SEEN[one][1] - SEEN[other][1])
    found = Measured(points, "points", points - half, points + half, 1000)
    return Comparison(f"cnn/{one}/0.5", f"cnn/{other}/0.5", found, 1.0, "not shown", 0.001 if half < 4 else 0.5)


def table(found: Results) -> Any:
    (compared,) = tell(found)["compared"]
    (only,) = compared["targets"]
    return only


def test_the_first_is_the_best_on_validation_and_test_is_shown_beside_it() -> None:
    found = table(study())
    assert [row["method"] for row in found["rows"]] == ["magnitude", "magnitude-gradual", "filter-l1"]
    assert found["best"] == "magnitude"
    assert [row["test_accuracy"]["value"] for row in found["rows"]] == [0.70, 0.74, 0.76]
    behind = [row["behind"]["value"] if row["behind"] else None for row in found["rows"]]
    assert behind[0] is None and [round(b, 9) for b in behind[1:]] == [4.0, 6.0]  # against validation's first


def test_what_the_test_photos_show_to_be_better_is_said_and_not_put_first() -> None:
    found = table(study())
    assert (found["ahead"], found["equal"], found["beaten"]) == (["magnitude-gradual", "filter-l1"], [], 0)
    text = page(tell(study()), "")
    assert "Best on validation: <b>50\u202f%</b> magnitude; on test worse than magnitude-gradual, filter-l1" in text
    assert "better than every other" not in text


def test_what_is_not_shown_is_neither_behind_nor_ahead() -> None:
    found = table(study(half=9.0))
    assert (found["ahead"], found["equal"], found["beaten"]) == ([], ["magnitude-gradual", "filter-l1"], 0)
    assert "magnitude, on test not shown to be better than any other of 3" in page(tell(study(half=9.0)), "")


def test_words_of_the_charts_begin_with_the_best_on_validation() -> None:
    chart = figures(tell(study()))["compared-0-size"]
    points = chart["data"]["values"]
    by_validation = sorted(points, key=lambda p: -p["validation"])
    best = chart["description"].partition("The best on validation: ")[2]
    assert best.startswith("; ".join(f"{p['name']} {p['said']}" for p in by_validation[:8]))
    assert [p["name"] for p in by_validation[:8]] != [
        p["name"] for p in sorted(points, key=lambda p: -p["accuracy"])[:8]
    ]
