"""`secateur inspect` and `secateur predict`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from secateur import catalogue
from secateur.cli.common import JSON, echo_json, mebibytes, paper
from secateur.errors import UserError
from secateur.records import Profile

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


def add(app: typer.Typer) -> None:
    """Both commands."""

    @app.command()
    def inspect(
        what: str = typer.Argument(..., help="A backbone (cnn, or any of timm's), or the folder of a saved model."),
        input_px: int = typer.Option(0, "--input-px", help="Side of the photos; 0: the backbone's usual."),
        classes: int = typer.Option(10, "--classes", min=2, help="Number of classes, for a backbone."),
        pool: str = typer.Option("avg", "--pool", help="How timm's backbones pool their last map: avg or max."),
        head: str = typer.Option("linear", "--head", help="What stands on them: linear, or the study's."),
        as_json: bool = JSON,
    ) -> None:
        """Show every layer: shape, parameters, multiply-adds, and what can be pruned or why not."""
        profile: Profile = catalogue.load("secateur.steps.look:look")(what, input_px, classes, pool, head)
        if as_json:
            echo_json(asdict(profile))
            return
        _print(profile)

    @app.command(epilog="Example:  secateur predict model.onnx holiday.jpg garden/")
    def predict(
        model: Path = typer.Argument(..., help="A model.onnx that Secateur wrote."),
        photos: list[Path] = typer.Argument(..., help="Photos, or folders of them."),
        top: int = typer.Option(1, "--top", min=1, help="So many classes a photo."),
        as_json: bool = JSON,
    ) -> int:
        """Say what is on photos, without torch. A photo that cannot be read is a row with its reason."""
        rows = list(_predicted(model, photos, top))
        if as_json:
            echo_json(rows)
        else:
            for row in rows:
                said = ", ".join(f"{c['class']} {c['probability']:.1%}" for c in row["classes"])
                typer.echo(f"{row['photo']}: {said or row['problem']}")
        return 1 if any(r["problem"] for r in rows) else 0


def _predicted(model: Path, photos: list[Path], top: int) -> Any:
    loaded = catalogue.load("secateur.export.runtime:load")(model)
    decode = catalogue.load("secateur.data.pixels:decode")
    softmax = catalogue.load("secateur.export.runtime:softmax")
    found = _files(photos)
    if not found:
        raise UserError(f"no photos in {', '.join(str(p) for p in photos)}")
    for path in found:
        try:
            pixels = decode(path, loaded.input_px)
        except (UserError, OSError) as error:
            yield {"photo": str(path), "classes": [], "problem": str(error)}
            continue
        chances = softmax(loaded.logits(pixels[None]))[0]
        best = chances.argsort()[::-1][:top]
        classes = [{"class": loaded.labels[i], "probability": float(chances[i])} for i in best]
        yield {"photo": str(path), "classes": classes, "problem": ""}


def _files(photos: list[Path]) -> list[Path]:
    found = []
    for path in photos:
        if path.is_dir():
            found += sorted(p for p in path.rglob("*") if p.is_file() and p.suffix.lower() in SUFFIXES)
        elif path.exists():
            found.append(path)
        else:
            raise UserError(f"no such photo or folder: {path}")
    return found


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
