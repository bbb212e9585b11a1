"""Photos from elsewhere in a terminal: ten rows however many classes, and whose figures stand beside them."""

from __future__ import annotations

import json
import random
from dataclasses import replace

from results_builder import CLASSES, evaluation, results

from secateur.cli.answer import facts
from secateur.measure.shift import shift
from secateur.records import Judged, Trained
from secateur.report.evaluated import NOT_FOUND, evaluated
from secateur.report.terminal import MOST_ROWS


def judged(trained: Trained | None) -> Judged:
    here = evaluation(0.7, random.Random(1))
    found = shift(here, trained) if trained else None
    nothing = ((), (), (), ())
    return Judged("m.onnx", "season", CLASSES, here, (), (), 0.8, *nothing[:3], 0, (), trained, found)


def of_study() -> Trained:
    own = next(m.evaluation for m in results().models if m.evaluation)
    return Trained("photos", "dense", own.accuracy, own.balanced_accuracy, own.classes)


def test_ten_rows_of_many_classes_those_of_least_recall() -> None:
    made = judged(of_study())
    told = evaluated(made)
    assert len(told.rows) == MOST_ROWS and told.left == len(CLASSES) + 3 + bool(made.evaluation.reliability) - MOST_ROWS
    recalls = [f["here"]["value"] for f in told.figures if f["name"].startswith("recall of")]
    least = sorted(row.recall.value for row in made.evaluation.classes)
    assert recalls == least[: len(recalls)]
    value = made.evaluation.accuracy.value
    assert told.headlines[0].startswith(f"{100 * value:.1f} % [") and told.rows[0][1] in told.headlines[0]
    assert made.shift and told.headlines[1] == made.shift.said
    assert json.loads(json.dumps(facts(told), allow_nan=False))["rows"][0]["here"]["value"] == value


def test_it_says_whose_figures_stand_beside_them() -> None:
    own = of_study()
    told = evaluated(judged(own))
    assert (
        told.columns == ("", "here", "in its study", "difference") and told.legend[1] == "in its study: photos, dense"
    )
    rounded = evaluated(judged(replace(own, form="onnx")))
    assert "measured of its ONNX file" in rounded.legend[1]
    library = evaluated(judged(replace(own, photos="validation")))
    assert library.columns[2] == "on validation" and "its test photos were not opened" in library.legend[1]
    alone = evaluated(judged(None))
    assert alone.columns == ("", "here") and alone.doubts == (NOT_FOUND,)
