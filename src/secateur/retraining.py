"""Training on: its parameters, the step, and the step that asks a teacher for all that are trained on so. Pure."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from secateur import catalogue
from secateur.arms import Way, base, title
from secateur.checking import photos_in
from secateur.quantities import in_bytes
from secateur.records import Step
from secateur.settings import Study


def recipe_row(name: str) -> Any:
    return catalogue.load(catalogue.named(catalogue.RECIPES, "recipe", name).where)


def training(study: Study, recipe: str, epochs: int, seed: int) -> dict[str, Any]:
    row = recipe_row(recipe)
    balance = study.balance or row.balance
    return {
        "recipe": _said(replace(row, balance=balance)),
        "epochs": epochs,
        "augment": study.augment or row.augment,
        "seed": seed,
        "precision": study.precision,
        "device": study.device,
        "threads": study.threads,
    }


def _said(recipe: Any) -> dict[str, Any]:
    """A recipe's fields that are not at their default: a new field moves no old key."""
    return {f.name: getattr(recipe, f.name) for f in fields(recipe) if getattr(recipe, f.name) != f.default}


def seen(study: Study) -> dict[str, str]:
    """What the frozen backbone said of each photo."""
    return {"features": f"features/{study.backbone}"}


def _taught_by(study: Study, way: Way, seed: int) -> str:
    """The id of the step that asks the dense network, for all that are trained on in this way."""
    return f"lessons/{base(study, way)}-{way.recipe}/seed{seed}"


def lessons(study: Study, way: Way, seed: int, teacher: str) -> Step:
    params = training(study, way.recipe, _further(study, way), seed)
    inputs = {"teacher": teacher} | photos_in(study) | (seen(study) if way.tune == "head" else {})
    id = _taught_by(study, way, seed)
    return Step(id, "lessons", params, inputs, f"ask {title(base(study, way))} of every view, seed {seed}")


def _further(study: Study, way: Way) -> int:
    """Epochs of training on."""
    return study.tune_epochs if way.tune == "all" else study.retrain_epochs


def retrain(
    study: Study,
    config: str,
    way: Way,
    seed: int,
    model: str,
    regime: dict[str, Any] | None,
    taught: bool = False,
) -> Step:
    epochs = _further(study, way)
    params = training(study, way.recipe, epochs, seed) | {"regime": regime, "tune": way.tune or None}
    inputs = {"model": model} | photos_in(study)
    if way.tune == "head":
        inputs |= seen(study)
    if way.tune == "all":
        params |= {"memory": in_bytes(study.memory) or None}
    if study.distil and taught:
        params |= {"distil": study.distil}
        inputs |= {"lessons": _taught_by(study, way, seed)}
    return Step(f"retrain/{config}/seed{seed}", "retrain", params, inputs, f"retrain {title(config)}, seed {seed}")
