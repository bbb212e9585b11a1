"""The step that writes an exported file in another form."""

from __future__ import annotations

from pathlib import Path

from secateur import __version__, catalogue
from secateur.files import dump
from secateur.models import saved
from secateur.records import Converted
from secateur.steps.context import Context
from secateur.steps.photos import snapshot

MODEL = "model"  # begins the name of every file that is part of it


def about(ctx: Context, loaded: saved.Saved) -> dict[str, str]:
    """What a file says of itself beside labels and input size."""
    photos = snapshot(ctx)
    row = catalogue.backbone(loaded.architecture.backbone)
    said = {
        "secateur.version": __version__,
        "secateur.backbone": loaded.architecture.backbone,
        "secateur.photos": photos.digest,
        "secateur.licence": f"of these weights: none was given; begun from: {row.licence}",
    }
    return said | ({"secateur.trained_on": photos.synthetic} if photos.synthetic else {})


def convert(ctx: Context) -> None:
    """The files of a format, and converted.json. Raises StepFailed for what the format cannot hold."""
    row = catalogue.export(ctx.params["format"])
    write = catalogue.load(row.where)
    if row.of == "network":
        loaded = saved.load(ctx.inputs["model"])
        error = write(loaded.model, loaded.preprocess, loaded.labels, ctx.out, about(ctx, loaded))
    else:
        error = write(ctx.inputs["export"] / "model.onnx", ctx.out)
    made = parts(ctx.out)
    dump(Converted(row.name, sum(p.stat().st_size for p in made), error or 0.0), ctx.out / "converted.json")


def parts(folder: Path) -> list[Path]:
    """The files that a model is made of."""
    return sorted(p for p in folder.iterdir() if p.stem == MODEL)
