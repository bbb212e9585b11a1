"""The dense network made once more in another way, under names of its own. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from secateur.arms import UNBALANCED, has_features, weighs
from secateur.checking import config_in
from secateur.making import features, seeded
from secateur.records import Step
from secateur.settings import Study


def again(net: Study, seed: int, suffix: str, instead: Mapping[str, str] | None = None) -> list[Step]:
    """All that leads to the dense network of `net`, whose configuration gets the suffix. `instead`: what is another
    thing for it, by id, such as the split; features of the backbone are among its steps where they are."""
    instead = dict(instead or {})
    alone = net.model_copy(update={"methods": (), "chains": (), "controls": False, "distil": 0.0})
    steps = list(seeded(alone, seed))
    last = max(i for i, step in enumerate(steps) if config_in(step) == f"{net.backbone}/dense")
    own = steps[: last + 1]
    if has_features(net):
        first = features(net)
        if set(first.inputs.values()) & instead.keys():
            own, instead[first.id] = [first, *own], first.id + suffix
    return [_moved(step, net.backbone, suffix, instead) for step in own]


def _moved(step: Step, backbone: str, suffix: str, instead: Mapping[str, str]) -> Step:
    def named(id: str) -> str:
        if id in instead:
            return instead[id]
        for word in ("dense", "frozen"):
            id = id.replace(f"{backbone}/{word}", f"{backbone}/{word}{suffix}")
        return id

    inputs = {role: named(id) for role, id in step.inputs.items()}
    return replace(step, id=named(step.id), inputs=inputs, title=f"{step.title}, {suffix[1:].replace('-', ' ')}")


def unbalanced(nets: Sequence[Study]) -> list[Step]:
    """Control of a study that gives rare classes more weight: the dense network without that, of every seed."""
    own = [net for net in nets if net.controls and weighs(net)]
    return [
        step
        for net in own
        for seed in net.seeds
        for step in again(net.model_copy(update={"balance": "none"}), seed, UNBALANCED)
    ]
