"""Limits of a device: what fits, what is picked, what misses by least; by cases worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from results_builder import bench, results

from secateur.limits import picks
from secateur.records import Limits, Results
from secateur.report.page import page
from secateur.report.story import tell

FILTERS = "cnn/filter-l1/0.3"


def study(limits: Limits, *, label: str = "", timed: bool = True) -> Results:
    """Dense takes 4 ms and 74 MB; filter-l1 30 % takes 2.5 ms; the files of four networks were timed."""
    found = results(limits=limits)
    return replace(found, benches=(bench(found, label),)) if timed else found


def test_without_limits_nothing_is_picked() -> None:
    assert picks(study(Limits())) == ()
    assert "Within your limits" not in page(tell(study(Limits())), "")


def test_a_limit_that_dense_meets_leaves_dense() -> None:
    (pick,) = picks(study(Limits(latency_ms=5)))
    assert pick.config == "cnn/dense-longer"
    headline = tell(study(Limits(latency_ms=5)))["within"][0]["headline"]
    assert headline.startswith("Do not prune: use dense longer")


def test_a_limit_that_only_the_cut_network_meets_picks_it() -> None:
    (pick,) = picks(study(Limits(latency_ms=3)))
    assert pick.config == FILTERS
    fits = {r.config: r.fits for r in pick.rows}
    assert fits["cnn/dense"] == "misses"
    assert fits["cnn/filter-l1/0.9"] == "not measured"  # no such file was timed
    assert not any("random" in config for config in fits)
    (told,) = tell(study(Limits(latency_ms=3)))["within"]
    assert told["headline"].startswith("Use filter-l1 30")
    assert next(r["why"] for r in told["rows"] if r["config"] == "cnn/dense") == "4.00\u202fms: 33\u202f% over"


def test_a_stage_of_a_chain_is_pruned_too() -> None:
    found = study(Limits(latency_ms=3))
    summaries = tuple(replace(s, role="chained") if s.config == FILTERS else s for s in found.summaries)
    models = tuple(replace(m, role="chained") if m.config == FILTERS else m for m in found.models)
    (told,) = tell(replace(found, summaries=summaries, models=models))["within"]
    assert told["headline"].startswith("Use filter-l1 30")


def test_a_time_whose_interval_holds_the_limit_is_too_close_to_tell() -> None:
    (pick,) = picks(study(Limits(latency_ms=2.5)))  # 2.5 ms, 1 % to either side
    assert (pick.config, {r.config: r.fits for r in pick.rows}[FILTERS]) == ("", "too close to tell")
    assert tell(study(Limits(latency_ms=2.5)))["within"][0]["headline"].endswith("too close to tell.")


def test_every_limit_must_be_met() -> None:
    small = min(m.sizes.onnx for m in study(Limits()).models if m.config == FILTERS)
    (pick,) = picks(study(Limits(size_bytes=small, latency_ms=3)))
    assert pick.config == FILTERS
    (pick,) = picks(study(Limits(size_bytes=small - 1, latency_ms=3)))
    assert (pick.config, pick.nearest) == ("", FILTERS)
    assert pick.over == pytest.approx(small / (small - 1))


def test_memory_is_that_of_the_whole_process() -> None:
    assert picks(study(Limits(memory_bytes=74_000_000)))[0].config == "cnn/dense-longer"
    (pick,) = picks(study(Limits(memory_bytes=73_000_000)))
    assert pick.config == ""


def test_the_nearest_miss_is_named() -> None:
    (told,) = tell(study(Limits(latency_ms=1)))["within"]
    assert told["config"] == ""
    nearest = "the nearest is filter-l1 30\u202f%, with 2.50\u202fms: 150\u202f% over."
    assert told["headline"] == f"Nothing is known to fit on AMD EPYC 7B13; {nearest}"


def test_what_was_not_measured_is_not_promised() -> None:
    (told,) = tell(study(Limits(latency_ms=3), timed=False))["within"]
    assert told["headline"] == "What fits is not known: latency was not measured."


def test_each_machine_has_its_own_pick() -> None:
    found = study(Limits(latency_ms=3))
    slow = bench(found, "Raspberry Pi 4")
    timings = tuple(
        replace(t, median=replace(t.median, value=9 * t.median.value, low=None, high=None)) for t in slow.timings
    )
    both = replace(found, benches=(*found.benches, replace(slow, timings=timings)))
    assert [(p.machine, p.config) for p in picks(both)] == [("AMD EPYC 7B13", FILTERS), ("Raspberry Pi 4", "")]


def test_the_page_shows_limits_first() -> None:
    text = page(tell(study(Limits(size_bytes=10**6, latency_ms=3), label="<b>Pi</b>")), "")
    assert text.index("Within your limits: at most 1.00\u202fMB, 3.00\u202fms a photo") < text.index('class="columns"')
    assert "<b>Pi</b>" not in text
