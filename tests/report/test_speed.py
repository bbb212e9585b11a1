"""Benches in a report: files known by their contents, in the order of the table, on a page that shows them."""

from __future__ import annotations

from dataclasses import replace

from results_builder import bench, results

from secateur.records import Measured, Search, Tried
from secateur.report.page import page
from secateur.report.story import tell


def test_a_bench_from_elsewhere_is_matched_by_the_files_contents() -> None:
    found = results()
    home, away = bench(found), bench(found, "Raspberry Pi 4")
    renamed = {c.name: f"model-{i}" for i, c in enumerate(away.candidates)}
    away = replace(
        away,
        reference=renamed["cnn/dense"],
        candidates=tuple(replace(c, name=renamed[c.name]) for c in away.candidates),
        timings=tuple(replace(t, model=renamed.get(t.model, t.model)) for t in away.timings),
    )
    here, there = tell(replace(found, benches=(home, away)))["speeds"]
    assert there["label"] == "Raspberry Pi 4"
    assert here["reference"] == there["reference"]
    expected = ["cnn/dense", "cnn/dense-longer", "cnn/magnitude/0.5", "cnn/filter-l1/0.3"]
    assert [row["config"] for row in here["rows"]] == [row["config"] for row in there["rows"]] == expected
    assert there["left_out"][-1] == "model-4: is no file of this run"


def test_each_way_stands_in_its_place_beside_the_control() -> None:
    found = results()
    (told,) = tell(replace(found, benches=(bench(found),)))["speeds"]
    assert [way["title"] for way in told["ways"]] == ["1 thread", "2 threads, 8 at a time"]
    assert [way["control"]["value"] for way in told["ways"]] == [0.99, 0.99]
    filters = told["rows"][-1]
    assert [t["speedup"]["value"] for t in filters["ways"]] == [1.6, 1.6]
    assert filters["ways"][1]["photos_per_second"] == 1000 * 2 * 1.6 / 4
    assert filters["peak"]["resident"]["value"] == 24e6


def test_layers_stand_beside_their_work() -> None:
    found = results()
    (told,) = tell(replace(found, benches=(bench(found),)))["speeds"]
    conv, between = told["layers"]["rows"]
    profile = next(m.profile for m in found.models if m.config == "cnn/dense")
    assert conv["layer"] == "conv1"
    assert conv["dense"]["macs"] == next((r.macs for r in profile.layers if r.name == "conv1"), None)
    assert between["layer"] == ""
    assert between["dense"]["macs"] is None


def test_the_page_shows_times_doubts_and_escapes_what_it_is_told() -> None:
    found = results()
    html = page(tell(replace(found, benches=(bench(found, "<i>Pi</i>"),))), "")
    for words in ("Time and memory", "others used 1.1 cores", "again (control)", "Accuracy against time", "photos/s"):
        assert words in html
    assert "&lt;i&gt;Pi&lt;/i&gt;" in html
    assert "<i>Pi</i>" not in html.split('<script type="application/json"')[0]
    assert "<b>none</b>" not in html


def test_without_a_bench_there_is_no_section() -> None:
    told = tell(results())
    assert told["speeds"] == []
    assert 'id="speed"' not in page(told, "")


def test_a_search_by_time_shows_what_was_taken_and_what_the_same_work_does_unrounded() -> None:
    def tried(multiple: int, speedup: float) -> Tried:
        return Tried(multiple, 0.5, 0.468, Measured(speedup, "ratio", speedup - 0.03, speedup + 0.03, 200))

    found = Search(
        "cnn/filter-l1/0.3", "latency", 0.5, tried(16, 2.03), tried(1, 0.81), (tried(4, 1.67),), "<i>PC</i>", ("busy",)
    )
    html = page(tell(results(searches=(found,))), "")
    assert "taken: multiples of 16" in html
    assert "the same work, widths as they fall" in html
    assert "<b>0.81</b>" in html
    assert "&lt;i&gt;PC&lt;/i&gt;" in html
