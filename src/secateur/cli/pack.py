"""`secateur pack`."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from secateur import beside, catalogue
from secateur.cli.common import JSON, echo_json, paper
from secateur.errors import UserError, no_file
from secateur.outputs import aside, one_on_stdout, opened, put


class Values(StrEnum):
    """How values are kept."""

    fp32 = "fp32"
    fp16 = "fp16"
    int8 = "int8"


@dataclass(frozen=True, slots=True)
class Row:
    """One size."""

    what: str
    size_bytes: int


def add(app: typer.Typer) -> None:
    """The command."""

    @app.command(epilog="Example:  secateur pack runs/photos/models/magnitude.onnx --values int8")
    def pack(
        model: Path = typer.Argument(..., help="A model.onnx that Secateur wrote; worth it where weights are zero."),
        values: Values = typer.Option(
            Values.fp32, "--values", help="How weights are kept: fp32 exactly; fp16 and int8 within a stated error."
        ),
        out: Path | None = typer.Option(None, "--out", help="The file to write; empty: beside the model, .packed."),
        as_json: bool = JSON,
    ) -> None:
        """Write a small file: zeros take less than a bit each. `secateur predict` reads it as it is, without torch.

        In memory the network is as large as before: packing saves disk and radio, not RAM or time.
        """
        if not model.is_file():
            raise no_file(model)
        target = out or model.with_suffix(".packed")
        if target.exists() and target.resolve() == model.resolve():
            raise UserError(f"{target} is the model itself: name another file")
        one_on_stdout(as_json, target, "--out")
        with opened(target, "--out", inputs=[model], text=False) as file:
            content = model.read_bytes()
            made = catalogue.load("secateur.forms.packing:pack")(content, values.value)
            if lost := put(file, made.content):
                raise lost
        measured = beside.of(model)
        if measured and not (file and file.on_stdout):
            beside.keep(target, replace(measured, form=measured.form if values is Values.fp32 else "onnx"))
        rows = [
            Row("as it is", len(content)),
            Row("gzip", len(zlib.compress(content, 9))),
            Row("packed", len(made.content)),
            Row("reference: entropy of the places, bits of the values", made.reference),
        ]
        facts: dict[str, Any] = {"file": str(target), "values": values.value, "error": made.error}
        if as_json:
            echo_json(facts | {"sizes": {row.what.split(":")[0]: row.size_bytes for row in rows}})
            return
        exact = "every number as it was" if not made.error else f"largest error {made.error:.2%} of a tensor's largest"
        with aside(file):
            _print(rows)
            typer.echo(f"{target}: {exact}")


def _print(rows: list[Row]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for row in rows:
        table.add_row(row.what, f"{row.size_bytes:,} bytes")
    paper().print(table)
