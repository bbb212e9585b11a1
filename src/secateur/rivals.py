"""What a pruned network is held against before it is recommended: the dense network on smaller photos, and a narrower
one, that take as long as it does, a narrower one whose file has as many bytes, and training from scratch at its own
shape (PROTOCOL, "Controls", "Fair rivals"). Pure.

Which networks these are is known once validation has chosen and files were timed: a step of kind "rival" finds out, and
then the plan is made again with what it found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from secateur import catalogue
from secateur.arms import base, config_of, has_features, is_transfer, longer, percent, targets, way_of
from secateur.checking import FILE, SIZE, Further, choose, photos_in
from secateur.choice import MethodChoice
from secateur.making import features, options_of, seeded
from secateur.records import Rival, Step
from secateur.retraining import training
from secateur.settings import Study

SMALLER, NARROWER, SCRATCH, AS_SMALL = (
    "the dense network at a smaller input size of equal latency",
    "a smaller dense network of equal latency",
    "training from scratch at the pruned shape",
    "a smaller dense network of equal bytes",
)
FRESH = "a fresh network lacks the pretrained weights that the others begin from"
MULTIPLE = 8  # of a narrower network's widths, so that they run fast


@dataclass(frozen=True, slots=True)
class Made:
    """The networks that one choice is held against."""

    net: Study
    rival: Rival
    steps: tuple[Step, ...]
    sized: Mapping[str, Study]  # step → the study whose photos it sees
    configs: tuple[str, ...]


def _held(study: Study) -> tuple[MethodChoice, ...]:
    """Methods whose networks are smaller than one that was trained here, where time is measured: really, as cut filters
    are; or by their zeros, once compressed, which a narrower network may do as well, if this one can be narrowed."""
    if not (study.rivals and study.controls and study.bench) or study.start:
        return ()
    rows = ((c, catalogue.method(c.name)) for c in study.methods if c.part != "head")
    zeros = not is_transfer(study)
    return tuple(c for c, row in rows if (row.cuts == "filters" or zeros) and row.role != "control")


def _cuts(choice: MethodChoice) -> bool:
    """Are its networks really smaller, so that they may be faster?"""
    return catalogue.method(choice.name).cuts == "filters"


def looked_for(nets: Sequence[Study]) -> list[Step]:
    """A step for every method that is held against rivals; one after the other, since they time files."""
    found: list[Step] = []
    for net in nets:
        for choice in _held(net):
            configs = {f"{t:g}": config_of(net, choice, t) for t in targets(net, choice)}
            first, dense = net.seeds[0], base(net, way_of(net, choice))
            inputs = {"choice": f"choose/{net.backbone}/{choice.id}", "snapshot": "snapshot"}
            inputs |= {f"{FILE}{c}": f"export/{c}/seed{first}" for c in configs.values()}
            inputs |= {f"{SIZE}{c}": f"profile/{c}/seed{first}" for c in (*configs.values(), dense)}
            inputs |= {r: i for r, i in choose(net, choice).inputs.items() if r.startswith("0/")}
            if found:
                inputs["before"] = found[-1].id
            params = {
                "backbone": net.backbone,
                "method": choice.id,
                "margin": net.margin,
                "input_px": net.input_px,
                "dense": dense,
                "options": {"pool": net.pool, "head": net.head} if is_transfer(net) else None,
                "narrow": not is_transfer(net),
                "multiple": MULTIPLE,
                "timed": None if _cuts(choice) else False,
            }
            label = f"look for dense networks as {'fast' if _cuts(choice) else 'small'} as {choice.id}"
            found.append(Step(f"rival/{net.backbone}/{choice.id}", "rival", params, inputs, label))
    return found


def made(net: Study, rival: Rival) -> Made:
    """The steps that train what was found, for every seed."""
    choice = next(c for c in _held(net) if c.id == rival.method)
    steps: list[Step] = []
    configs: list[str] = []
    sized: dict[str, Study] = {}
    if not rival.why_none:
        if rival.px:
            small = net.model_copy(update={"input_px": rival.px, "methods": (choice,), "chains": ()})
            own = list(_on_smaller_photos(small, choice, rival.px))
            steps += own
            sized |= {step.id: small for step in own}
            configs.append(_renamed(longer(small, way_of(small, choice)), net.backbone, rival.px))
        if not is_transfer(net):
            for config, own in _from_scratch(net, choice, rival).items():
                steps += own
                configs.append(config)
    return Made(net, rival, tuple(steps), sized, tuple(configs))


def contests(further: Sequence[Made], chosen: Iterable[str]) -> Further:
    """Roles, pairs and photos of all of them. `chosen`: the configurations that validation chose."""
    sized = {id: net for more in further for id, net in more.sized.items()}
    roles = {config: ["rival", "", 0.0] for more in further for config in more.configs}
    pairs = [[more.rival.config, config] for more in further for config in more.configs]
    return Further(sized, roles, pairs, frozenset(chosen))


def _renamed(id: str, backbone: str, px: int) -> str:
    for word in ("dense", "frozen"):
        id = id.replace(f"{backbone}/{word}", f"{backbone}/{word}-{px}px")
    return id


def _on_smaller_photos(small: Study, choice: MethodChoice, px: int) -> Iterator[Step]:
    """All that leads to the dense network trained on in the method's way, at this size, under names of its own."""
    wanted = longer(small, way_of(small, choice))
    if has_features(small):
        yield _at(features(small), small, px)
    for seed in small.seeds:
        steps = {step.id: step for step in seeded(small, seed)}
        needed = [f"retrain/{wanted}/seed{seed}"]
        for id in needed:
            needed += [i for i in steps[id].inputs.values() if i in steps and i not in needed]
        yield from (_at(step, small, px) for step in steps.values() if step.id in needed)


