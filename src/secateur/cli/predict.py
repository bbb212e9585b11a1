"""`secateur predict`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import typer

from secateur import catalogue
from secateur.cli.common import JSON, bar, console, while_read
from secateur.cli.sorting import Sorting, sorting
from secateur.errors import UserError
from secateur.outputs import MARK, Output, one_on_stdout, opened
from secateur.records import UNSURE, Answer

BATCH = 16  # photos
HANDED = ("model.onnx", "model.packed")  # that a folder of export may hold, and that are read here
FIELDS = ("photo", "said", "confidence", "taken", "classes", "problem", "doubt")
Write = Callable[[Answer], None]


def add(app: typer.Typer) -> None:
    """The command."""

    @app.command(epilog="Example:  secateur predict model.onnx cameras/ --min-confidence 0.8 --csv answers.csv")
    def predict(
        model: Path = typer.Argument(..., help="A model.onnx that Secateur wrote, or the folder that export made."),
        photos: list[Path] = typer.Argument(..., help="Photos, or folders of them in any depth."),
        top: int = typer.Option(1, "--top", min=1, help="So many classes a photo."),
        min_confidence: float = typer.Option(
            0.0, "--min-confidence", min=0.0, max=1.0, help=f"Below this probability the answer is '{UNSURE}'."
        ),
        csv_file: Path | None = typer.Option(
            None, "--csv", help="Write a table: photo, answer, confidence, time that the camera wrote, problem."
        ),
        copy_to: Path | None = typer.Option(
            None, "--copy-to", help="Copy each photo to DIR/<class>/; the originals stay as they are."
        ),
        link_to: Path | None = typer.Option(None, "--link-to", help="The same with symbolic links instead of copies."),
        keep_damaged: bool = typer.Option(
            False, "--keep-damaged", help="Answer photos of which rows are missing, and say so."
        ),
        as_json: bool = JSON,
    ) -> int:
        """Say what is on photos, without torch. A photo that cannot be read is a row with its reason.

        Thousands of photos stream through in bounded memory. Exit code 1: some of them could not be read, or
        not be copied since another photo stands there.
        """
        if copy_to and link_to:
            raise UserError("--copy-to and --link-to: set one")
        one_on_stdout(as_json, csv_file)
        model = _in_folder(model)
        into = copy_to or link_to
        if into and csv_file and into in csv_file.parents:
            into.mkdir(parents=True, exist_ok=True)  # the table is to lie among the copies
        with ExitStack() as open_files:
            table = open_files.enter_context(opened(csv_file, "--csv", inputs=[model, *photos]))
            loaded = catalogue.load("secateur.forms.runtime:load")(model)
            found, passed = catalogue.load("secateur.data.seen:find")(photos)
            sort = sorting(into, link_to is not None, photos, loaded.labels) if into else None
            reading = catalogue.load("secateur.data.seen:read")
            seen = reading(found, loaded.input_px, BATCH, depth=loaded.depth, keep_damaged=keep_damaged)
            said = catalogue.load("secateur.forms.answers:answers")(loaded, seen, top, min_confidence)
            counts: Counter[str] = Counter()
            doubts: dict[str, list[str]] = {}
            writers = [_rows(table)] if table else []
            if not (table and table.on_stdout):
                shown = open_files.enter_context(_json() if as_json else _lines())
                writers.append(while_read(shown) if table or sort else shown)
            progress = open_files.enter_context(bar("photos"))
            for number, answer in enumerate(_sorted(said, sort), start=1):
                for write in writers:
                    write(answer)
                counts[answer.said or "not read"] += 1
                if answer.doubt:
                    doubts.setdefault(answer.doubt.partition(": ")[0], []).append(answer.doubt)
                progress(number, len(found))
        _summary(counts, [f"{p.path}: {p.what}: {p.why}" for p in passed], doubts)
        for note in (sort.said(), *sort.notes()) if sort else ():
            console().print(note, markup=False)
        return 1 if counts["not read"] or (sort and sort.done["left"]) else 0


def _in_folder(model: Path) -> Path:
    """Of the folder that export made, the model in it. Raises UserError for a folder of something else."""
    if not model.is_dir():
        return model
    inside = [model / name for name in HANDED if (model / name).is_file()]
    if not inside:
        raise UserError(f"{model} holds no model ({' or '.join(HANDED)}): name the model first, then the photos")
    return inside[0]


def _sorted(answers: Iterator[Answer], sort: Sorting | None) -> Iterator[Answer]:
    for answer in answers:
        if sort and not answer.problem:
            try:
                why = sort.put(answer)
            except OSError as error:
                raise UserError(f"{answer.photo} cannot be put into {sort.into}: {error.strerror or error}") from error
            if why:
                console().print(why, markup=False)
        yield answer


def _summary(counts: Counter[str], passed: list[str], doubts: dict[str, list[str]]) -> None:
    """For people, beside the results."""
    out = console()
    for line in passed:
        out.print(f"passed over: {line}", markup=False)
    if sum(counts.values()) > 1:
        said = ", ".join(f"{name} {n:,}" for name, n in counts.most_common())
        out.print(f"{sum(counts.values()):,} photos: {said}", markup=False)
    for kind, own in doubts.items():
        photos = "1 photo" if len(own) == 1 else f"{len(own):,} photos, the first"
        out.print(f"doubt: {kind}: {photos}: {own[0].partition(': ')[2]}", markup=False)


@contextmanager
def _lines() -> Iterator[Write]:
    def write(answer: Answer) -> None:
        doubt = f"{UNSURE}: " if answer.said == UNSURE else ""
        said = ", ".join(f"{name} {chance:.1%}" for name, chance in answer.classes)
        less = f" (doubt: {answer.doubt})" if answer.doubt else ""
        typer.echo(f"{answer.photo}: {answer.problem or doubt + said + less}")

    yield write


@contextmanager
def _json() -> Iterator[Write]:
    """One list, a row a line, written as it comes."""
    begun = False

    def write(answer: Answer) -> None:
        nonlocal begun
        sys.stdout.write((",\n" if begun else "[\n") + json.dumps(row(answer), ensure_ascii=False, allow_nan=False))
        begun = True

    try:
        yield write
    finally:  # what was said before an interruption is a list, too
        sys.stdout.write("\n]\n" if begun else "[]\n")


def _rows(table: Output) -> Write:
    """A row a photo, for spreadsheets."""
    table.write(MARK)
    table.rows([FIELDS])

    def write(answer: Answer) -> None:
        classes = "; ".join(f"{name} {chance:.4f}" for name, chance in answer.classes)
        confidence = f"{answer.classes[0][1]:.4f}" if answer.classes else ""
        row = (answer.photo, answer.said, confidence, answer.taken, classes, answer.problem, answer.doubt)
        table.rows([row])

    return write


def row(answer: Answer) -> dict[str, Any]:
    """As JSON says it."""
    return {
        "photo": answer.photo,
        "said": answer.said,
        "classes": [{"class": name, "probability": chance} for name, chance in answer.classes],
        "taken": answer.taken,
        "problem": answer.problem,
        "doubt": answer.doubt,
    }
