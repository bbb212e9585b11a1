"""A chain as a study asks for it: filters cut, then weights set to zero, then INT8, then packed."""

from __future__ import annotations

import re
from typing import Any, Literal

from secateur import catalogue
from secateur.choice import MethodChoice

Stage = MethodChoice | Literal["int8", "packed"]
Chain = tuple[Stage, ...]
INT8, PACKED = "int8", "packed"
_WORDS = re.compile(r"(?P<name>[a-z0-9-]+)\s+(?P<target>[0-9.]+)\s*(?P<percent>%?)")


def parsed(chains: Any) -> Any:
    """Chains as people write them, "filter-fpgm 50% > lamp 0.8 > int8 > packed" or a list of stages, as plain values.

    Raises ValueError naming the stage that is none.
    """
    if isinstance(chains, str) or not isinstance(chains, list | tuple):
        raise ValueError(
            "chains are a list: of lines such as 'filter-fpgm 50% > lamp 80% > int8', or of lists of stages"
        )
    return [[_stage(s) for s in (c.split(">") if isinstance(c, str) else c)] for c in chains]


def _stage(stage: Any) -> Any:
    if not isinstance(stage, str):
        return stage
    word = stage.strip()
    if word in (INT8, PACKED):
        return word
    found = _WORDS.fullmatch(word)
    if not found:
        raise ValueError(f"a stage of a chain is a method and its sparsity, 'int8' or 'packed'; got '{word}'")
    target = float(found["target"]) / (100 if found["percent"] else 1)
    return {"name": found["name"], "sparsities": [target]}


def check(chain: Chain) -> None:
    """Raises ValueError for stages in another order than filters, weights, int8, packed, each at most once; for what
    cannot stand behind another stage; and for a chain of one."""
    places = [_place(stage) for stage in chain]
    if len(chain) < 2 or not isinstance(chain[0], MethodChoice):
        raise ValueError("a chain has two stages or more, the first of them a method")
    if places != sorted(set(places)):
        raise ValueError("a chain goes from filters to weights to int8 to packed, each at most once")
    methods = [stage for stage in chain if isinstance(stage, MethodChoice)]
    for number, choice in enumerate(methods):
        _check_method(choice, first=number == 0)
    if len({choice.part for choice in methods}) > 1:
        raise ValueError("the stages of a chain prune the same part of the network")


def _check_method(choice: MethodChoice, first: bool) -> None:
    row = catalogue.method(choice.name)
    own = choice.sparsities or choice.macs or choice.params or choice.latency or row.targets
    if len(own) != 1:
        raise ValueError(f"'{choice.name}' in a chain has one target; got {len(own)}")
    if row.role == "control" or choice.start != "dense":
        raise ValueError(f"'{choice.name}' cannot stand in a chain: it does not prune the network that it is handed")
    if not first and (choice.scope == "sensitivity" or choice.multiples):
        raise ValueError(f"'{choice.name}': only the first stage of a chain may scan or search")


def _place(stage: Stage) -> int:
    if isinstance(stage, str):
        return 2 if stage == INT8 else 3
    return 0 if catalogue.method(stage.name).cuts == "filters" else 1


def with_heads(
    methods: tuple[MethodChoice, ...], chains: tuple[Chain, ...], sparsities: tuple[float, ...]
) -> tuple[MethodChoice, ...]:
    """The methods of a study, and the first stage of each chain among them: it is a method like any other.
    `sparsities`: of what names none."""
    found = {choice.id: choice for choice in methods}
    for head in (chain[0] for chain in chains):
        assert isinstance(head, MethodChoice)
        known = found.get(head.id)
        found[head.id] = _both(known, head, sparsities) if known else head
    return tuple(found.values())


def _both(known: MethodChoice, head: MethodChoice, sparsities: tuple[float, ...]) -> MethodChoice:
    """One choice with the targets of both."""
    key = known.measure if known.measure != "sparsity" else "sparsities"
    own = getattr(known, key) or catalogue.method(known.name).targets or sparsities
    return known.model_copy(update={key: tuple(dict.fromkeys((*own, *getattr(head, key))))})
