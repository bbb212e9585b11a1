"""The arms of a study: what is compared with what, how each is trained on, and what it is called. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from secateur import catalogue
from secateur.choice import MethodChoice
from secateur.settings import Study

PENALTIES = {"slimming": "-slimmed", "group-lasso": "-lassoed"}  # end the configuration that one was trained into
INT8 = "-int8"  # ends the configuration of a file that was quantised, and not trained any further
UNBALANCED = "-unbalanced"  # ends the configuration of the dense network for which no class weighs more
USUAL = {"weights": "magnitude", "filters": "filter-l1"}  # whose structure a control takes when none is named


def percent(target: float) -> str:
    """0.3 → '30 %'."""
    return f"{target * 100:g} %"


def title(config: str) -> str:
    """'cnn/filter-l1/0.5' → 'filter-l1 50 %', for people."""
    _, method, *target = config.split("/")
    bare, last = method.removesuffix(INT8), " INT8" if method.endswith(INT8) else ""
    if not target:
        return re.sub(r"(\d)px\b", r"\1 px", bare.replace("-", " ")) + last
    stages = re.sub(r"-(0?\.\d+)\+", lambda found: f" {percent(float(found[1]))} + ", bare)
    return f"{stages} {percent(float(target[0]))}{last}"


def weighs(study: Study) -> bool:
    """Does it give rare classes more weight, in a network that is trained here?"""
    return study.balance in ("sampling", "loss") and not study.start


def is_transfer(study: Study) -> bool:
    """Is the network one of timm's, which begins from weights and has a head of its own?"""
    return not catalogue.backbone(study.backbone).where


@dataclass(frozen=True, slots=True)
class Way:
    """How a network is trained on: with which recipe, and how much of it."""

    recipe: str
    tune: str  # "" the CNN: all of it; "head": on cached features; "all": a whole timm network


def recipe_for(study: Study, name: str, what: str) -> str:
    """A recipe by its plain name, for the head or the whole of a timm network; other names stay as they are."""
    if not is_transfer(study):
        return name
    own = {"study": "study-transfer", "fast": "fast-head" if what == "head" else "fast-tune"}
    return own.get(name, name)


def way_of(study: Study, choice: MethodChoice | None = None) -> Way:
    """How a pruned network is retrained, or the control. A head whose backbone was not touched trains on features."""
    afresh = choice is not None and choice.start == "initialisation"
    name = (choice.recipe if choice else "") or (study.recipe if afresh else study.retrain_recipe or study.recipe)
    if not is_transfer(study):
        return Way(name, "")
    only_head = study.tune == "head" and not study.start and (choice is None or choice.part == "head")
    tune = "head" if only_head else "all"
    return Way(recipe_for(study, name, tune), tune)


def _apart(study: Study, way: Way) -> str:
    """What tells a control of this way from the usual one; empty for the usual one."""
    usual = way_of(study)
    words = [way.tune] if way.tune != usual.tune else []
    if way.recipe != recipe_for(study, study.retrain_recipe or study.recipe, way.tune):
        words.append(way.recipe)
    return "".join(f"-{word}" for word in words)


def base(study: Study, way: Way) -> str:
    """The configuration that this way begins from. Where the dense network is a head on a frozen backbone, what trains
    all of it begins from one that was fine-tuned: a fresh start would be part of every comparison."""
    fresh = is_transfer(study) and study.tune == "head" and not study.start
    return f"{study.backbone}/dense" + ("-all" if fresh and way.tune == "all" else "")


def longer(study: Study, way: Way) -> str:
    """The configuration of the dense network trained on in this way: one control for each way in use."""
    return f"{study.backbone}/dense-longer{_apart(study, way)}"


def pruned_from(study: Study, choice: MethodChoice) -> str:
    """The configuration that a method takes away from."""
    if choice.start == "initialisation":
        return f"{study.backbone}/initial"
    return base(study, way_of(study, choice)) + PENALTIES.get(choice.start, "")


def held_against(study: Study, choice: MethodChoice) -> str:
    """The dense network that a method is compared with: trained for as many epochs."""
    way = way_of(study) if choice.start == "initialisation" else way_of(study, choice)
    return longer(study, way) if study.controls else base(study, way)


