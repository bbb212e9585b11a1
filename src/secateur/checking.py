"""What is done with every network of a plan once it is trained: exported, checked, quantised, timed, chosen on
validation, tested, compared. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from secateur import catalogue
from secateur.arms import arms, config_of, held_against, in_int8, longer, targets, title, ways, weighs
from secateur.chains import dense, links
from secateur.choice import MethodChoice
from secateur.pairs import against, begins, ranked, roles_of
from secateur.quantising import compared, quantised, with_int8
from secateur.records import Step
from secateur.settings import Study

SNAPSHOT = "snapshot"  # given: made by the scan
FILE, SIZE = "file/", "size/"  # begin the role of an exported file, or a profile, that a step is handed beside others


@dataclass(frozen=True, slots=True)
class Further:
    """Networks beyond those of the methods: which study's photos a step sees, what they are, what is compared.
    `chosen`: the configurations that validation chose, once that is known."""

    sized: Mapping[str, Study]
    roles: Mapping[str, Any]
    pairs: Sequence[list[str]]
    chosen: frozenset[str] = frozenset()


def after(
    nets: Sequence[Study],
    making: Sequence[Step],
    looking: Sequence[Step],
    further: Further,
    claims: Sequence[Step] = (),
) -> list[Step]:
    """Every step after those of `making`, each after what it needs. `looking`: the steps that look for rivals;
    `further`: of those that were found; `claims`: the tests of networks on a random split."""
    models = [s for s in making if s.kind in ("train", "retrain", "adopt")]
    models = [m for m in models if m.id not in further.sized or config_in(m) in further.roles]
    by_name = {net.backbone: net for net in nets}
    at = {s.id: further.sized.get(s.id) or by_name[_net(s)] for s in making}
    checked = [step for model in models for step in checks(at[model.id], model)]
    made = _in_int8(nets, further)
    int8 = {config: [m for m in models if config_in(m) == source] for config, source in made.items()}
    eights = [step for config, own in int8.items() for m in own for step in quantize(at[m.id], m, config)]
    at |= {f"quantize/{config}/{_seed(m)}": at[m.id] for config, own in int8.items() for m in own}
    choices = [choose(net, choice) for net in nets for choice in net.methods]
    choices += [step for net in nets for step in choose_chained(net)]
    files = [*models, *(step for step in eights if step.kind == "quantize")]
    timed = benches(nets, files) if nets[0].bench else []
    tests = [evaluate(at[model.id], model) for model in files]
    same_photos = [m for m in models if m.id not in further.sized] + _looked_at(nets, files, made, further)
    forms = [step for net in nets for step in conversions(net, [m for m in models if m.id not in further.sized])]
    worse = [robustness(net, same_photos, made) for net in nets if net.robustness]
    others = [*timed, *worse, *forms, *looking, *claims, *(s for s in making if s.kind in ("search", "scan"))]
    last = collect(nets, files, choices, others, further, made)
    return [*checked, *eights, *forms, *choices, *looking, *timed, *tests, *claims, *worse, last]


def _in_int8(nets: Sequence[Study], further: Further) -> dict[str, str]:
    """Of all networks: configuration of an INT8 file → what it is made of."""
    own = {config: source for net in nets for config, source in quantised(net, further.chosen).items()}
    return own | {in_int8(config): config for config in further.roles}


def _looked_at(nets: Sequence[Study], files: Sequence[Step], made: Mapping[str, str], further: Further) -> list[Step]:
    """The INT8 files that photos made worse are shown to: of dense, trained on, of what validation chose, of chains."""
    wanted = {longer(net, way) for net in nets for way in ways(net)} | further.chosen
    wanted |= {link.source for net in nets for link in links(net) if not link.choice}
    return [m for m in files if m.kind == "quantize" and made[config_in(m)] in wanted]


def _seed(model: Step) -> str:
    """'retrain/cnn/magnitude/0.5/seed0' → 'seed0'."""
    return model.id.rpartition("/")[2]


def _net(model: Step) -> str:
    """The network that a step's name begins with."""
    return name_of(model).split("/")[0]


def photos_in(study: Study) -> dict[str, str]:
    return photos_at(study.input_px)


