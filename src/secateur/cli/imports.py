"""`secateur import keras` and `secateur import timm`."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from secateur import catalogue
from secateur.cli.common import JSON, echo_json

OUT = typer.Option(None, "--out", help="Folder to write, which must not be there; without: one of the model's name.")
NAME = typer.Option("", "--name", help="What to call the model; without: the file's name.")
LABELS = "Names of the classes in the order of the outputs: a text file with one a line, or a JSON list"


def add(app: typer.Typer) -> None:
    """Both commands, under `import`."""
    group = typer.Typer(help="Make a saved model of a network that was trained elsewhere.", no_args_is_help=True)
    app.add_typer(group, name="import")

    @group.command(epilog="Example:  secateur import keras model.h5 --labels classes.txt")
    def keras(
        file: Path = typer.Argument(..., help="A .keras or .h5 file that holds a whole network."),
        out: Path = OUT,
        labels: Path = typer.Option(None, "--labels", help=f"{LABELS}; without: class 0, class 1, …"),
        name: str = NAME,
        as_json: bool = JSON,
    ) -> None:
        """Read a file of Keras: the study's CNN, or EfficientNet B0 to B7 under a head of dense layers.

        Keras need not be installed, and no code of the file is run.
        """
        _say(catalogue.load("secateur.steps.imports:keras")(file, out, labels, name), as_json)

    @group.command(epilog="Example:  secateur import timm resnet18 weights.safetensors --labels classes.txt")
    def timm(
        network: str = typer.Argument(..., help="timm's name of the network, such as resnet18."),
        weights: Path = typer.Argument(..., help="A .safetensors file, or tensors that torch saved (.pth, .pt, .bin)."),
        labels: Path = typer.Option(..., "--labels", help=f"{LABELS}."),
        out: Path = OUT,
        input_px: int = typer.Option(0, "--input-px", min=0, help="Side of the photos; 0: timm's for this network."),
        name: str = NAME,
        tensors: str = typer.Option(
            "",
            "--tensors",
            help="Which of a checkpoint's sets of tensors; without: as timm takes, averaged first.",
        ),
        as_json: bool = JSON,
    ) -> None:
        """Read the weights of a classifier that timm built. No code of the file is run."""
        bring = catalogue.load("secateur.steps.imports:timm")
        _say(bring(network, weights, labels, out, input_px, name, tensors), as_json)


def _say(brought: Any, as_json: bool) -> None:
    if as_json:
        echo_json(asdict(brought))
        return
    chosen = ", ".join(f"{value} {key}" for key, value in brought.options.items())
    typer.echo(f"network: {brought.backbone}{f' ({chosen})' if chosen else ''}, {len(brought.labels)} classes")
    if brought.tensors:
        typer.echo(f"weights: {brought.tensors}")
    typer.echo(f"parameters: {brought.parameters_keras:,} as Keras counts them")
    typer.echo(f"input: {brought.input_px} × {brought.input_px} px; (pixel / 255 − mean) / std")
    for word in ("mean", "std"):
        typer.echo(f"{word}: {', '.join(f'{v:.6g}' for v in getattr(brought, word))}")
    for found in brought.normalisation:
        typer.echo(f"from: {found}")
    typer.echo(f"written: {brought.folder}\nnext: secateur inspect {shlex.quote(brought.folder)}")
