"""One network, one seed: every step that makes a model. Pure.

A configuration ("cnn/magnitude/0.5") is what is the same for all seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from secateur import catalogue
from secateur.arms import (
    Way,
    arms,
    base,
    config_of,
    is_transfer,
    longer,
    needs,
    recipe_for,
    searched,
    targets,
    title,
    way_of,
    ways,
)
from secateur.checking import photos_in
from secateur.choice import MethodChoice
from secateur.quantities import in_bytes
from secateur.records import Step
from secateur.settings import Study

# Given, as the snapshot is: there before the plan begins, kept in the store under the digest of their contents.
WEIGHTS = "weights"  # of a timm backbone
START = "start"  # a saved model to begin from
BATCHES_A_SELECTION = 100  # steps between two selections of the gradual schedule, TFMOT's default


def features(study: Study) -> Step:
    """Each photo through the frozen backbone once, for all seeds."""
    row = _recipe(recipe_for(study, study.recipe, "head"))
    params = {
        "backbone": study.backbone,
        "input_px": study.input_px,
        "pool": study.pool,
        "augment": study.augment or row.augment,
        "views": study.views,
        "device": study.device,
        "threads": study.threads,
    }
    inputs = {"weights": f"{WEIGHTS}/{study.backbone}"} | photos_in(study)
    return Step(f"features/{study.backbone}", "features", params, inputs, f"features of {study.backbone}")


def _recipe(name: str) -> Any:
    return catalogue.load(catalogue.named(catalogue.RECIPES, "recipe", name).where)


def training(study: Study, recipe: str, epochs: int, seed: int) -> dict[str, Any]:
    row = _recipe(recipe)
    return {
        "recipe": _said(row),
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


def _seen(study: Study) -> dict[str, str]:
    """What the frozen backbone said of each photo."""
    return {"features": f"features/{study.backbone}"}


def seeded(study: Study, seed: int) -> Iterator[Step]:
    """All networks of a seed. Those that are trained in one way begin from the same one."""
    dense = f"train/{study.backbone}/dense/seed{seed}"
    yield from _dense(study, dense, seed)
    if study.start:
        dense = f"adopt/{study.backbone}/dense/seed{seed}"
    elif study.tune == "all" and is_transfer(study):
        dense = f"retrain/{study.backbone}/dense/seed{seed}"
    begun = {f"{study.backbone}/dense": dense}
    for config in dict.fromkeys(base(study, way) for way in ways(study)):
        if config not in begun:
            yield retrain(study, config, _whole(study), seed, dense, None)
            begun[config] = f"retrain/{config}/seed{seed}"
    if study.controls:
        for way in ways(study):
            model = begun[base(study, way)]
            yield retrain(study, longer(study, way), way, seed, model, None, model)
    for config in dict.fromkeys(base(study, way_of(study, choice)) for choice in arms(study) if needs(choice)):
        inputs = {"model": begun[config]} | photos_in(study)
        params = {"device": study.device, "threads": study.threads}
        yield Step(f"evidence/{config}/seed{seed}", "evidence", params, inputs, f"gradients, seed {seed}")
    if seed == study.seeds[0]:
        yield from _searches(study, seed, begun)
    for choice in arms(study):
        yield from _arm(study, choice, seed, begun)


def _arm(study: Study, choice: MethodChoice, seed: int, begun: Mapping[str, str]) -> Iterator[Step]:
    """A method at each of its targets. `begun`: configuration → the step that made it."""
    row = catalogue.method(choice.name)
    way = way_of(study, choice)
    start = base(study, way)
    for target in targets(study, choice):
        config = config_of(study, choice, target)
        options = options_of(study, choice, target)
        if row.kind == "regime":
            regime = options | {"frequency": BATCHES_A_SELECTION}
            yield retrain(study, config, way, seed, begun[start], regime, begun[start])
            continue
        pruned = f"prune/{config}/seed{seed}"
        inputs = {"model": begun[start]} | photos_in(study) | (_seen(study) if way.tune == "head" else {})
        if needs(choice):
            inputs |= {"evidence": f"evidence/{start}/seed{seed}"}
        if searched(study, choice, target):
            inputs |= {"search": f"search/{searched(study, choice, target)}"}
        yield Step(pruned, "prune", options | {"seed": seed}, inputs, f"prune {title(config)}, seed {seed}")
        yield retrain(study, config, way, seed, pruned, None, begun[start])


def _searches(study: Study, seed: int, begun: Mapping[str, str]) -> Iterator[Step]:
    """Cuts that meet a target in time, found once, by the first seed's network: all seeds get the same widths."""
    for choice in (c for c in study.methods if c.multiples):
        start = base(study, way_of(study, choice))
        for target in targets(study, choice):
            config = config_of(study, choice, target)
            options = {k: v for k, v in options_of(study, choice, target).items() if k not in ("match", "refit")}
            inputs = {"model": begun[start]}
            if needs(choice):
                inputs |= {"evidence": f"evidence/{start}/seed{seed}"}
            params = options | {"config": config, "multiples": list(choice.multiples), "seed": seed}
            yield Step(f"search/{config}", "search", params, inputs, f"search for the cut of {title(config)}")