def _at(step: Step, small: Study, px: int) -> Step:
    def named(id: str) -> str:
        if id == f"features/{small.backbone}":
            return f"{id}-{px}px"
        return _renamed(id, small.backbone, px)

    inputs = {role: named(id) for role, id in step.inputs.items()}
    return replace(step, id=named(step.id), inputs=inputs, title=f"{step.title}, {px} px")


def _from_scratch(net: Study, choice: MethodChoice, rival: Rival) -> dict[str, list[Step]]:
    """Fresh weights in the chosen shape, and in uniformly narrower ones, as fast and as small; for the dense and the
    retraining epochs together, as the dense network was trained."""
    found: dict[str, list[Step]] = {}
    target = float(rival.config.rsplit("/", 1)[1])
    scratch, narrow = f"{net.backbone}/scratch-{choice.id}/{target:g}", f"{net.backbone}/narrow-{choice.id}"
    name = f"{choice.id} {percent(target)}"
    for seed in net.seeds:
        if _cuts(choice):
            shape = f"prune/{rival.config}/seed{seed}"
            found.setdefault(scratch, []).extend(_fresh(net, scratch, seed, shape, f"{name} from scratch"))
        if rival.narrow:
            like = MethodChoice(name="filter-random", macs=(rival.narrow,), multiple=MULTIPLE)
            words = f"a network as fast as {name}"
            found.setdefault(narrow, []).extend(_narrower(net, narrow, seed, like, 1 - rival.narrow, words))
        if rival.small:
            small = f"{net.backbone}/dense-as-small-as-{choice.id}"
            like = MethodChoice(name="filter-random", params=(rival.small,))
            words = f"a network as small as {name}"
            found.setdefault(small, []).extend(_narrower(net, small, seed, like, 1 - rival.small, words))
    return found


def _narrower(net: Study, config: str, seed: int, like: MethodChoice, target: float, words: str) -> Iterator[Step]:
    """The dense network made uniformly narrower, and its shape trained from fresh weights."""
    options = options_of(net, like, target) | {"seed": seed}
    pruned = f"prune/{config}/seed{seed}"
    inputs = {"model": f"train/{net.backbone}/dense/seed{seed}"} | photos_in(net)
    yield Step(pruned, "prune", options, inputs, f"shape {words}, seed {seed}")
    yield from _fresh(net, config, seed, pruned, words)


def _fresh(net: Study, config: str, seed: int, shape: str, words: str) -> list[Step]:
    fresh = f"fresh/{config}/seed{seed}"
    params = training(net, net.recipe, net.epochs + net.retrain_epochs, seed) | {"regime": None, "tune": None}
    inputs = {"model": fresh} | photos_in(net)
    return [
        Step(fresh, "fresh", {"seed": seed}, {"model": shape}, f"fresh weights for {words}, seed {seed}"),
        Step(f"retrain/{config}/seed{seed}", "retrain", params, inputs, f"train {words}, seed {seed}"),
    ]


def not_held_against(nets: Sequence[Study], rivals: Sequence[Rival]) -> tuple[str, ...]:
    """Controls of a recommendation that were not run, with the reason where it is known; for each network that has
    them missing."""
    missing: list[str] = []
    for net in nets:
        own = [r for r in rivals if r.backbone == net.backbone]
        where = f" ({net.backbone})" if len(nets) > 1 else ""
        missing += [*_as_fast(net, [r for r in own if r.timed], where), *_as_small(net, own, where)]
        lost = [choice.id for choice in _held(net) if choice.id not in {r.method for r in own}]
        missing += [f"what {id} is to be held against{where}: looking for it failed" for id in lost if own]
    return tuple(missing)


def _why_none(own: Sequence[Rival]) -> str:
    why = "; ".join(dict.fromkeys(f"{r.method} {r.why_none}" for r in own if r.why_none))
    return f": {why}" if why else ""


def _as_small(net: Study, own: Sequence[Rival], where: str) -> list[str]:
    run = [r for r in own if not r.why_none]
    if is_transfer(net):
        return [f"{AS_SMALL}{where}: {FRESH}"]
    if not run:
        return [f"{AS_SMALL}{where}{_why_none(own)}"]
    without = ", ".join(r.method for r in run if not (r.small or r.small_like))
    return [f"{AS_SMALL}{where}: none was found for {without}"] if without else []


def _as_fast(net: Study, own: Sequence[Rival], where: str) -> list[str]:
    run = [r for r in own if not r.why_none]
    if not run:
        return [f"{control}{where}{_why_none(own)}" for control in (NARROWER, SMALLER, SCRATCH)]
    missing = [] if all(r.px for r in run) else [f"{SMALLER}{where}: none was found"]
    if is_transfer(net):
        missing += [f"{control}{where}: {FRESH}" for control in (NARROWER, SCRATCH)]
    elif not all(r.narrow for r in run):
        missing.append(f"{NARROWER}{where}: none was found")
    return missing
