"""What the library returns, printed and in a notebook: a line, whatever the size, and HTML that is only words and
drawings, whatever the names."""

from __future__ import annotations

import types
import typing
from dataclasses import fields, is_dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from results_builder import bench, results

from secateur import records
from secateur.api.models import Model
from secateur.choice import MethodChoice
from secateur.records import Answer, Answers, History, Judged, Photo, Problem, Snapshot, Split, Tie
from secateur.records.brief import html
from secateur.report.story import tell
from secateur.report.terminal import study
from secateur.settings import Study

HOSTILE = "<script>alert(1)</script> & \"Füchse\" 'und' Hasen "
LONG = HOSTILE * 40
MANY = 20_517
RECORDS = [r for r in (getattr(records, name) for name in records.__all__) if isinstance(r, type) and is_dataclass(r)]
PHOTOS = tuple(Photo(f"{HOSTILE}/{i}.jpg", i % 1000, "a" * 64, "b" * 16, 640, 480, 12_345, i) for i in range(MANY))
CLASSES = tuple(f"{HOSTILE}{i:04d}" for i in range(1000))


@cache
def monster(kind: Any) -> Any:
    """One of a kind, as large and as badly named as it may be."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return inner[0]
    if origin in (typing.Union, types.UnionType):
        return monster(next(i for i in inner if i is not type(None)))
    if origin is tuple:
        one = [monster(i) for i in inner if i is not Ellipsis]
        return tuple(one * 3000) if Ellipsis in inner else tuple(one)
    if origin is dict:
        return {f"{LONG}{i}": monster(inner[1]) for i in range(1000)}
    if is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{f.name: monster(hints[f.name]) for f in fields(kind)})
    return {str: LONG, int: 10**15, float: 123456.789012345, bool: True, Any: LONG}[kind]


class Tags(HTMLParser):
    """What there is in a text of HTML, and whether it closes what it opens."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "br":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def drawn(record: Any) -> str:
    """Its HTML, looked over."""
    text: str = record._repr_html_()
    tags = Tags()
    tags.feed(text)
    assert not tags.open
    assert tags.seen <= {"div", "table", "thead", "tbody", "tr", "th", "td", "b", "br", "span", "svg"} | {
        "line",
        "circle",
        "polyline",
        "text",
    }
    assert not {name for name in tags.attributes if name.startswith("on")} and "src" not in tags.attributes
    assert "http" not in text and "url(" not in text
    assert len(text) < 60_000
    return text


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_every_record_says_one_short_line_whatever_it_holds(kind: type):
    said = repr(monster(kind))
    assert said == str(monster(kind)) and said.startswith(kind.__name__)
    assert len(said) < 300 and "\n" not in said


OWN = set(html.registry) - {object}


@pytest.mark.parametrize("kind", [r for r in RECORDS if r not in OWN], ids=lambda kind: kind.__name__)
def test_every_record_has_a_table_of_its_fields(kind: type):
    text = drawn(monster(kind))
    assert kind.__name__ in text and all(f">{f.name}<" in text for f in fields(kind))


def snapshot() -> Snapshot:
    problems = (Problem(HOSTILE, "unreadable", LONG),) * 3 + (
        Problem("a", "near-duplicate", "b", left_out=False),
    ) * 1088
    return Snapshot("/photos", CLASSES, PHOTOS, problems, ties=(Tie("near-duplicates", 600, 1300, 9),))


def model(history: History | None) -> Model:
    step = "retrain/cnn/filter-random-global-like-filter-taylor/0.9/seed0"
    study = Study(folder="photos", backbone="cnn", methods=(MethodChoice(name="filter-taylor", scope="global"),))
    return Model(Path("/" + "runs" * 20), CLASSES, 64, history, study, step, snapshot(), {"a": "b" * 64}, Path("runs"))


def test_a_snapshot_says_how_many_and_draws_its_classes():
    said = snapshot()
    assert len(str(said)) < 300 and "<20,517 Photo>" in str(said) and "<1,000 str>" in str(said)
    text = drawn(said)
    assert "20,517 photos in 1,000 classes" in text and "and 988 more" in text
    assert "near-duplicate: 1,088, kept; unreadable: 3" in text and "&lt;script&gt;" in text


