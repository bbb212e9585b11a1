"""What a random split would have claimed: the dense network trained and tested once more, on photos dealt regardless of
which of them belong together. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from secateur.arms import has_features
from secateur.checking import config_in, evaluate, exported, name_of
from secateur.making import features, seeded
from secateur.records import Step
from secateur.settings import Study

SPLIT = "split/random"
SUFFIX = "-random-split"


def claims(nets: Sequence[Study]) -> tuple[list[Step], list[Step]]:
    """The steps that make it, of each network's first seed; and those that test it, whose names begin with "claim/"."""
    if not nets[0].claims:
        return [], []
    first = nets[0]
    params = {"rule": "random", "fractions": list(first.fractions), "seed": first.split_seed}
    making = [Step(SPLIT, "split", params, {"snapshot": "snapshot"}, "split (random)")]
    tests: list[Step] = []
    for net in nets:
        own = [_moved(step, net) for step in _dense(net)]
        last = own[-1]
        label = f"export {last.title.split(' ', 1)[1]}"
        inputs = {"model": last.id, "snapshot": "snapshot"}
        making += [*own, Step(exported(last), "export", {"format": "onnx-fp32"}, inputs, label)]
        test = evaluate(net, last)
        held = f"evaluate/{name_of(last).replace(SUFFIX, '')}"
        tests.append(replace(test, id=f"claim/{held}", inputs=test.inputs | {"split": SPLIT}))
    return making, tests


def _dense(net: Study) -> Iterator[Step]:
    """All that leads to the dense network of the first seed."""
    alone = net.model_copy(update={"methods": (), "chains": (), "controls": False, "distil": 0.0})
    if has_features(net):
        yield features(net)
    wanted = f"{net.backbone}/dense"
    steps = list(seeded(alone, net.seeds[0]))
    last = next(i for i, step in reversed(list(enumerate(steps))) if config_in(step) == wanted)
    yield from steps[: last + 1]


def _moved(step: Step, net: Study) -> Step:
    """The same under a name of its own, on the photos of the random split."""

    def named(id: str) -> str:
        if id == "split":
            return SPLIT
        if id == f"features/{net.backbone}":
            return id + SUFFIX
        for word in ("dense", "frozen"):
            id = id.replace(f"{net.backbone}/{word}", f"{net.backbone}/{word}{SUFFIX}")
        return id

    inputs = {role: named(id) for role, id in step.inputs.items()}
    return replace(step, id=named(step.id), inputs=inputs, title=f"{step.title}, random split")
