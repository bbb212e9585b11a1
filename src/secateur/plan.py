"""Study → list of steps. Pure and printable: whoever reads this file knows every experiment the tool can do.

The ids of the steps name what they make:  train/cnn/seed0 · retrain/cnn/magnitude/0.5/seed0 · evaluate/…
A configuration ("cnn/magnitude/0.5") is what is the same for all seeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from secateur import catalogue
from secateur.records import Step
from secateur.settings import MethodChoice, Study

SNAPSHOT = "snapshot"  # made by the scan, which every run begins with
BATCHES_A_SELECTION = 100  # steps between two selections of the gradual schedule, TFMOT's default

NOT_YET_CONTROLS = (
    "speed: latency was not measured, on this machine or on yours",
    "a smaller dense network of equal latency",
    "the dense network at a smaller input size of equal latency",
    "training from scratch at the pruned shape",
    "INT8 of the dense network",
)


def missing_controls(study: Study) -> tuple[str, ...]:
    """What PROTOCOL asks for and this study does not run."""
    own = () if study.controls else ("the dense network trained on for as long", "random pruning")
    return own + NOT_YET_CONTROLS


def percent(target: float) -> str:
    """0.3 → '30 %'."""
    return f"{target * 100:g} %"


def title(config: str) -> str:
    """'cnn/filter-l1/0.5' → 'filter-l1 50 %', for people."""
    _, method, *target = config.split("/")
    return f"{method} {percent(float(target[0]))}" if target else method.replace("-", " ")


def recipe_of(study: Study, choice: MethodChoice | None = None) -> str:
    """The recipe that a pruned network, or the control, is retrained with."""
    return (choice.recipe if choice else "") or study.retrain_recipe or study.recipe


def longer(study: Study, recipe: str) -> str:
    """The configuration of the dense network trained on with `recipe`: one control for each recipe in use."""
    usual = recipe == recipe_of(study)
    return f"{study.backbone}/dense-longer" + ("" if usual else f"-{recipe}")


def arms(study: Study) -> tuple[MethodChoice, ...]:
    """The methods asked for, and the control of each."""
    controls: dict[str, MethodChoice] = {}
    if study.controls:
        for choice in study.methods:
            name = catalogue.method(choice.name).control
            if name:
                control = choice.model_copy(update={"name": name})
                controls.setdefault(arm_id(study, control), control)
    asked = {arm_id(study, c) for c in study.methods}
    return study.methods + tuple(c for name, c in controls.items() if name not in asked)


def arm_id(study: Study, choice: MethodChoice) -> str:
    """What names a method or control in this study. A control that is retrained with another recipe than the usual one
    is another control: what it is compared with differs from it in one thing."""
    usual = recipe_of(study, choice) == recipe_of(study)
    control = catalogue.method(choice.name).role == "control"
    return choice.id if usual or not control else f"{choice.id}-{recipe_of(study, choice)}"


def config_of(study: Study, choice: MethodChoice, target: float) -> str:
    """The configuration of a method at a target."""
    return f"{study.backbone}/{arm_id(study, choice)}/{target:g}"


def plan(study: Study) -> list[Step]:
    """Every step after the scan, each after what it needs. `study` is settled: epochs and precision are numbers."""
    data = [
        Step(
            "split",
            "split",
            {"rule": study.split, "fractions": list(study.fractions), "seed": study.split_seed},
            {"snapshot": SNAPSHOT},
            f"split ({study.split})",
        ),
        Step("pixels", "pixels", {"px": study.input_px}, {"snapshot": SNAPSHOT}, f"decode to {study.input_px} px"),
    ]
    making = [step for seed in study.seeds for step in _seed(study, seed)]
    models = [s for s in making if s.kind in ("train", "retrain")]
    checks = [check for model in models for check in _checks(model)]
    choices = [_choose(study, choice) for choice in study.methods]
    tests = [_evaluate(model) for model in models]
    return [*data, *making, *checks, *choices, *tests, _collect(study, models, choices)]


def _training(study: Study, recipe: str, epochs: int, seed: int) -> dict[str, Any]:
    row = catalogue.load(catalogue.named(catalogue.RECIPES, "recipe", recipe).where)
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


def _photos() -> dict[str, str]:
    return {"split": "split", "pixels": "pixels", "snapshot": SNAPSHOT}


def _seed(study: Study, seed: int) -> Iterator[Step]:
    dense = f"train/{study.backbone}/dense/seed{seed}"
    params = _training(study, study.recipe, study.epochs, seed)
    params |= {"backbone": study.backbone, "input_px": study.input_px}
    yield Step(dense, "train", params, _photos(), f"train dense, seed {seed}")
    if study.controls:
        recipes = dict.fromkeys([recipe_of(study), *(recipe_of(study, c) for c in study.methods)])
        for recipe in recipes:
            config = longer(study, recipe)
            yield _retrain(study, config, recipe, seed, dense, None)
    for choice in arms(study):
        row = catalogue.method(choice.name)
        for target in study.sparsities:
            config = config_of(study, choice, target)
            options = _options(choice, target)
            if row.kind == "regime":
                regime = options | {"frequency": BATCHES_A_SELECTION}
                yield _retrain(study, config, recipe_of(study, choice), seed, dense, regime)
                continue
            pruned = f"prune/{config}/seed{seed}"
            inputs = {"model": dense} | _photos()
            yield Step(pruned, "prune", options | {"seed": seed}, inputs, f"prune {title(config)}, seed {seed}")
            yield _retrain(study, config, recipe_of(study, choice), seed, pruned, None)


def _options(choice: MethodChoice, target: float) -> dict[str, Any]:
    return {
        "method": choice.name,
        "target": target,
        "scope": choice.scope,
        "spare": list(choice.spare),
        "hidden_units": choice.hidden_units or None,
    }


def _retrain(study: Study, config: str, recipe: str, seed: int, model: str, regime: dict[str, Any] | None) -> Step:
    params = _training(study, recipe, study.retrain_epochs, seed) | {"regime": regime}
    inputs = {"model": model} | _photos()
    return Step(f"retrain/{config}/seed{seed}", "retrain", params, inputs, f"retrain {title(config)}, seed {seed}")


def _name(model: Step) -> str:
    """'retrain/cnn/magnitude/0.5/seed0' → 'cnn/magnitude/0.5/seed0'."""
    return model.id.split("/", 1)[1]


def _checks(model: Step) -> Iterator[Step]:
    name = _name(model)
    label = model.title.split(" ", 1)[1]
    inputs = {"model": model.id, "snapshot": SNAPSHOT}
    yield Step(f"export/{name}", "export", {"format": "onnx-fp32"}, inputs, f"export {label}")
    exported = {"export": f"export/{name}"}
    parity = {"model": model.id} | exported | _photos()
    yield Step(f"parity/{name}", "parity", {}, parity, f"parity of {label}")
    yield Step(f"profile/{name}", "profile", {}, {"model": model.id} | exported, f"size and work of {label}")


def _choose(study: Study, choice: MethodChoice) -> Step:
    configs = {t: config_of(study, choice, t) for t in study.sparsities}
    inputs = {f"{t:g}/{seed}": f"parity/{c}/seed{seed}" for t, c in configs.items() for seed in study.seeds}
    params = {"method": choice.id, "backbone": study.backbone, "margin": study.margin}
    if study.controls:
        recipe = recipe_of(study, choice)
        inputs |= {f"0/{s}": f"parity/{longer(study, recipe)}/seed{s}" for s in study.seeds}
    label = f"choose the sparsity of {choice.id} on validation"
    return Step(f"choose/{choice.id}", "choose", params, inputs, label)


def _evaluate(model: Step) -> Step:
    name = _name(model)
    inputs = {"export": f"export/{name}"} | _photos()
    return Step(f"evaluate/{name}", "evaluate", {}, inputs, f"test {model.title.split(' ', 1)[1]}")


def _collect(study: Study, models: list[Step], choices: list[Step]) -> Step:
    inputs = {"split": "split", "snapshot": SNAPSHOT}
    for model in models:
        name = _name(model)
        inputs[model.id] = model.id
        inputs |= {s: s for s in (f"parity/{name}", f"profile/{name}", f"evaluate/{name}")}
        if model.inputs.get("model", "").startswith("prune/"):
            inputs[model.inputs["model"]] = model.inputs["model"]
    inputs |= {c.id: c.id for c in choices}
    params = {"margin": study.margin, "against": _against(study), "roles": _roles(study)}
    return Step("collect", "collect", params, inputs, "compare")


def _roles(study: Study) -> dict[str, Any]:
    """Configuration → [role, method, target]; the order is the report's."""
    rows: dict[str, Any] = {f"{study.backbone}/dense": ["dense", "", 0.0]}
    if study.controls:
        for choice in (None, *study.methods):
            rows[longer(study, recipe_of(study, choice))] = ["control", "", 0.0]
    for choice in arms(study):
        role = catalogue.method(choice.name).role
        for target in study.sparsities:
            rows[config_of(study, choice, target)] = [role, arm_id(study, choice), target]
    return rows


def _against(study: Study) -> list[list[str]]:
    """Pairs of configurations to compare: every method with dense, trained on as long, and with random."""
    pairs = []
    for choice in arms(study):
        row = catalogue.method(choice.name)
        dense = longer(study, recipe_of(study, choice)) if study.controls else f"{study.backbone}/dense"
        for target in study.sparsities:
            config = config_of(study, choice, target)
            pairs.append([config, dense])
            if study.controls and row.control:
                control = choice.model_copy(update={"name": row.control})
                pairs.append([config, config_of(study, control, target)])
    if study.controls:
        pairs += [[longer(study, r), f"{study.backbone}/dense"] for r in [recipe_of(study)]]
    return pairs
