"""`secateur evaluate`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import typer

from secateur import catalogue
from secateur.cli.answer import facts, show
from secateur.cli.common import JSON, RUNS, bar, echo_json
from secateur.cli.reading import CLASSES, EMPTY, GROUP_BY, LABEL_COLUMN, LABELS, PATH_COLUMN, index_of, reading_of
from secateur.errors import UserError
from secateur.files import as_json_text
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
        classes: str = CLASSES,
        empty: str = EMPTY,
        group_by: str = GROUP_BY,
        csv_file: Path | None = typer.Option(None, "--csv", help="Write a row a photo: path, label, answer."),
        runs: Path = RUNS,
        as_json: bool = JSON,
    ) -> None:
        """Test a model on labelled photos that its study never had, and say how the figures differ.

        Its study's own figures are found by the model's bytes, or stand in the folder that export made. Classes that
        the model does not know are listed, and count in no figure. Needs no torch for exported models.
        """
        words = {"path_column": path_column, "label_column": label_column, "classes": classes, "empty": empty}
        reading = reading_of("secateur evaluate", labels=str(labels or ""), group_by=group_by, rare_below=0, **words)
        with bar("photos") as progress:
            made: Judged = catalogue.load("secateur.judging:judge")(
                model, folder, reading=reading, runs=runs, index=index_of(folder, runs), progress=progress
            )
        if csv_file:
            _table(made, csv_file)
        told: Told = catalogue.load("secateur.report.evaluated:evaluated")(made)
        if as_json:
            echo_json(json.loads(as_json_text(made)) | {"answer": facts(told)})
            return
        show(told, {"csv": csv_file} if csv_file else {}, more="--json has all")


def _table(made: Judged, file: Path) -> None:
    try:
        with file.open("w", newline="", encoding="utf-8-sig") as content:
            out = csv.writer(content)
            out.writerow(("photo", "label", "said", "right"))
            for path, label, said in zip(made.paths, made.true, made.evaluation.predictions, strict=True):
                out.writerow((path, made.labels[label], made.labels[said], label == said))
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror}") from error
