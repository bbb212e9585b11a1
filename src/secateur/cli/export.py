"""`secateur export`."""

from __future__ import annotations

import hashlib
from pathlib import Path

import typer

from secateur import beside, catalogue
from secateur.cli.common import JSON, RUNS, console, echo_json, mebibytes
from secateur.drawing import run_of
from secateur.errors import NotKnown
from secateur.files import as_json_text, read
from secateur.names import nfc, nobodys
from secateur.outputs import refuse_folder
from secateur.records import ModelResult, Results

FORMS = "; ".join(f"{row.name}: {row.help}" for row in catalogue.EXPORTS)

AS_MEASURED = ("onnx", "packed")  # forms whose numbers are those of the file that was measured, every one


def add(app: typer.Typer) -> None:
    """The command."""

    @app.command(epilog="Example:  secateur export photos --model dense --to onnx-int8 --out fox-or-hare")
    def export(
        run: str = typer.Argument(..., help="A run's name, or its folder."),
        model: str = typer.Option(..., "--model", help="A model of RUN/models, by its name."),
        to: str = typer.Option("onnx", "--to", help=f"The form of the file. {FORMS}"),
        out: Path = typer.Option(..., "--out", help="The folder to make; it must not be there yet."),
        runs: Path = RUNS,
        as_json: bool = JSON,
    ) -> None:
        """Make a folder to hand on: the model, labels, a model card, checksums, and a script that needs no Secateur.

        Preprocessing is inside of every file. Another form than ONNX is made of what the study kept, and compared with
        the ONNX file on its validation photos: what is shown to answer worse than it may is not handed on, and what so
        few photos do not show is said.
        """
        row = catalogue.export(to)
        home = run_of(run, runs)
        results = read(Results, home / "results.json")
        file, found = _model(home, results, model)
        refuse_folder(out)
        form = None
        if row.name != "onnx":
            from secateur.cli.watch import Shown

            shown = Shown(console())
            try:
                making = catalogue.load("secateur.exporting:made")
                form = making(results, found, row.name, home.parent, home.name, shown)
            finally:
                shown.close()
        parts = {p.name: p for p in form.files} if form else {row.file: file}
        size = sum(p.stat().st_size for p in parts.values())
        words = catalogue.load("secateur.report.card:card")(results, found.config, size, row.name, form)
        labels = [nfc(name) for name in results.data.classes]
        measured = beside.trained(results, found, form="" if row.name in AS_MEASURED else "onnx")
        figures = beside.text({row.file: parts[row.file]}, measured) if measured else ""
        more = catalogue.load("secateur.data.aside:scripts")()
        if results.data.depth:
            more["depth.json"] = as_json_text(results.data.depth).encode()
        writing = catalogue.load("secateur.forms.bundle:write")
        sums = writing(out, parts, row.runtime, labels, words, figures, more)
        doubts = form.parity.doubts if form and form.parity else ()
        if as_json:
            facts = {"folder": str(out), "model": found.id, "format": row.name, "bytes": size, "doubts": doubts}
            echo_json(facts | {"error": form.error if form else 0.0, "sha256": sums})
            return
        for doubt in doubts:
            typer.echo(f"doubt: {doubt}", err=True)
        typer.echo(f"{out}: {found.name}, {row.name}, {mebibytes(size)}; try: python {out}/predict.py PHOTO")


def _model(home: Path, results: Results, name: str) -> tuple[Path, ModelResult]:
    """Its file, and what was measured of it. Raises NotKnown."""
    files = sorted((home / "models").glob("*.onnx"))
    there = {nfc(file.stem): file for file in files if not nobodys(file.name)}
    name = nfc(name)
    if name not in there:
        raise NotKnown("model of this run", name, there)
    digest = hashlib.sha256(there[name].read_bytes()).hexdigest()
    found = next((m for m in results.models if m.file_sha256 == digest), None)
    if found is None:
        raise NotKnown("file that this run measured", name, there)
    return there[name], found