def test_a_model_is_a_line_and_a_curve():
    said = model(results().models[0].history)
    assert len(str(said)) < 300 and "random, same widths 90" in str(said)
    assert drawn(said).count("<polyline") == 2 and "1,000 classes, 64 px, 20,517 photos" in drawn(said)
    assert "Just pruned" in drawn(model(None))
    assert len(repr(said.study)) < 300 and str(said.study) == repr(said.study)


def test_results_show_the_answer_and_ten_rows():
    text = drawn(results())
    assert text.index("magnitude 50\u202f% is the smallest file") < text.index("<table")
    assert text.count("<tr>") == 1 + 10 and "and 12 more" in text
    assert "→ magnitude 50\u202f%" in text and "dense longer" in text
    for row in study(tell(results())).rows:  # the terminal's ten
        assert f">{row[0]}<" in text.replace("\u202f", " ")


def test_comparisons_times_and_figures_have_tables():
    found = results()
    times = bench(found)
    text = drawn(found.comparisons[5])
    assert all(words in text for words in ("magnitude 70\u202f%", "dense longer", "worse", "margin 1"))
    assert all(
        words in drawn(times) for words in ("filter-l1 30\u202f%", "1.60 [1.55, 1.65]", "Doubt: the machine was busy")
    )
    evaluation = found.models[0].evaluation
    assert evaluation is not None
    assert "worst class" in drawn(evaluation) and "&lt;script&gt;" in drawn(evaluation)
    judged = Judged("m", HOSTILE, CLASSES, evaluation, ("a",) * MANY, (0,) * MANY, 0.5, (), (), (), 12, ())
    assert len(str(judged)) < 300 and "12 photos stood in its study" in drawn(judged)


def test_answers_are_a_list_that_prints_in_a_line():
    one = Answer(HOSTILE, ((HOSTILE, 0.8), ("fox", 0.2)), HOSTILE)
    found = Answers([one] * MANY + [Answer("b", problem=LONG), Answer("c", (("fox", 0.3),), "unsure")])
    assert isinstance(found, list) and found[0] == one and len(str(found)) < 100
    assert repr(found) == "Answers(20,519 photos, 1 unsure, 1 not read)"
    assert "20,519 photos answered" in drawn(found)
    assert "not read" in drawn(found[-2]) and drawn(one)


def test_a_split_shows_its_three_sides():
    text = drawn(Split(tuple(range(14_000)), tuple(range(3000)), tuple(range(3517)), "stratified", 0))
    assert "20,517 photos dealt" in text and "14,000" in text and "68.2" in text


def test_a_curve_of_one_epoch_and_of_losses_that_are_no_numbers():
    def trained(*accuracies: float) -> str:
        rows = tuple(records.Epoch(i, 1e-3, float("nan"), a, 1.0, a) for i, a in enumerate(accuracies, 1))
        return drawn(History(rows, 1, False, "fast", "fp32", "cpu", 10, False))

    assert "<circle" in trained(0.5)
    assert "NaN" not in trained(0.5, float("nan"), 0.6) and "nan" not in trained(0.5, float("nan"), 0.6)
    assert "<svg" not in trained()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_page_it_runs_nothing_asks_for_nothing_and_can_be_read(browser: Browser, scheme: Any):
    heard: list[str] = []
    context = browser.new_context(viewport={"width": 390, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.on("dialog", lambda d: (heard.append(f"dialog: {d.message}"), d.dismiss()))
    page.on("request", lambda r: heard.append(f"request: {r.url[:80]}"))
    page.on("console", lambda m: heard.append(f"{m.type}: {m.text}"))
    found = results()
    answers = Answers([Answer(HOSTILE, ((HOSTILE, 0.8),), HOSTILE)] * 30)
    shown = (snapshot(), model(found.models[0].history), found, found.comparisons[5], bench(found), answers)
    colours = "#111;color:#eee" if scheme == "dark" else "#fff;color:#111"
    page.set_content(f"<body style='background:{colours}'>" + "".join(drawn(x) for x in shown))
    assert heard == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("script").count() == 0
    assert page.locator("svg polyline").first.evaluate("e => getComputedStyle(e).stroke") == "rgb(61, 139, 196)"
    text = page.locator("svg text").first.evaluate("e => getComputedStyle(e).fill")
    assert text == ("rgb(238, 238, 238)" if scheme == "dark" else "rgb(17, 17, 17)")
    context.close()