def photos_at(px: int) -> dict[str, str]:
    """The split and the pixels, as inputs of a step."""
    return {"split": "split", "pixels": f"pixels/{px}", "snapshot": SNAPSHOT}


def name_of(model: Step) -> str:
    """'retrain/cnn/magnitude/0.5/seed0' → 'cnn/magnitude/0.5/seed0'."""
    return model.id.split("/", 1)[1]


def config_in(model: Step) -> str:
    """'retrain/cnn/magnitude/0.5/seed0' → 'cnn/magnitude/0.5'."""
    return name_of(model).rpartition("/")[0]


def checks(study: Study, model: Step) -> Iterator[Step]:
    name = name_of(model)
    label = model.title.split(" ", 1)[1]
    inputs = {"model": model.id, "snapshot": SNAPSHOT}
    yield Step(f"export/{name}", "export", {"format": "onnx-fp32"}, inputs, f"export {label}")
    exported = {"export": f"export/{name}"}
    parity = {"model": model.id} | exported | photos_in(study)
    yield Step(f"parity/{name}", "parity", {}, parity, f"parity of {label}")
    yield Step(f"profile/{name}", "profile", {}, {"model": model.id} | exported, f"size and work of {label}")


def quantize(study: Study, model: Step, config: str) -> Iterator[Step]:
    """The INT8 file of a network, which is checked and measured like any other."""
    name, of = f"{config}/{_seed(model)}", exported(model)
    label = f"{title(config)}, {_seed(model).replace('seed', 'seed ')}"
    made = {"format": "onnx-int8"}
    photos = photos_in(study)
    inputs = {"model": model.id, "export": of} | photos
    yield Step(f"quantize/{name}", "quantize", made, inputs, f"quantise {label}")
    files = {"export": f"quantize/{name}", "float": of}
    yield Step(f"parity/{name}", "parity", made, files | photos, f"parity of {label}")
    sized = {"model": model.id, "export": f"quantize/{name}"}
    yield Step(f"profile/{name}", "profile", made, sized, f"size and work of {label}")


def converted(format: str, name: str, model: str, export: str, px: int) -> list[Step]:
    """A file in another form, and its parity. `model`, `export`: the steps that made the network and its ONNX file."""
    row, at = catalogue.export(format), f"{name}@{format}"
    photos = photos_at(px)
    inputs = {
        "network": {"model": model, "snapshot": SNAPSHOT},
        "onnx": {"export": export},
        "photos": {"model": model, "export": export} | photos,
    }[row.of]
    kind = "quantize" if row.of == "photos" else "convert"
    label = f"{title(name.rpartition('/')[0])} as {format}"
    made = Step(f"convert/{at}", kind, {"format": format}, inputs, f"write {label}")
    files = {"export": made.id, "float": export} | photos
    return [made, Step(f"parity/{at}", "parity", {"format": format}, files, f"parity of {label}")]


def conversions(net: Study, models: Sequence[Step]) -> list[Step]:
    """The first seed's files in every further form that was asked for; not those that are quantised already."""
    by_file = {exported(m): m for m in models if m.kind != "quantize"}
    own = [by_file[file] for file in _of_the_first_seed(net, models).values() if file in by_file]
    return [s for m in own for f in net.exports for s in converted(f, name_of(m), m.id, exported(m), net.input_px)]


def exported(model: Step) -> str:
    """The id of the step that made a model's file."""
    return model.id if model.kind == "quantize" else f"export/{name_of(model)}"


def benches(nets: Sequence[Study], models: Sequence[Step]) -> list[Step]:
    """The exported files of the first seed: how fast one is does not depend on what it learnt. Not those of random
    pruning, which has the structure of its method. One network after the other: two benches at a time would measure
    each other."""
    found: list[Step] = []
    for net in nets:
        files = _of_the_first_seed(net, models)
        before = {"before": found[-1].id} if found else {}
        params = {"rounds": net.bench, "reference": f"{net.backbone}/dense"}
        label = f"time the files of {net.backbone} on this machine"
        found.append(Step(f"bench/{net.backbone}", "bench", params, files | before, label))
    return found