def in_int8(config: str) -> str:
    """The configuration of a network's INT8 file: 'cnn/filter-l1/0.5' → 'cnn/filter-l1-int8/0.5'."""
    backbone, name, *target = config.split("/")
    return "/".join((backbone, name + INT8, *target))


def ways(study: Study) -> tuple[Way, ...]:
    """Every way that a network of this study is trained on, the usual one first."""
    own = (way_of(study, c) for c in study.methods if c.start != "initialisation")
    return tuple(dict.fromkeys([way_of(study), *own]))


def arms(study: Study) -> tuple[MethodChoice, ...]:
    """The methods asked for, and the control of each."""
    controls: dict[str, MethodChoice] = {}
    if study.controls:
        for choice in study.methods:
            control = control_of(choice)
            if control:
                id = arm_id(study, control)
                controls[id] = _both(study, controls[id], control) if id in controls else control
    asked = {arm_id(study, c) for c in study.methods}
    return study.methods + tuple(c for name, c in controls.items() if name not in asked)


def _both(study: Study, one: MethodChoice, other: MethodChoice) -> MethodChoice:
    """One control with the targets of both."""
    if one.measure != "sparsity":
        return one.model_copy(update={one.measure: getattr(one, one.measure) + getattr(other, one.measure)})
    return one.model_copy(update={"sparsities": targets(study, one) + targets(study, other)})


def control_of(choice: MethodChoice) -> MethodChoice | None:
    """Random pruning of the same structure: where one ranking runs over the network, of the layers as sparse or narrow
    as the method makes them; where the method keeps the first layer whole, with that whole. None for what is a control
    itself."""
    row = catalogue.method(choice.name)
    if not row.control:
        return None
    usual = catalogue.method(USUAL[row.cuts]).where == row.where
    own = choice.scope == "sensitivity" or (choice.scope == "global" and not usual)
    like = choice.name if own or (row.keeps_first and choice.scope == "layer") else ""
    begins = "" if choice.start == "dense" else choice.start
    sparsities = choice.sparsities or row.targets
    return choice.model_copy(update={"name": row.control, "like": like, "begins": begins, "sparsities": sparsities})


def needs(choice: MethodChoice) -> tuple[str, ...]:
    """The evidence that pruning so asks for."""
    return catalogue.method(choice.like or choice.name).needs


def arm_id(study: Study, choice: MethodChoice) -> str:
    """What names a method or control in this study. A control that is retrained in another way than the usual one is
    another control: what it is compared with differs from it in one thing."""
    control = catalogue.method(choice.name).role == "control"
    way = way_of(study, choice)
    usual = way.recipe == recipe_for(study, study.retrain_recipe or study.recipe, way.tune)
    return choice.id if usual or not control else f"{choice.id}-{way.recipe}"


def targets(study: Study, choice: MethodChoice) -> tuple[float, ...]:
    """What a method takes away, rising: of its filters or weights, or of the network's multiply-adds or parameters."""
    kept = choice.macs or choice.params or choice.latency
    own = choice.sparsities or catalogue.method(choice.name).targets
    away = tuple(round(1 - k, 12) for k in kept) if kept else own or study.sparsities
    return tuple(sorted(set(away)))


def searched(study: Study, choice: MethodChoice, target: float) -> str:
    """The configuration whose cut is searched for by time, for a method and its control alike; "" for no search."""
    if not choice.multiples:
        return ""
    own = [c for c in study.methods if c.multiples and target in targets(study, c)]
    for method in own:
        control = control_of(method)
        if method == choice or (control and arm_id(study, control) == arm_id(study, choice)):
            return config_of(study, method, target)
    return config_of(study, choice, target)


def config_of(study: Study, choice: MethodChoice, target: float) -> str:
    """The configuration of a method at a target."""
    return f"{study.backbone}/{arm_id(study, choice)}/{target:g}"


def has_features(study: Study) -> bool:
    """Does this study train a head on a frozen backbone?"""
    return is_transfer(study) and not study.start
