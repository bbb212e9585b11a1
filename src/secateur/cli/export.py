"""`secateur export`."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from pathlib import Path

import typer

from secateur import catalogue
from secateur.cli.common import JSON, RUNS, echo_json, mebibytes
from secateur.cli.runs import run_of
from secateur.errors import NotKnown
from secateur.files import read
from secateur.records import Results


class Format(StrEnum):
    """What the model file is."""

    onnx = "onnx"
    packed = "packed"
    packed_fp16 = "packed-fp16"
    packed_int8 = "packed-int8"


def add(app: typer.Typer) -> None:
    """The command."""

    @app.command(epilog="Example:  secateur export photos --model dense --out fox-or-hare")
    def export(
        run: str = typer.Argument(..., help="A run's name, or its folder."),
        model: str = typer.Option(..., "--model", help="A model of RUN/models, by its name."),
        to: Format = typer.Option(
            Format.onnx, "--to", help="onnx: as it is; packed: a small file for pruned ones, exactly or rounded."
        ),
        out: Path = typer.Option(..., "--out", help="The folder to make; it must not be there yet."),
        runs: Path = RUNS,
        as_json: bool = JSON,
    ) -> None:
        """Make a folder to hand on: the model, labels, a model card, checksums, and a script that needs no Secateur."""
        home = run_of(run, runs)
        results = read(Results, home / "results.json")
        there = {file.stem: file for file in sorted((home / "models").glob("*.onnx"))}
        if model not in there:
            raise NotKnown("model of this run", model, there)
        content = there[model].read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        found = next((m for m in results.models if m.file_sha256 == digest), None)
        if found is None:
            raise NotKnown("file that this run measured", model, there)
        values = {Format.packed_fp16: "fp16", Format.packed_int8: "int8"}.get(to, "")
        error = 0.0
        if to is not Format.onnx:
            made = catalogue.load("secateur.export.packing:pack")(content, values or "fp32")
            content, error = made.content, made.error
        words = catalogue.load("secateur.report.card:card")(results, found.config, len(content), values, error)
        labels = list(results.data.classes)
        sums = catalogue.load("secateur.export.bundle:write")(out, content, to is not Format.onnx, labels, words)
        if as_json:
            echo_json({"folder": str(out), "model": found.id, "bytes": len(content), "error": error, "sha256": sums})
            return
        typer.echo(f"{out}: {found.name}, {mebibytes(len(content))}; try: python {out}/predict.py PHOTO")
