"""What stands in a report, in which order, and what is compared with what. Pure."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from secateur import catalogue
from secateur.arms import (
    UNBALANCED,
    arm_id,
    arms,
    base,
    config_of,
    control_of,
    has_features,
    held_against,
    longer,
    targets,
    ways,
    weighs,
)
from secateur.chains import dense, further, links
from secateur.settings import Study


def roles_of(study: Study) -> dict[str, Any]:
    """Configuration → [role, method, target]; the order is the report's."""
    rows: dict[str, Any] = {}
    if has_features(study) and study.tune == "all":
        rows[f"{study.backbone}/frozen"] = ["control", "", 0.0]
    rows[f"{study.backbone}/dense"] = ["dense", "", 0.0]
    if study.controls and weighs(study):
        rows[f"{study.backbone}/dense{UNBALANCED}"] = ["control", "", 0.0]
    for way in ways(study):
        rows.setdefault(base(study, way), ["control", "", 0.0])
    if study.controls:
        for way in ways(study):
            rows[longer(study, way)] = ["control", "", 0.0]
    for config in further(study):
        rows[config] = ["control", "", 0.0]
    for choice in arms(study):
        role = catalogue.method(choice.name).role
        for target in targets(study, choice):
            rows[config_of(study, choice, target)] = [role, arm_id(study, choice), target]
    for link in links(study):
        rows[link.config] = ["control" if link.control else "chained", link.method, link.target]
    return rows


def ranked(study: Study) -> list[list[str]]:
    """Pairs of methods at one target that take the same thing away by the same measure."""
    alike: dict[tuple[str, str, float], list[str]] = {}
    for choice in study.methods:
        row = catalogue.method(choice.name)
        for target in targets(study, choice):
            if row.role != "control":
                alike.setdefault((row.cuts, choice.measure, target), []).append(config_of(study, choice, target))
    return [list(pair) for own in alike.values() for pair in combinations(own, 2)]


def begins(study: Study) -> dict[str, str]:
    """Configuration → what was pruned, of those that took away from another network than the dense one."""
    others = [c for c in arms(study) if c.start != "dense"]
    return {config_of(study, c, t): c.start for c in others for t in targets(study, c)}


def against(study: Study) -> list[list[str]]:
    """Pairs of configurations to compare: every method with dense, trained on as long, and with random."""
    pairs = []
    for choice in arms(study):
        dense = held_against(study, choice)
        for target in targets(study, choice):
            config = config_of(study, choice, target)
            pairs.append([config, dense])
            control = control_of(choice)
            if study.controls and control:
                pairs.append([config, config_of(study, control, target)])
    if study.controls:
        pairs += [[longer(study, way), base(study, way)] for way in ways(study)]
    plain = f"{study.backbone}/dense"
    if study.controls and weighs(study):
        pairs.append([plain, plain + UNBALANCED])
    pairs += [[tuned, plain] for tuned in dict.fromkeys(base(study, way) for way in ways(study)) if tuned != plain]
    return pairs + _chained(study)


def _chained(study: Study) -> list[list[str]]:
    """Every stage of a chain with dense, trained on as often; with chance; and with the stage before it."""
    pairs = []
    for link in links(study):
        if study.controls:
            pairs.append([link.config, dense(study, link.way, link.times)])
        if link.chance:
            pairs.append([link.config, link.chance])
        if not link.control:
            pairs.append([link.config, link.source])
    return pairs
