"""One network, one seed: every step that makes a model. Pure.

A configuration ("cnn/magnitude/0.5") is what is the same for all seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from secateur import catalogue
from secateur.arms import (
    PENALTIES,
    Way,
    arms,
    base,
    config_of,
    is_transfer,
    longer,
    needs,
    pruned_from,
    recipe_for,
    searched,
    targets,
    title,
    way_of,
    ways,
)
from secateur.chains import Link, further, links
from secateur.checking import SNAPSHOT, photos_in
from secateur.choice import MethodChoice, keeps_first
from secateur.records import Step
from secateur.retraining import lessons, recipe_row, retrain, seen, training
from secateur.settings import Study

# Given, as the snapshot is: there before the plan begins, kept in the store under the digest of their contents.
WEIGHTS = "weights"  # of a timm backbone
START = "start"  # a saved model to begin from
BENDS_PHOTOS = 200  # a gradient of a gradient is dear, and GraSP takes ten a class
BATCHES_A_SELECTION = 100  # steps between two selections of the gradual schedule, TFMOT's default


def features(study: Study) -> Step:
    """Each photo through the frozen backbone once, for all seeds."""
    row = recipe_row(recipe_for(study, study.recipe, "head"))
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
    if study.distil:
        yield from (lessons(study, way, seed, begun[base(study, way)]) for way in ways(study))
    if study.controls:
        for way in ways(study):
            model = begun[base(study, way)]
            yield retrain(study, longer(study, way), way, seed, model, None, taught=True)
    yield from _further_starts(study, seed, begun)
    for config, need in dict.fromkeys((pruned_from(study, c), need) for c in arms(study) for need in needs(c)):
        yield _gathered(study, config, need, seed, begun[config])
    yield from _scans(study, seed, begun)
    if seed == study.seeds[0]:
        yield from _searches(study, seed, begun)
    for choice in arms(study):
        yield from _arm(study, choice, seed, begun)
    yield from _chained(study, seed)


def _chained(study: Study, seed: int) -> Iterator[Step]:
    """What follows the first stage of each chain, INT8 apart; and the dense network trained on as often."""
    for config, (source, way) in further(study).items():
        yield retrain(study, config, way, seed, f"retrain/{source}/seed{seed}", None, taught=True)
    pruned = [(link, link.choice) for link in links(study) if link.choice]
    asked = dict.fromkeys((link.source, need) for link, choice in pruned for need in needs(choice))
    for config, need in asked:
        yield _gathered(study, config, need, seed, f"retrain/{config}/seed{seed}")
    for link, choice in pruned:
        yield from _linked(study, link, choice, seed)


def _linked(study: Study, link: Link, choice: MethodChoice, seed: int) -> Iterator[Step]:
    """A stage that prunes what the one before it left."""
    options, source = options_of(study, choice, link.target), f"retrain/{link.source}/seed{seed}"
    if catalogue.method(choice.name).kind == "regime":
        regime = options | {"frequency": BATCHES_A_SELECTION}
        yield retrain(study, link.config, link.way, seed, source, regime, taught=True)
        return
    pruned = f"prune/{link.config}/seed{seed}"
    inputs = {"model": source} | photos_in(study) | (seen(study) if link.way.tune == "head" else {})
    inputs |= _evidence_of(link.source, choice, seed)
    yield Step(pruned, "prune", options | {"seed": seed}, inputs, f"prune {title(link.config)}, seed {seed}")
    yield retrain(study, link.config, link.way, seed, pruned, None, taught=True)


def _further_starts(study: Study, seed: int, begun: dict[str, str]) -> Iterator[Step]:
    """Networks other than the dense one that methods take away from: with its initial weights, or trained on with a
    penalty for half of the retraining. `begun` learns of them."""
    for choice in arms(study):
        config = pruned_from(study, choice)
        if config in begun:
            continue
        if choice.start == "initialisation":
            begun[config] = f"begin/{config}/seed{seed}"
            params = {"backbone": study.backbone, "input_px": study.input_px, "seed": seed}
            label = f"the initial weights, seed {seed}"
            yield Step(begun[config], "begin", params, {"snapshot": SNAPSHOT}, label)
        else:
            way = way_of(study, choice)
            step = retrain(study, config, way, seed, begun[base(study, way)], {"penalty": choice.start})
            epochs = {"epochs": _penalised(step.params["epochs"])}
            begun[config] = f"regularise/{config}/seed{seed}"
            label = f"train on with a penalty, seed {seed}"
            yield replace(step, id=begun[config], kind="regularise", params=step.params | epochs, title=label)


def _penalised(epochs: int) -> int:
    """Of the epochs of retraining, how many come before the cut."""
    return max(epochs // 2, 1)


def _gathered(study: Study, config: str, need: str, seed: int, model: str) -> Step:
    """The step that gathers one kind of evidence about a network."""
    params = {"device": study.device, "threads": study.threads, "what": need if need != "gradients" else None}
    params["photos"] = BENDS_PHOTOS if need == "bends" else None
    label = f"{need} of {title(config)}, seed {seed}"
    return Step(_evidence(config, need, seed), "evidence", params, {"model": model} | photos_in(study), label)


def _evidence(config: str, need: str, seed: int) -> str:
    """The id of the step that gathers it."""
    return f"evidence/{config}/{need}/seed{seed}" if need != "gradients" else f"evidence/{config}/seed{seed}"


def _seen_by(study: Study, choice: MethodChoice, seed: int) -> dict[str, str]:
    """The evidence that pruning so is handed."""
    return _evidence_of(pruned_from(study, choice), choice, seed)


def _evidence_of(config: str, choice: MethodChoice, seed: int) -> dict[str, str]:
    roles = {need: f"evidence/{need}" if need != "gradients" else "evidence" for need in needs(choice)}
    return {role: _evidence(config, need, seed) for need, role in roles.items()}


def _arm(study: Study, choice: MethodChoice, seed: int, begun: Mapping[str, str]) -> Iterator[Step]:
    """A method at each of its targets. `begun`: configuration → the step that made it."""
    row = catalogue.method(choice.name)
    way = way_of(study, choice)
    start = pruned_from(study, choice)
    taught = choice.start != "initialisation"
    for target in targets(study, choice):
        config = config_of(study, choice, target)
        options = options_of(study, choice, target)
        if row.kind == "regime":
            regime = options | {"frequency": BATCHES_A_SELECTION}
            yield _trained_on(study, choice, retrain(study, config, way, seed, begun[start], regime, taught))
            continue
        pruned = f"prune/{config}/seed{seed}"
        inputs = {"model": begun[start]} | photos_in(study) | (seen(study) if way.tune == "head" else {})
        inputs |= _seen_by(study, choice, seed) | _scanned_for(study, choice, seed)
        if searched(study, choice, target):
            inputs |= {"search": f"search/{searched(study, choice, target)}"}
        yield Step(pruned, "prune", options | {"seed": seed}, inputs, f"prune {title(config)}, seed {seed}")
        yield _trained_on(study, choice, retrain(study, config, way, seed, pruned, None, taught))


def _trained_on(study: Study, choice: MethodChoice, step: Step) -> Step:
    """For as many epochs as every other network in all: what begins from initial weights gets those of the dense one,
    too; what was trained on with a penalty gets the rest."""
    epochs = step.params["epochs"]
    if choice.start == "initialisation":
        return replace(step, params=step.params | {"epochs": study.epochs + epochs})
    if choice.start in PENALTIES:
        before = _penalised(epochs)
        return replace(step, params=step.params | {"epochs": max(epochs - before, 1), "epochs_before": before})
    return step


def _scan(study: Study, choice: MethodChoice, seed: int) -> str:
    """The id of the step that scans for a method; a control is cut as the method's scan says."""
    words = [choice.like or choice.name]
    words += [choice.part] if choice.part != "all" else []
    words += ["units"] if choice.hidden_units else []
    words += ["spare-" + "+".join(choice.spare)] if choice.spare else []
    return f"scan/{pruned_from(study, choice)}/{'-'.join(words)}/seed{seed}"


