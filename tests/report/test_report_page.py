"""The page as text: self-contained, escaped, stating n, seed, split and command; written whole or not at all."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import os
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from results_builder import results
from test_decision import BEATS, FILTERS, PASSES, case, int8_of_cut, with_int8

from secateur.errors import UserError
from secateur.records import Outcome, Results, Taken
from secateur.report.draw import write_report
from secateur.report.figures import figures
from secateur.report.page import forest, json_in_html, page
from secateur.report.still import png, still
from secateur.report.story import tell

STUB = "window.vegaEmbed = () => Promise.resolve();"
COMMAND = "secateur study studies/animals10.toml"


@cache
def text() -> str:
    return page(tell(results()), STUB)


@cache
def with_int8_files() -> dict[str, Any]:
    """The story of a study whose answer is a pruned network's INT8 file."""
    plain = with_int8(case((FILTERS, PASSES, BEATS)), zstd=750_000, onnx=841_384)
    return tell(int8_of_cut(plain, FILTERS, PASSES, BEATS, zstd=530_151))


def test_int8_files_are_rows_of_their_own_network_and_no_points_of_its_curves() -> None:
    story = with_int8_files()
    names = [row["name"] for row in story["models"]]
    at = names.index("filter-l1 30\u202f% INT8")
    assert names[at - 1] == "filter-l1 30\u202f%"
    assert [row["random"] for row in story["models"] if row["name"] == "filter-random 30\u202f% INT8"] == [True]
    drawn = figures(story)
    for name, chart in drawn.items():
        said = json.dumps(chart, ensure_ascii=False)
        assert ("filter-l1 30\u202f% INT8" in said) == name.startswith("size-"), name
    points = {p["name"]: p for p in drawn["size-onnx"]["data"]["values"]}
    cut, eight = points["filter-l1 30\u202f%"], points["filter-l1 30\u202f% INT8"]
    assert (eight["stroke"], eight["shape"]) == (cut["stroke"], cut["shape"])
    assert eight["fill"] != cut["fill"] and eight["method"] != cut["method"]  # hollow, and on no line of the others


def test_what_int8_files_cost_is_printed() -> None:
    plain = int8_of_cut(with_int8(case((FILTERS, PASSES, BEATS))), FILTERS, PASSES, BEATS)
    kinds = ("quantize", "parity", "profile", "evaluate")
    own = [Outcome(f"{k}/cnn/filter-l1-int8/0.3/seed1", k, "", "made", seconds=30.0) for k in kinds]
    own.append(Outcome("evaluate/cnn/filter-l1/0.3/seed1", "evaluate", "", "made", seconds=1000.0))
    own.append(Outcome("bench/cnn", "bench", "", "made", seconds=60.0))
    story = tell(replace(plain, outcomes=tuple(own)))
    timed = plain.benches[0].candidates
    assert story["cost"]["int8_seconds"] == pytest.approx(120 + 60 / len(timed))
    assert "for INT8 files" in page(story, STUB)


def test_the_page_says_which_file_to_use_with_its_bytes() -> None:
    shown = page(with_int8_files(), STUB)
    answer = html.unescape(shown[: shown.index("<main>")])
    assert "filter-l1 30\u202f% INT8 is the smallest file" in answer
    assert "<dt>ONNX file</dt><dd>539\u202fkB</dd>" in answer


def test_class_names_never_become_markup() -> None:
    assert "<script>alert" not in text() and "<img src=x" not in text() and "<b>bold</b>" not in text()
    assert html.escape("<script>alert(1)</script>") in text()


def test_only_our_scripts_may_run() -> None:
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', text()).group(1))  # type: ignore[union-attr]
    assert "default-src 'none'" in policy and "unsafe-eval" not in policy
    scripts = re.findall(r"<script>(.*?)</script>", text(), flags=re.DOTALL)
    assert len(scripts) == 2
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "script-src 'unsafe-inline'" not in policy


def test_a_bundle_that_holds_a_closing_tag_cannot_end_its_element() -> None:
    hostile = page(tell(results()), 'var a = "</script><p id=out>";')
    assert "</script><p id=out>" not in hostile


