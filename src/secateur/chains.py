"""The links of chains: what is made of a network that was pruned and retrained already. Pure.

The first stage of a chain is a method of the study like any other (`chained.with_heads`). What follows it takes away
from what the stage before it left, is retrained for as long again, and is held against the dense network that was
trained on as often, and against chance at the same structure.
"""

from __future__ import annotations

from dataclasses import dataclass

from secateur import catalogue
from secateur.arms import Way, arm_id, config_of, control_of, in_int8, longer, targets, way_of
from secateur.chained import INT8 as TO_INT8
from secateur.chained import PACKED
from secateur.choice import MethodChoice
from secateur.settings import Study

JOIN = "+"


@dataclass(frozen=True, slots=True)
class Link:
    """One configuration of a chain."""

    config: str
    source: str  # the configuration that it is made of
    choice: MethodChoice | None  # None: INT8
    target: float
    way: Way  # how the network was trained on last
    times: int  # how often it was trained on
    chance: str  # the random control; "" for none, or for what is one

    @property
    def method(self) -> str:
        """'filter-fpgm-0.5+lamp'."""
        return self.config.split("/")[1]

    @property
    def control(self) -> bool:
        """Pruned at random."""
        return self.choice is not None and catalogue.method(self.choice.name).role == "control"


def links(study: Study) -> tuple[Link, ...]:
    """All of them, each after what it is made of; none twice."""
    found: dict[str, Link] = {}
    for chain in study.chains:
        head = chain[0]
        assert isinstance(head, MethodChoice)
        target, way, times = targets(study, head)[0], way_of(study, head), 1
        config, chance = config_of(study, head, target), _chance(study, head, target)
        for stage in chain[1:]:
            made: list[Link] = []
            if isinstance(stage, MethodChoice):
                target, way, times = targets(study, stage)[0], way_of(study, stage), times + 1
                own = control_of(stage) if study.controls else None
                chance = _joined(study, config, own, target) if own else ""
                made += [Link(chance, config, own, target, way, times, "")] if own else []
                made.append(Link(_joined(study, config, stage, target), config, stage, target, way, times, chance))
            elif stage == TO_INT8:
                made.append(Link(in_int8(config), config, None, target, way, times, chance))
            for link in made:
                found.setdefault(link.config, link)
                config = link.config
    return tuple(found.values())


def packed(study: Study) -> tuple[str, ...]:
    """The configurations whose files are handed over packed, too: those of chains that say so."""
    ends = []
    for chain in (c for c in study.chains if c[-1] == PACKED):
        alone = links(study.model_copy(update={"chains": (chain,)}))
        head = chain[0]
        assert isinstance(head, MethodChoice)
        ends.append(alone[-1].config if alone else config_of(study, head, targets(study, head)[0]))
    return tuple(dict.fromkeys(ends))


def further(study: Study) -> dict[str, tuple[str, Way]]:
    """Dense networks trained on as often as a chain's: configuration → (what it is trained on from, how)."""
    found: dict[str, tuple[str, Way]] = {}
    if study.controls:
        for link in links(study):
            for times in range(2, link.times + 1):
                found[dense(study, link.way, times)] = (dense(study, link.way, times - 1), link.way)
    return found


def dense(study: Study, way: Way, times: int) -> str:
    """The dense network trained on so often in this way."""
    return longer(study, way) + (f"-x{times}" if times > 1 else "")


def _chance(study: Study, choice: MethodChoice, target: float) -> str:
    control = control_of(choice) if study.controls else None
    return config_of(study, control, target) if control else ""


def _joined(study: Study, source: str, choice: MethodChoice, target: float) -> str:
    backbone, method, before = source.split("/")
    return f"{backbone}/{method}-{before}{JOIN}{arm_id(study, choice)}/{target:g}"