def _of_the_first_seed(net: Study, models: Sequence[Step]) -> dict[str, str]:
    """Configuration → the step that made its file; without random pruning."""
    chance = {config_of(net, c, t) for c in arms(net) if c not in net.methods for t in targets(net, c)}
    chance |= {link.config for link in links(net) if link.control}
    chance |= {in_int8(config) for config in chance}
    own = [m for m in models if m.id.endswith(f"/seed{net.seeds[0]}") and _net(m) == net.backbone]
    files = {config_in(m): exported(m) for m in own}
    return {config: file for config, file in files.items() if config not in chance}


def choose(study: Study, choice: MethodChoice) -> Step:
    configs = {t: config_of(study, choice, t) for t in targets(study, choice)}
    return _choose(study, choice.id, configs, held_against(study, choice))


def choose_chained(study: Study) -> list[Step]:
    """What follows in a chain is a candidate like any other, with one target each."""
    own = [link for link in links(study) if not link.control]
    return [_choose(study, k.method, {k.target: k.config}, dense(study, k.way, k.times)) for k in own]


def _choose(study: Study, method: str, configs: Mapping[float, str], against: str) -> Step:
    inputs = {f"{t:g}/{seed}": f"parity/{c}/seed{seed}" for t, c in configs.items() for seed in study.seeds}
    params = {"method": method, "backbone": study.backbone, "margin": study.margin}
    if study.controls:
        inputs |= {f"0/{s}": f"parity/{against}/seed{s}" for s in study.seeds}
    label = f"choose the sparsity of {method} on validation"
    return Step(f"choose/{study.backbone}/{method}", "choose", params, inputs, label)


def evaluate(study: Study, model: Step) -> Step:
    name = name_of(model)
    inputs = {"export": exported(model)} | photos_in(study)
    return Step(f"evaluate/{name}", "evaluate", {}, inputs, f"test {model.title.split(' ', 1)[1]}")


def robustness(net: Study, models: Sequence[Step], made: Mapping[str, str]) -> Step:
    """The files of the first seed on test photos made worse; each batch is corrupted once, and shown to all."""
    shown = _of_the_first_seed(net, models)
    own = {config: source for config, source in made.items() if config in shown}
    pairs, roles = against(net), with_int8(roles_of(net), own)
    pairs += compared(pairs, roles, own)
    dense = {config: other for config, other in pairs if not roles[other][1]}
    params = {"photos": net.robustness, "against": dense}
    label = f"photos made worse, {net.backbone}"
    files = {f"{FILE}{config}": file for config, file in shown.items()}
    return Step(f"robustness/{net.backbone}", "robustness", params, files | photos_in(net), label)


def collect(
    nets: Sequence[Study],
    models: list[Step],
    choices: list[Step],
    others: list[Step],
    further: Further,
    made: Mapping[str, str],
) -> Step:
    """All that was found out, compared. `others`: what was measured of many files at once."""
    inputs = {"split": "split", "snapshot": SNAPSHOT}
    for model in models:
        name = name_of(model)
        inputs[model.id] = model.id
        inputs |= {s: s for s in (exported(model), f"parity/{name}", f"profile/{name}", f"evaluate/{name}")}
        if model.inputs.get("model", "").startswith("prune/"):
            inputs[model.inputs["model"]] = model.inputs["model"]
    inputs |= {c.id: c.id for c in (*choices, *others)}
    inputs |= {c.inputs["split"]: c.inputs["split"] for c in others if c.id.startswith("claim/")}
    roles: dict[str, Any] = {}
    for net in nets:
        roles |= roles_of(net)
    roles |= further.roles
    pairs = [*(pair for net in nets for pair in against(net)), *further.pairs]
    pairs += compared(pairs, roles, made)
    roles = with_int8(roles, made)
    alike = [pair for net in nets for pair in ranked(net)]
    params = {"margin": nets[0].margin, "against": pairs, "roles": roles, "ranked": alike or None}
    params["taught"] = [net.backbone for net in nets if net.distil] or None
    params["begins"] = {config: start for net in nets for config, start in begins(net).items()} or None
    params["weighed"] = {f"{net.backbone}/dense": net.balance for net in nets if net.controls and weighs(net)} or None
    params["made_of"] = ({link.config: link.source for net in nets for link in links(net)} | dict(made)) or None
    return Step("collect", "collect", params, inputs, "compare")
