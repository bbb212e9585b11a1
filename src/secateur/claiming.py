"""What a random split would have claimed: the dense network trained and tested once more, on photos dealt regardless of
which of them belong together. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from secateur.again import again
from secateur.checking import evaluate, exported, name_of
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
        own = again(net, net.seeds[0], SUFFIX, {"split": SPLIT})
        last = own[-1]
        label = f"export {last.title.split(' ', 1)[1]}"
        inputs = {"model": last.id, "snapshot": "snapshot"}
        making += [*own, Step(exported(last), "export", {"format": "onnx-fp32"}, inputs, label)]
        test = evaluate(net, last)
        held = f"evaluate/{name_of(last).replace(SUFFIX, '')}"
        tests.append(replace(test, id=f"claim/{held}", inputs=test.inputs | {"split": SPLIT}))
    return making, tests
