"""The story: complete, JSON, honest about holes; its tables against values worked out by hand."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from results_builder import CLASSES, TEST, bench, results

from secateur.errors import UserError
from secateur.records import Measured, Results
from secateur.report import published
from secateur.report.curves import accuracy_against_sparsity, training_curves
from secateur.report.figures import figures
from secateur.report.formats import amount, interval, percent, signed, size
from secateur.report.rows import confused, confusion, pareto, spread
from secateur.report.story import tell

HERE = Path(__file__).parent


@cache
def study() -> Results:
    return results()


@cache
def story() -> dict[str, Any]:
    return tell(study())


def row(config: str) -> dict[str, Any]:
    return next(r for r in story()["models"] if r["config"] == config)


def test_is_json_and_survives_it() -> None:
    assert json.loads(json.dumps(story(), allow_nan=False)) == story()


def test_every_configuration_is_a_row_over_its_seeds() -> None:
    assert [r["config"] for r in story()["models"]][:3] == ["cnn/dense", "cnn/dense-longer", "cnn/magnitude/0.3"]
    assert len(story()["models"]) == len(study().summaries) == 22
    for r in story()["models"]:
        assert r["seeds"] == [0, 1, 2]
        assert r["test_accuracy"]["n"] == 3 and r["test_accuracy"]["low"] < r["test_accuracy"]["high"]


def test_figures_of_a_row_are_those_of_its_models() -> None:
    own = [m for m in study().models if m.config == "cnn/filter-l1/0.5"]
    found = row("cnn/filter-l1/0.5")
    assert found["sizes"]["onnx"] == own[0].sizes.onnx
    assert found["photo_passes"] == sum(m.history.photo_passes for m in own) == 3 * 12 * 14_000
    scores = [m.evaluation.macro_f1.value for m in own if m.evaluation]
    assert found["macro_f1"]["value"] == pytest.approx(sum(scores) / 3)
    assert found["macro_f1"]["low"] < min(scores) and found["macro_f1"]["high"] > max(
        scores
    )  # an interval, not a range
    assert found["structured"] and not row("cnn/magnitude/0.5")["structured"]
    assert found["against_dense"]["against"] == "cnn/dense-longer"
    assert found["against_random"]["against"] == "cnn/filter-random/0.5"


def test_says_how_it_was_made() -> None:
    made = story()["made"]
    assert (made["n_test"], made["seeds"]) == (sum(TEST), [0, 1, 2])
    assert made["command"] == "secateur study studies/animals10.toml"
    assert made["split"] == "stratified 70/15/15, near-duplicates on one side, seed 0"


def test_predictions_are_left_out_and_nothing_else() -> None:
    models = story()["records"]["models"]
    assert all(m["evaluation"]["predictions"] == [] for m in models)
    assert models[0]["evaluation"]["confusion"] == [list(r) for r in study().models[0].evaluation.confusion]  # type: ignore[union-attr]
    assert len(story()["records"]["data"]["problems"]) == len(study().data.problems) == 43


def test_problems_are_counted_by_kind_and_shown_up_to_a_bound() -> None:
    found = {p["what"]: (p["count"], p["left_out"], len(p["shown"])) for p in story()["data"]["problems"]}
    assert found == {
        "exact duplicate": (40, 40, 12),
        "unreadable": (1, 1, 1),
        "empty": (1, 1, 1),
        "near-duplicate": (1, 0, 1),
    }


def holes(found: Results) -> set[tuple[str, str]]:
    return {(h["kind"], h["what"]) for h in tell(found)["holes"]}


def test_failed_and_skipped_steps_are_holes_with_reasons() -> None:
    by_kind = {h["kind"]: h for h in story()["holes"]}
    assert "did not fit" in by_kind["failed"]["why"]
    assert by_kind["skipped"]["why"] == "needs 'retrain/cnn/synflow/0.5/seed0', which is not there"


def test_what_rounded_files_passed_with_is_a_hole_and_many_are_told_in_short() -> None:
    base = study()
    doubted = [replace(m, parity=replace(m.parity, doubts=("60 photos show little",))) for m in base.models if m.parity]
    few = tell(replace(base, models=(*doubted[:1], *base.models[1:])))["holes"]
    assert ("export", f"{doubted[0].name}, seed {doubted[0].seed}", "60 photos show little") in {
        (h["kind"], h["what"], h["why"]) for h in few
    }
    many = [h for h in tell(replace(base, models=tuple(doubted)))["holes"] if h["kind"] == "export"]
    assert many[-1]["what"] == f"{len(doubted) - 3} more files"


def test_that_repeated_calls_gain_is_said_once_of_all_files() -> None:
    base = study()
    made = bench(base)
    doubts = ("repeated calls 2.80 [2.67, 2.94], the first after other work 2.42 [2.38, 2.46]",)
    timings = tuple(replace(t, speedup=replace(t.speedup, doubts=doubts)) for t in made.timings)
    told = tell(replace(base, benches=(replace(made, timings=timings),)))
    said = next(row["doubts"] for row in told["how"] if row["what"] == "Speed-up")
    assert list(said) == ["some files gain from repeated calls: the interval holds the first after other work, too"]


def test_each_weakness_is_a_hole() -> None:
    base = study()
    assert ("control", "INT8 of the dense network") in holes(base)
    assert ("seeds", "one seed (0)") in holes(results(seeds=(0,)))
    assert ("data", "no photos") in holes(replace(base, data=replace(base.data, synthetic="emoji")))
    first, *rest = base.models
    young = replace(first, history=replace(first.history, converged=False))
    assert ("training", "dense, seed 0: not converged") in holes(replace(base, models=(young, *rest)))
    unchecked = replace(first, parity=None, evaluation=None)
    assert ("export", "dense, seed 0") in holes(replace(base, models=(unchecked, *rest)))
    uncounted = replace(first, profile=replace(first.profile, not_counted=("aten::roll",)))
    assert ("counting", "aten::roll") in holes(replace(base, models=(uncounted, *rest)))
    fewer = tuple(replace(s, seeds=(0, 2)) if s.config == "cnn/random/0.3" else s for s in base.summaries)
    assert ("seeds", "random 30\u202f%") in holes(replace(base, summaries=fewer))
    assert any(kind == "photos" and "few test photos" in what for kind, what in holes(base))


def test_layers_that_could_not_be_cut_are_a_hole_for_each_reason() -> None:
    first, second, *rest = study().models
    heads = {f"stage.{i}.qkv": "heads of attention have a fixed width" for i in range(5)}
    models = (replace(first, whole=heads), replace(second, whole=heads), *rest)
    found = replace(study(), models=models)
    assert [(h["what"], h["why"]) for h in tell(found)["holes"] if h["kind"] == "pruning"] == [
        (
            "cnn: filters stay whole in stage.0.qkv, stage.1.qkv, stage.2.qkv and 2 more",
            "heads of attention have a fixed width",
        )
    ]


def test_a_diverged_training_is_a_hole_and_null_in_json() -> None:
    first, *rest = study().models
    epochs = (*first.history.epochs[:-1], replace(first.history.epochs[-1], train_loss=float("nan")))
    bad = replace(first, history=replace(first.history, epochs=epochs))
    found = tell(replace(study(), models=(bad, *rest)))
    assert found["curves"][0]["epochs"][-1]["train_loss"] is None
    assert any("diverged" in h["why"] for h in found["holes"])
    assert figures(found)["curve-0"]


def test_undecided_comparisons_say_how_many_photos() -> None:
    subject = next(c for c in study().comparisons if c.subject == "cnn/magnitude/0.3")
    undecided = replace(subject, verdict="not shown", photos_needed=9000)
    found = tell(replace(study(), comparisons=(undecided,)))
    assert any(h["what"] == "2,725 test photos" and "9,000" in h["why"] for h in found["holes"])


def test_spread_of_one_seed_keeps_its_interval() -> None:
    one = Measured(0.5, "fraction", 0.4, 0.6, 100, "Wilson over photos")
    assert spread([one])["how"] == "Wilson over photos"  # type: ignore[index]
    two = spread([one, replace(one, value=0.7)])
    assert two is not None
    assert (two["value"], two["low"], two["high"], two["n"]) == (pytest.approx(0.6), 0.5, 0.7, 2)
    assert spread([]) is None


def test_confusion_adds_up_over_seeds_and_names_the_commonest_mistake() -> None:
    own = [m.evaluation for m in study().models if m.config == "cnn/dense" and m.evaluation]
    assert [sum(r) for r in confusion(own)] == [3 * n for n in TEST]
    assert confused([[8, 2], [5, 5]], ["cat", "dog"])[0] == {
        "true": "dog",
        "taken_for": "cat",
        "photos": 5,
        "of": 10,
        "share": 0.5,
    }


def test_pareto_front_by_hand() -> None:
    """Validation draws it: "lucky" is the best on test, and smaller than what validation puts before it."""

    def r(config: str, bytes_: int, val: float, test: float, random: bool = False) -> dict[str, Any]:
        measured = {"val_accuracy": {"value": val}, "test_accuracy": {"value": test}}
        return {"config": config, "sizes": {"zstd": bytes_}, "random": random} | measured

    rows = [r("dense", 10, 0.8, 0.8), r("half", 5, 0.8, 0.78), r("lucky", 6, 0.7, 0.9), r("tiny", 1, 0.5, 0.5)]
    assert pareto([*rows, r("luck", 1, 0.9, 0.9, True)], "zstd") == ["tiny", "half"]


def test_two_backbones_have_an_answer_each() -> None:
    base = study()
    models = tuple(
        replace(m, backbone="net", config=m.config.replace("cnn/", "net/"), val_accuracy=0.9) for m in base.models
    )
    summaries = tuple(
        replace(s, backbone="net", config=s.config.replace("cnn/", "net/"), val_accuracy=Measured(0.9, "fraction"))
        for s in base.summaries
    )
    found = tell(replace(base, models=base.models + models, summaries=base.summaries + summaries))
    assert [a["backbone"] for a in found["answers"]] == ["net", "cnn"]  # the better dense network first
    assert found["answers"][1]["headline"].startswith("cnn magnitude")
    assert len([c for c in figures(found) if c.startswith("sparsity-")]) == 4


def test_charts_say_in_words_what_they_show() -> None:
    charts = figures(story())
    assert {"size-onnx", "size-zstd", "labels", "recall", "sparsity-0", "sparsity-1"} <= charts.keys()
    assert all(len(spec["description"]) > 40 for spec in charts.values())
    assert "filter-l1" in charts["size-onnx"]["description"]
    titles = [spec["usermeta"]["title"] for id, spec in charts.items() if id.startswith("curve-")]
    assert titles[:3] == ["dense", "dense longer", "magnitude"]


# ------------------------------------------------------------- published figures


def table() -> dict[str, Any]:
    return dict(tomllib.loads((HERE / "published.toml").read_text(encoding="utf-8"))["published"])


def test_published_figures_stand_beside_ours_in_their_unit() -> None:
    tables = tell(replace(study(), published=table()))["published"]
    accuracy, sizes, _ = tables[0]["rows"]
    assert accuracy["cells"][3]["published"] == 79.56
    config = tables[0]["columns"][3]["config"]
    assert accuracy["cells"][3]["ours"] == pytest.approx(100 * row(config)["val_accuracy"]["value"])
    assert sizes["cells"][0]["ours"] == pytest.approx(row("cnn/dense")["sizes"]["deflate"] / 2**20)
    transfer = tables[2]["rows"][0]["cells"][0]
    assert (transfer["published"], transfer["ours"], transfer["run"]) == (96.98, None, False)
    assert tables[2]["rows"][1]["cells"][0]["published"] is None
    assert tables[0]["reasons"]


def test_other_reports_show_no_published_figures() -> None:
    assert story()["published"] == []


def broken(**changes: Any) -> dict[str, Any]:
    found = table()
    found["tables"][0]["rows"][0] |= changes
    return found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (broken(metric="val_acuracy"), "did you mean 'val_accuracy'"),
        (broken(unit="percent"), "unit 'percent' is not known"),
        (broken(values=[1.0]), "1 values for 5 columns"),
        (broken(values=["a"] * 5), "value 'a' is no number"),
        (broken(values=[float("nan")] * 5), "not finite"),
        ({"tables": []}, "has no"),
        ({"tables": [{"columns": ["a"], "configs": [], "rows": []}]}, "'configs' is []"),
        ({"tables": [{"columns": ["a"], "configs": ["b", "c"], "rows": []}]}, "2 configs for 1 columns"),
        ({"tables": ["a"]}, "'columns' is None"),
    ],
)
def test_a_published_table_that_cannot_be_read_is_one_clear_line(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        published.check(given)
    assert said in str(caught.value) and "\n" not in str(caught.value)


# ------------------------------------------------------------- words and weight


def test_numbers_are_written_one_way() -> None:
    assert percent(0.7746) == "77.5\u202f%" and percent(None) == "–"
    assert signed(-0.5) == "\u22120.50" and signed(0.5) == "+0.50" and signed(-0.001) == "0.00"
    assert (size(9_559_208), size(512), size(None)) == ("9.56\u202fMB", "512\u202fB", "–")
    assert (size(999_700), size(999_999_999)) == ("1.00\u202fMB", "1.00\u202fGB")
    assert amount(39_200_000) == "39.2\u202fM"
    assert interval(-1.0, 0.5, "points") == "[\u22121.00, +0.50]" and interval(None, None) == ""


def test_imports_no_torch() -> None:
    code = "import sys, secateur.report.draw; sys.exit('torch' in sys.modules or 'vl_convert' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_classes_of_the_builder_are_hostile() -> None:
    assert "<script>alert(1)</script>" in CLASSES


def renamed(more: str) -> dict[str, Any]:
    """The story, with longer ids of its filter methods."""
    told = copy.deepcopy(story())
    for one in (*told["models"], *told["curves"]):
        if one["method"].startswith("filter-"):
            one["method"] += more
    return told


@pytest.mark.parametrize(
    ("more", "title"),
    [("", "Filters cut, %"), ("-params-global", "Parameters cut, %"), ("-macs", "Multiply-adds cut, %")],
)
def test_an_axis_says_what_was_cut(more: str, title: str):
    drawn = json.dumps(accuracy_against_sparsity(renamed(more)))
    assert f'"{title}"' in drawn and '"Weights set to zero, %"' in drawn


def test_what_was_only_quantised_has_no_training_curve():
    assert len(training_curves(renamed("-int8"))) < len(training_curves(story()))
