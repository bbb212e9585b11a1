"""Who pays, in the story and on the page: by hand, photos inside the file, hostile names outside of the markup."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

from harm_builder import CHOSEN, DENSE, harm
from results_builder import CLASSES, TEST, results

from secateur.records import Results
from secateur.report.figures import figures
from secateur.report.page import page
from secateur.report.story import tell


@cache
def study() -> Results:
    return results(harm=(harm(),))


@cache
def told() -> dict[str, Any]:
    return tell(study())


def test_a_class_counts_as_losing_where_its_interval_and_holm_agree() -> None:
    (found,) = told()["harm"]
    assert [p["config"] for p in found["paid"]] == list(CHOSEN)
    assert all(p["worse"] == [CLASSES[0]] for p in found["paid"])
    assert found["paid"][0]["classes"][0]["name"] == CLASSES[0]  # the greatest loss first
    assert found["paid"][0]["classes"][0]["train"] == 5 * TEST[0]


def test_uneven_classes_are_named() -> None:
    uneven = told()["harm"][0]["uneven"]
    assert (uneven["many"], uneven["few"]) == ("dog", CLASSES[-1])
    assert uneven["times"] == 656 / 6


def test_probabilities_are_compared_with_what_was_right() -> None:
    dense = told()["harm"][0]["calibration"][0]
    assert dense["config"] == DENSE
    assert dense["ece"]["value"] == 0.05
    assert abs(dense["confidence"] - (100 * 0.35 + 1000 * 0.86) / 1100) < 1e-9


def test_photos_made_worse_have_a_panel_a_kind_and_a_mean_a_kind() -> None:
    found = told()["harm"][0]["robustness"]
    assert [r["config"] for r in found] == ["cnn/dense", DENSE, *CHOSEN, "cnn/filter-l1/0.9"]
    assert abs(found[0]["means"]["night"] - (0.77 - 0.3)) < 1e-9
    assert found[2]["against"] == "dense longer"
    assert found[0]["difference"] is None
    drawn = figures(told())
    assert [drawn[f"worse-0-{k}"]["usermeta"]["title"] for k in (0, 4, 6)] == ["Noise", "JPEG", "Night"]
    strong = {v["name"] for v in drawn["worse-0-0"]["data"]["values"] if v["opacity"] == 1}
    assert strong == {"dense longer", "magnitude 50\u202f%", "filter-l1 30\u202f%"}


def test_pictures_stand_once_in_the_report_and_names_never_become_markup() -> None:
    (found,) = told()["harm"]
    assert len(found["victims"]) == 24
    assert len(found["named"]) == 30
    picture = found["victims"][0]["thumbnail"]
    assert json.dumps(told()).count(picture) == 1
    text = page(told(), "")
    assert f'src="data:image/jpeg;base64,{picture}"' in text
    assert "<script>alert" not in text
    assert "41 test photos that dense gets right (3 networks)" in text


def test_a_network_that_costs_nobody_says_so() -> None:
    free = replace(harm(), victims=(), victims_in_all=0, robustness=())
    text = page(tell(results(harm=(free,))), "")
    assert "None: no test photo that dense gets right" in text
    assert "Photos made worse" not in text


def test_a_report_without_these_figures_has_no_such_section() -> None:
    assert 'id="harm"' not in page(tell(results()), "")


def test_the_answer_says_who_pays() -> None:
    """Of the chosen cut: the class that certainly loses, by how much, and what photos made worse cost."""
    (answer,) = told()["answers"]
    assert f"recall falls for {CLASSES[0]} −12.00 points [−15.00, −9.00]" in answer["who"][0]
    assert "it moves by −5.00 points [−6.00, −4.00]" in answer["who"][1]
    assert "41 test photos" in answer["who"][2]
