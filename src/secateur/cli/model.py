"""`secateur inspect`."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.table import Table

from secateur import catalogue
from secateur.cli.common import JSON, echo_json, mebibytes, paper
from secateur.records import Profile


def add(app: typer.Typer) -> None:
    """The command."""

    @app.command()
    def inspect(
        what: str = typer.Argument(..., help="A backbone (cnn, or any of timm's), or the folder of a saved model."),
        input_px: int = typer.Option(0, "--input-px", help="Side of the photos; 0: the backbone's usual."),
        classes: int = typer.Option(10, "--classes", min=2, help="Number of classes, for a backbone."),
        pool: str = typer.Option("avg", "--pool", help="How timm's backbones pool: avg, max, flatten or own."),
        head: str = typer.Option("linear", "--head", help="What stands on them: linear, study, or dense-256-128."),
        as_json: bool = JSON,
    ) -> None:
        """Show every layer: shape, parameters, multiply-adds, and what can be pruned or why not."""
        profile: Profile = catalogue.load("secateur.steps.look:look")(what, input_px, classes, pool, head)
        if as_json:
            echo_json(asdict(profile))
            return
        _print(profile)


def _print(profile: Profile) -> None:
    out = paper()
    table = Table(box=None, pad_edge=False)
    for heading, justify in (
        ("layer", "left"),
        ("kind", "left"),
        ("output", "left"),
        ("parameters", "right"),
        ("multiply-adds", "right"),
        ("can be pruned", "left"),
    ):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for row in profile.layers:
        shape = "×".join(str(n) for n in row.output_shape)
        table.add_row(row.name, row.kind, shape, f"{row.parameters + row.buffers:,}", f"{row.macs:,}", row.prune)
    out.print(table)
    typer.echo(f"parameters: {profile.parameters:,} trainable, {profile.parameters_keras:,} as Keras counts them")
    typer.echo(f"multiply-adds: {profile.macs:,} a photo; weights: {mebibytes(profile.weight_bytes)}")
    if profile.sparsity_of_prunable:
        typer.echo(
            f"zeros: {profile.sparsity_of_prunable:.1%} of prunable weights, {profile.sparsity_of_model:.1%} of all"
        )
    for what in profile.not_counted:
        typer.echo(f"not counted: {what}")
