"""`secateur evaluate`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import typer

from secateur import catalogue
from secateur.cli.answer import facts, show
from secateur.cli.common import JSON, RUNS, bar, echo_json
from secateur.cli.reading import (
    CLASSES,
    DATE_ORDER,
    EMPTY,
    GROUP_BY,
    KEEP_DAMAGED,
    LABEL_COLUMN,
    LABEL_LEVEL,
    LABELS,
    PATH_COLUMN,
    TIME_COLUMN,
    index_of,
    reading_of,
)
from secateur.files import as_json_text
from secateur.outputs import MARK, aside, one_on_stdout, opened, put
from secateur.records import Judged
from secateur.report.terminal import Told


def add(app: typer.Typer) -> None:
    """The command."""

    @app.command(epilog="Example:  secateur evaluate runs/photos/models/dense.onnx new-season")
    def evaluate(
        model: Path = typer.Argument(..., help="An exported model, the folder that export made, or a saved model."),
        folder: Path = typer.Argument(..., help="Folder of class folders of photos, or of photos that --labels names."),
        labels: Path = LABELS,
        path_column: str = PATH_COLUMN,
        label_column: str = LABEL_COLUMN,
        label_level: int = LABEL_LEVEL,
        time_column: str = TIME_COLUMN,
        date_order: str = DATE_ORDER,
        classes: str = CLASSES,
        empty: str = EMPTY,
        keep_damaged: bool = KEEP_DAMAGED,
        group_by: str = GROUP_BY,
        csv_file: Path | None = typer.Option(None, "--csv", help="Write a row a photo: path, label, answer."),
        runs: Path = RUNS,
        as_json: bool = JSON,
    ) -> None:
        """Test a model on labelled photos that its study never had, and say how the figures differ.

        Its study's own figures are found by the model's bytes, or stand in the folder that export made. Classes that
        the model does not know are listed, and count in no figure. Needs no torch for exported models.
        """
        one_on_stdout(as_json, csv_file)
        words = {"path_column": path_column, "label_column": label_column, "classes": classes, "empty": empty}
        words |= {"time_column": time_column, "date_order": date_order, "group_by": group_by}
        own = {"label_level": label_level, "keep_damaged": keep_damaged}
        reading = reading_of("secateur evaluate", labels=str(labels or ""), rare_below=0, **own, **words)
        with opened(csv_file, "--csv", inputs=[model, folder, labels]) as table, bar("photos") as progress:
            made: Judged = catalogue.load("secateur.judging:judge")(
                model, folder, reading=reading, runs=runs, index=index_of(folder, runs), progress=progress
            )
            lost = put(table, _rows(made))
        told: Told = catalogue.load("secateur.report.evaluated:evaluated")(made)
        with aside(table):
            if as_json:
                echo_json(json.loads(as_json_text(made)) | {"answer": facts(told)})
            else:
                show(told, {"csv": csv_file} if csv_file and not lost else {}, more="--json has all")
        if lost:
            raise lost


def _rows(made: Judged) -> Iterator[tuple[object, ...]]:
    yield (f"{MARK}photo", "label", "said", "right", "in its study")
    rows = zip(made.paths, made.true, made.evaluation.predictions, made.met, strict=True)
    for path, label, said, met in rows:
        yield (path, made.labels[label], made.labels[said], label == said, met)
