"""Study → list of steps. Pure and printable: whoever reads this file and the four that it calls knows every
experiment the tool can do: `making` (a network of one seed), `checking` (what is done with it), `rivals` (what it is
held against), `claiming` (what a random split would have said).

The ids of the steps name what they make:  train/cnn/seed0 · retrain/cnn/magnitude/0.5/seed0 · evaluate/…
"""

from __future__ import annotations

from collections.abc import Sequence

from secateur.again import unbalanced
from secateur.arms import has_features
from secateur.checking import SNAPSHOT, after
from secateur.claiming import claims
from secateur.making import START, WEIGHTS, features, seeded
from secateur.quantising import limited
from secateur.records import Choice, Rival, Step
from secateur.rivals import contests, looked_for, made, not_held_against
from secateur.settings import Study, networks


def given(id: str) -> str:
    """The kind of what is given: "weights/tf_efficientnet_b7" → "weights"; empty for a step's."""
    kind = id.split("/")[0]
    return kind if kind in (SNAPSHOT, WEIGHTS, START) else ""


def plan(study: Study, rivals: Sequence[Rival] = (), choices: Sequence[Choice] = ()) -> list[Step]:
    """Every step, each after what it needs. `study` is settled: epochs and precision are numbers. `rivals`, `choices`:
    what the steps of kind "rival" and "choose" found, once they did; it says which further networks are trained, and
    which pruned ones get an INT8 file."""
    data = [
        Step(
            "split",
            "split",
            {"rule": study.split, "fractions": list(study.fractions), "seed": study.split_seed},
            {"snapshot": SNAPSHOT},
            f"split ({study.split})",
        ),
    ]
    nets = networks(study)
    further = [made(net, rival) for net in nets for rival in rivals if rival.backbone == net.backbone]
    sizes = [net.input_px for net in nets] + [rival.px for rival in rivals if rival.px]
    data += [_pixels(px) for px in dict.fromkeys(sizes)]
    data += [features(net) for net in nets if has_features(net)]
    making = [step for net in nets for seed in net.seeds for step in seeded(net, seed)]
    making += unbalanced(nets)
    making += {step.id: step for more in further for step in more.steps}.values()
    claimed, tests = claims(nets)
    chosen = [choice.config for choice in choices]
    rest = after(nets, making, looked_for(nets), contests(further, chosen), tests)
    return [*data, *making, *claimed, *rest]


def _pixels(px: int) -> Step:
    return Step(f"pixels/{px}", "pixels", {"px": px}, {"snapshot": SNAPSHOT}, f"decode to {px} px")


def missing_controls(study: Study, rivals: Sequence[Rival] = ()) -> tuple[str, ...]:
    """What PROTOCOL asks for and this study does not run."""
    all_own = ("the dense network trained on for as long", "random pruning")
    int8 = () if limited(study) else ("INT8 of the dense network", "INT8 of what validation chose")
    own = () if study.controls else all_own + int8
    speed = () if study.bench else ("speed: latency was not measured, on this machine or on yours",)
    return own + speed + not_held_against(networks(study), rivals)
