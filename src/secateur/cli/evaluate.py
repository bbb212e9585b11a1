"""`secateur evaluate`."""

from __future__ import annotations

import csv
from pathlib import Path

import typer
from rich.table import Table

from secateur import catalogue
from secateur.cli.common import JSON, RUNS, bar, paper
from secateur.cli.reading import (
    CLASSES,
    EMPTY,
    GROUP_BY,
    KEEP_DAMAGED,
    LABEL_COLUMN,
    LABELS,
    PATH_COLUMN,
    index_of,
    reading_of,
)
from secateur.errors import UserError
from secateur.files import as_json_text
from secateur.records import ClassShift, Judged, Measured, Shift, Trained
from secateur.report.looks import said as counted

DOUBTED = (
    "damaged",
    "truncated",
    "above the depth",
    "below the depth",
    "no depth stored",
)  # said though their photos count
SHOWN = 3  # problems of a kind, and what is said of an unknown class


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
        words = {"path_column": path_column, "label_column": label_column, "classes": classes, "empty": empty}
        own = {"group_by": group_by, "keep_damaged": keep_damaged}
        reading = reading_of("secateur evaluate", labels=str(labels or ""), rare_below=0, **own, **words)
        with bar("photos") as progress:
            made: Judged = catalogue.load("secateur.judging:judge")(
                model, folder, reading=reading, runs=runs, index=index_of(folder, runs), progress=progress
            )
        if csv_file:
            _table(made, csv_file)
        if as_json:
            typer.echo(as_json_text(made))
            return
        _print(made)


def _table(made: Judged, file: Path) -> None:
    try:
        with file.open("w", newline="", encoding="utf-8-sig") as content:
            out = csv.writer(content)
            out.writerow(("photo", "label", "said", "right"))
            for path, label, said in zip(made.paths, made.true, made.evaluation.predictions, strict=True):
                out.writerow((path, made.labels[label], made.labels[said], label == said))
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror}") from error


def _print(made: Judged) -> None:
    out = paper()
    said = made.evaluation
    table = Table(box=None, pad_edge=False)
    names = ["", "here", *(["in its study", "difference"] if made.shift else [])]
    for name in names:
        table.add_column(name, justify="left" if not name else "right")
    study, shift = made.trained, made.shift
    rows: list[tuple[str, Measured, Measured | None, Measured | None]] = [
        ("accuracy", said.accuracy, *_beside(study, shift, "accuracy")),
        ("balanced accuracy", said.balanced_accuracy, *_beside(study, shift, "balanced_accuracy")),
        ("macro-F1", said.macro_f1, None, None),
    ]
    if said.reliability:
        rows.append(("calibration error", said.reliability.ece, study.ece if study else None, None))
    changes: dict[str, ClassShift] = {c.name: c for c in shift.classes} if shift else {}
    for row in sorted((c for c in said.classes if c.n), key=lambda c: c.recall.value):
        change = changes.get(row.name)
        own = (change.before, change.difference) if change else (None, None)
        rows.append((f"recall of {row.name}", row.recall, *own))
    for name, here, before, difference in rows:
        cells = [_percent(here), *([_percent(before), _points(difference)] if shift else [])]
        table.add_row(name.replace("[", "\\["), *cells)
    out.print(f"{said.n:,} photos of {len(made.labels) - len(made.absent)} classes", markup=False)
    out.print(table)
    for line in _lines(made):
        out.print(line, markup=False)


def _beside(study: Trained | None, shift: Shift | None, name: str) -> tuple[Measured | None, Measured | None]:
    """A figure of the study, and the difference to it."""
    return (getattr(study, name), getattr(shift, name)) if study and shift else (None, None)


def _percent(m: Measured | None) -> str:
    if m is None:
        return ""
    interval = f" \\[{100 * m.low:.1f}, {100 * m.high:.1f}]" if m.low is not None and m.high is not None else ""
    return f"{100 * m.value:.1f} %{interval}"


def _points(m: Measured | None) -> str:
    if m is None:
        return ""
    interval = f" \\[{m.low:+.1f}, {m.high:+.1f}]" if m.low is not None and m.high is not None else ""
    return f"{m.value:+.1f}{interval}".replace("-", "−")


def _lines(made: Judged) -> list[str]:
    found = [""]
    if made.shift and made.trained:
        found += [made.shift.said, f"(study: {made.trained.run}, {made.trained.model})"]
    elif not made.trained:
        found += ["What its study measured was not found: no run under --runs holds this file."]
    if made.seen_before:
        found += [f"{made.seen_before:,} of these photos stood in its study: they are no new test."]
    if made.looks:
        found += [
            f"{made.looks.photos:,} of these are test photos of a split. {counted(made.looks, 'Those')} A file that is "
            "chosen by what it says of them is no longer tested by them."
        ]
    if made.absent:
        found += [f"no photo here of: {', '.join(made.absent)}"]
    for name, taken in made.renamed:
        found += [f"'{name}' is taken for the model's '{taken}'"]
    for unknown in made.unknown:
        said = ", ".join(f"{name} {n:,}" for name, n in unknown.said[:SHOWN])
        more = ", …" if len(unknown.said) > SHOWN else ""
        found += [
            f"unknown class '{unknown.name}': {unknown.n:,} photos, in no figure; the model says {said}{more} "
            f"(mean probability {unknown.confidence:.2f})"
        ]
    for kind in dict.fromkeys(p.what for p in made.problems if p.left_out or p.what in DOUBTED):
        own = [p for p in made.problems if p.what == kind]
        what = "left out" if own[0].left_out else "kept"
        shown = ", ".join(p.path for p in own[:SHOWN])
        found += [f"{kind}: {len(own):,}, {what}: {shown}" + ("" if len(own) <= SHOWN else ", …")]
        found += [f"  {own[0].why}"] if kind in DOUBTED else []
    return found
