"""Who pays, in the story and on the page: by hand, photos inside the file, hostile names outside of the markup."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

from harm_builder import CHOSEN, DENSE, harm
from results_builder import CLASSES, TEST, results

from secateur.records import ClassChange, Comparison, Measured, Paid, Results
from secateur.report.card import card
from secateur.report.classes import about, sentences
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


def row(name: str, n: int, needed: int | None, points: float = -0.4, p: float = 1.0) -> ClassChange:
    found = Measured(points, "points", points - 3, points + 3, n, "bootstrap over groups of photos")
    return ClassChange(name, n, 0.8, Comparison("pruned", "dense", found, 1.0, "not shown", p), needed)


def loss(verdict: Any, points: float = -83.3) -> Comparison:
    return Comparison("cut", "dense", Measured(points, "points", points - 5, points + 5, 60), 1.0, verdict, 0.001)


def test_no_power_is_not_no_harm() -> None:
    """8.3 % test accuracy, 83 points below dense, six photos a class: the loss over all is said first, and no class is
    called unharmed."""
    paid = Paid("cut", "dense", tuple(row(f"c{i}", 6, 23_000 + 400 * i, points=-83.3, p=0.6) for i in range(10)))
    said = sentences(paid, loss("worse"))
    assert said == (
        "Worse than dense over all classes: \u221283.30 points [\u221288.30, \u221278.30] (n = 60).",
        "Too few photos a class to tell: 6 in the test, and about 23,000 to 27,000 would show a loss of 1 point "
        "in 90\u202f% of all test sets.",
    )
    assert "seen to lose" not in " ".join(said)


def test_only_where_photos_suffice_is_a_class_not_seen_to_lose() -> None:
    enough = Paid("cut", "dense", tuple(row(f"c{i}", 9000, 8000) for i in range(3)))
    (said,) = sentences(enough, loss("not shown", -0.3))
    assert said.startswith("No class was seen to lose (Holm over 3 classes); the most, c0 \u22120.40 points")
    mixed = Paid("cut", "dense", (row("a", 9000, 8000), row("b", 50, 8000), row("c", 9000, None)))
    assert sentences(mixed, None) == (
        "Of b, too few photos a class to tell: 50 in the test, and about 8,000 would show a loss of 1 point in "
        "90\u202f% of all test sets.",
        "Of c, too few seeds to tell: more photos alone would not do.",
        "No class with photos enough was seen to lose (Holm over 3 classes); the most, a "
        "\u22120.40 points [\u22123.40, +2.60] (bootstrap over groups of photos, n = 9,000).",
    )
    losing = Paid("cut", "dense", (row("a", 9000, 8000, -9.0, 0.001), row("b", 9000, 8000)))
    assert [line[:32].strip() for line in sentences(losing, None)] == [
        "Recall falls for a \u22129.00 points",
        "No other class was seen to lose",
    ]
    old = Paid("cut", "dense", (row("a", 9000, 0),))  # of results from before the number was counted
    assert "was not counted" in sentences(old, None)[0] and "seen to lose" not in sentences(old, None)[0]


def test_a_number_of_photos_claims_two_digits() -> None:
    assert [about(n) for n in (7, 61, 100, 10_030, 5_999)] == [7, 61, 100, 11_000, 6_000]


def test_the_page_and_the_card_say_the_same_of_classes() -> None:
    paid = told()["harm"][0]["paid"][0]
    text = page(told(), "")
    assert paid["said"].startswith("Recall falls for butterfly")
    assert "Of 7 others, too few photos a class to tell" in paid["said"] and paid["said"].split("[")[0] in text
    assert 'title="5,000 test photos would show a loss of 1 in nine of ten test sets"' in text
    assert paid["said"] in card(study(), CHOSEN[0], 1000)


def test_pictures_that_pay_stand_beside_the_churn_of_a_second_training() -> None:
    said = (
        "Chance alone does this, too: another seed of dense gets 32 wrong that this one gets right (28 to 36 over 6 "
        "pairs); on average a pruned network gets 38 wrong that dense of its seed gets right."
    )
    assert told()["harm"][0]["chance"] == said
    assert said in page(told(), "") and told()["answers"][0]["who"][2].endswith(said)
    churn = harm().churn
    assert churn is not None
    alone = replace(harm(), churn=replace(churn, pairs=0, dense=0.0, least=0, most=0))
    assert "One seed cannot tell how many of these are chance" in page(tell(results(harm=(alone,))), "")
    unknown = replace(harm(), churn=None)
    assert "was not counted" in tell(results(harm=(unknown,)))["harm"][0]["chance"]