def test_nothing_is_loaded_from_elsewhere() -> None:
    loads = re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)""", text())
    assert loads and all(link.startswith(("#", "data:")) for link in loads)
    assert "@import" not in text() and "url(" not in text()


def test_json_in_html_cannot_leave_its_element_and_stays_the_same_json() -> None:
    value = {"a": "</script><!-- & \u2028 é", "n": [1, 2.5, None]}
    written = json_in_html(value)
    assert not set("<>&\u2028") & set(written)
    assert json.loads(written) == value


def test_every_figure_and_table_of_results_says_n_seed_split_and_command() -> None:
    made = [re.sub(r"<[^>]+>", "", m) for m in re.findall(r'<p class="made">(n = .*?)</p>', text())]
    assert len(made) >= 8
    for line in made:
        assert "seeds 0, 1, 2" in line and "stratified 70/15/15" in line and COMMAND in line
    for figure in re.findall(r"<figure>(.*?)</figure>", text(), flags=re.DOTALL):
        assert '<p class="made">n = ' in figure


def test_opens_with_the_answer_and_keeps_the_order() -> None:
    told = tell(results())
    places = [text().index(html.escape(told["answer"]["headline"]))]
    order = ("All networks", "Accuracy against size", "Label distribution", "Training curves")
    order += ("Accuracy against sparsity", "Confusion matrices", "Recall of each class", "What is missing")
    places += [text().index(f"{words}</h") for words in (*order, "How it was made")]
    assert places == sorted(places)


def test_what_is_missing_and_what_failed_is_on_the_page() -> None:
    for words in ("INT8 of the dense network", "synflow 50 %, seed 0", "Shrunk to the budget of 2h"):
        assert words in text()


@pytest.mark.parametrize(
    "changes",
    [
        {"models": (), "summaries": (), "choices": (), "comparisons": ()},
        {"choices": (), "comparisons": ()},
        {"outcomes": (), "notes": (), "missing_controls": ()},
    ],
)
def test_a_study_with_little_in_it_still_has_a_page(changes: dict[str, tuple[()]]) -> None:
    assert "<h1>" in page(tell(results(**changes)), STUB)


def test_untested_models_still_have_a_page() -> None:
    base = results()
    models = tuple(replace(m, evaluation=None, parity=None) for m in base.models)
    summaries = tuple(replace(s, test_accuracy=None) for s in base.summaries)
    bare = replace(base, models=models, summaries=summaries, comparisons=())
    assert "not checked" in page(tell(bare), STUB)


def test_too_many_classes_for_a_matrix_are_told_in_words() -> None:
    assert "are too many to draw" in page(tell(many_classes(results(), 31)), STUB)
    assert "are too many to draw" not in text()


def many_classes(base: Results, count: int) -> Results:
    """The same results over `count` classes, the new ones without a photo."""
    more = tuple(f"class {i}" for i in range(count - len(base.data.classes)))
    zeros = (0,) * len(more)
    data = replace(
        base.data,
        classes=base.data.classes + more,
        train=base.data.train + zeros,
        val=base.data.val + zeros,
        test=base.data.test + zeros,
    )
    models = []
    for m in base.models:
        assert m.evaluation is not None
        own = m.evaluation
        blank = tuple(replace(own.classes[0], name=name, n=0) for name in more)
        wide = tuple(row + zeros for row in own.confusion) + ((0,) * count,) * len(more)
        models.append(replace(m, evaluation=replace(own, classes=own.classes + blank, confusion=wide)))
    summaries = []
    for s in base.summaries:
        assert s.figures is not None
        wider = s.figures.classes + tuple(replace(s.figures.classes[0], name=name, n=0) for name in more)
        summaries.append(replace(s, figures=replace(s.figures, classes=wider)))
    return replace(base, data=data, models=tuple(models), summaries=tuple(summaries))


def test_forest_places_by_hand() -> None:
    compared = {"difference": {"value": 0.0, "low": -2.0, "high": 2.0}, "margin": 1.0}
    drawn = forest(compared, reach=4.0, width=80)
    assert (drawn["zero"], drawn["low"], drawn["high"], drawn["margin"], drawn["off"]) == (40, 20, 60, 30, False)
    compared["difference"] = {"value": -9.0, "low": None, "high": None}
    assert forest(compared, reach=4.0, width=80)["off"] is True


def test_writes_both_files_and_nothing_else(tmp_path: Path) -> None:
    write_report(results(), tmp_path, STUB)
    assert {p.name for p in tmp_path.iterdir()} == {"report.json", "report.html"}
    told = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert told == tell(results())
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == text()


def test_a_report_that_cannot_be_made_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_report(results(), tmp_path, STUB)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(UserError):
        write_report(results(published={"tables": []}), tmp_path, STUB)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_report(results(seeds=(0,)), tmp_path, STUB)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_chart_stands_alone_in_its_own_colours() -> None:
    charts = figures(tell(results()))
    for chart in charts.values():
        alone = json.dumps(still(chart))
        assert "var(" not in alone and '"container"' not in alone
    with Image.open(io.BytesIO(png(charts["size-onnx"]))) as image:
        assert image.width > 1000 and len(image.convert("RGB").resize((200, 120)).getcolors(24_000)) > 20


def test_which_columns_were_taken_of_a_file_of_labels() -> None:
    """As the file calls them: what a stranger's table says is shown as words."""
    made, said = results(), Taken("a.csv", "file", "<b>genus</b> + species", others=(("class", 2),))
    drawn = page(tell(replace(made, data=replace(made.data, taken=said))), STUB)
    assert "a.csv: paths from &#39;file&#39;; labels from &#39;&lt;b&gt;genus&lt;/b&gt; + species&#39;" in drawn
    assert "The file of labels" not in text()