def _whole(study: Study) -> Way:
    """How the dense network is fine-tuned, all of it."""
    return Way(recipe_for(study, study.recipe, "all"), "all")


def _dense(study: Study, id: str, seed: int) -> Iterator[Step]:
    """The network that everything of this seed begins with."""
    if study.start:
        adopt = f"adopt/{study.backbone}/dense/seed{seed}"
        yield Step(
            adopt,
            "adopt",
            {},
            {"start": f"{START}/{study.backbone}"} | photos_in(study),
            f"take the dense network, seed {seed}",
        )
        return
    if not is_transfer(study):
        params = training(study, study.recipe, study.epochs, seed)
        params |= {"backbone": study.backbone, "input_px": study.input_px}
        yield Step(id, "train", params, photos_in(study), f"train dense, seed {seed}")
        return
    params = training(study, recipe_for(study, study.recipe, "head"), study.epochs, seed)
    params |= {"backbone": study.backbone, "input_px": study.input_px}
    params |= {"options": {"pool": study.pool, "head": study.head}}
    inputs = {"weights": f"{WEIGHTS}/{study.backbone}"} | _seen(study) | photos_in(study)
    if study.tune == "head":
        yield Step(id, "train", params, inputs, f"train dense (its head), seed {seed}")
        return
    frozen = f"train/{study.backbone}/frozen/seed{seed}"
    yield Step(frozen, "train", params, inputs, f"train frozen (a head on the backbone), seed {seed}")
    yield retrain(study, f"{study.backbone}/dense", _whole(study), seed, frozen, None)


def options_of(study: Study, choice: MethodChoice, target: float) -> dict[str, Any]:
    """Of a pruning; what stands at its default is None, which moves no old key."""
    filters = catalogue.method(choice.name).cuts == "filters"
    rounded = choice.multiple or ("auto" if choice.multiples else 8 if is_transfer(study) else 1)
    whole = is_transfer(study) and choice.part != "head"
    return {
        "method": choice.name,
        "target": target,
        "scope": choice.scope,
        "spare": list(choice.spare),
        "hidden_units": choice.hidden_units or None,
        "part": choice.part if choice.part != "all" else None,
        "measure": choice.measure if choice.measure != "sparsity" else None,
        "multiple": rounded if filters and rounded != 1 else None,
        "like": choice.like or None,
        "match": True if whole else None,
        "refit": True if whole and catalogue.method(choice.name).kind == "score" else None,
    }


def retrain(
    study: Study, config: str, way: Way, seed: int, model: str, regime: dict[str, Any] | None, teacher: str = ""
) -> Step:
    epochs = study.tune_epochs if way.tune == "all" else study.retrain_epochs
    params = training(study, way.recipe, epochs, seed) | {"regime": regime, "tune": way.tune or None}
    inputs = {"model": model} | photos_in(study)
    if way.tune == "head":
        inputs |= _seen(study)
    if way.tune == "all":
        params |= {"memory": in_bytes(study.memory) or None}
    if study.distil and teacher:
        params |= {"distil": study.distil}
        inputs |= {"teacher": teacher}
    return Step(f"retrain/{config}/seed{seed}", "retrain", params, inputs, f"retrain {title(config)}, seed {seed}")