def _scanned_for(study: Study, choice: MethodChoice, seed: int) -> dict[str, str]:
    return {"scan": _scan(study, choice, seed)} if choice.scope == "sensitivity" else {}


def _scans(study: Study, seed: int, begun: Mapping[str, str]) -> Iterator[Step]:
    """Every layer pruned alone, for the methods that ask how much each can give."""
    done: set[str] = set()
    for choice in study.methods:
        id = _scan(study, choice, seed)
        if choice.scope != "sensitivity" or id in done:
            continue
        done.add(id)
        start = pruned_from(study, choice)
        options = options_of(study, choice, 0.0)
        params = {k: options[k] for k in ("method", "spare", "hidden_units", "part")}
        params |= {"config": start, "seed": seed, "threads": study.threads}
        inputs = {"model": begun[start]} | photos_in(study) | _seen_by(study, choice, seed)
        yield Step(id, "scan", params, inputs, f"each layer alone, by {choice.name}, seed {seed}")


def _searches(study: Study, seed: int, begun: Mapping[str, str]) -> Iterator[Step]:
    """Cuts that meet a target in time, found once, by the first seed's network: all seeds get the same widths."""
    for choice in (c for c in study.methods if c.multiples):
        start = pruned_from(study, choice)
        for target in targets(study, choice):
            config = config_of(study, choice, target)
            options = {k: v for k, v in options_of(study, choice, target).items() if k not in ("match", "refit")}
            inputs = {"model": begun[start]}
            inputs |= _seen_by(study, choice, seed) | _scanned_for(study, choice, seed)
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
    inputs = {"weights": f"{WEIGHTS}/{study.backbone}"} | seen(study) | photos_in(study)
    if study.tune == "head":
        yield Step(id, "train", params, inputs, f"train dense (its head), seed {seed}")
        return
    frozen = f"train/{study.backbone}/frozen/seed{seed}"
    yield Step(frozen, "train", params, inputs, f"train frozen (a head on the backbone), seed {seed}")
    yield retrain(study, f"{study.backbone}/dense", _whole(study), seed, frozen, None)


def options_of(study: Study, choice: MethodChoice, target: float) -> dict[str, Any]:
    """Of a pruning; what stands at its default is None, which moves no old key."""
    row = catalogue.method(choice.name)
    filters = row.cuts == "filters"
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
        "normalise": choice.unusual_ranking,
        "whole_first": True if keeps_first(choice) else None,
        "match": True if study.recalibrate == "on" or (whole and study.recalibrate == "auto") else None,
        "refit": True if row.refits or (whole and row.kind == "score") else None,
    }
