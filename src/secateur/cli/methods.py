"""`secateur methods`."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.table import Table

from secateur import catalogue
from secateur.cli.common import JSON, echo_json, paper


def add(app: typer.Typer) -> None:
    """The command."""

    @app.command()
    def methods(
        name: str = typer.Argument("", help="Teach one method."),
        as_json: bool = JSON,
    ) -> None:
        """List the ways to prune, with family, source and cost; or teach one."""
        rows = [catalogue.method(name)] if name else list(catalogue.METHODS)
        if as_json:
            echo_json([asdict(r) for r in rows])
            return
        if name:
            row = rows[0]
            typer.echo(f"{row.name}: {row.help}\nfamily: {row.family}; cuts {row.cuts}\ncost: {row.cost}")
            typer.echo(f"source: {row.source}\ncontrol: {row.control or 'it is one'}")
            return
        table = Table(box=None, pad_edge=False)
        for heading in ("method", "family", "cuts", "what it does"):
            table.add_column(heading)
        for row in rows:
            table.add_row(row.name, row.family, row.cuts, row.help)
        out = paper()
        out.print(table)
