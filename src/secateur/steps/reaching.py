"""What a network says of a plan before anything is trained: which cuts can be made, and how far they go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from secateur import catalogue
from secateur.arms import is_transfer, title
from secateur.checking import config_in
from secateur.errors import NotKnown, SecateurError, UserError, first_line
from secateur.models import prunable, saved
from secateur.models.build import skeleton
from secateur.plan import plan
from secateur.pruning import channels, groups
from secateur.records import Step
from secateur.settings import Study
from secateur.steps.rating import Whole, cuttable, goal

RANKED = ("global", "sensitivity")  # scopes of one ranking over the network


def check(net: Study, classes: int) -> None:
    """Raises NotKnown when a method spares a layer that the network has not, UserError for a size of photos or a pool
    that it cannot have, and where a method cannot cut it, or not as far as it is asked to. How narrow a layer may
    become does not depend on what the network learns; targets in time are found by timing cuts."""
    model = _network(net, classes)
    layers = dict(prunable.layers(model))
    for choice in net.methods:
        for name in choice.spare:
            if name not in layers:
                raise NotKnown(f"method '{choice.name}': layer to spare", name, layers)
    cutting = list(_first_cuts(plan(net)))
    traced = _traced(model, net) if cutting else None
    for step in cutting:
        try:
            _reach(traced, step.params, timed="search" in step.inputs)
        except SecateurError as error:
            raise UserError(f"{title(config_in(step))} on '{net.backbone}': {error}") from error


def _first_cuts(steps: Iterable[Step]) -> Iterator[Step]:
    """Of filters, of whole networks: what a stage of a chain finds is known once the stage before it was done."""
    cut: set[str] = set()
    for step in steps:
        if cut.intersection(step.inputs.values()):
            cut.add(step.id)
        elif step.kind == "prune":
            cut.add(step.id)
            if catalogue.method(step.params["method"]).cuts == "filters":
                yield step


def _reach(traced: groups.Traced | None, p: Mapping[str, Any], timed: bool) -> None:
    assert traced is not None
    found = cuttable(traced, p)
    if not timed:
        of, target, multiple = goal(p)
        ranked = {g.name: torch.arange(float(g.size)) for g in found}
        Whole(traced, found, ranked, ranked if p["scope"] in RANKED else None).reach(target, of, multiple)


def _network(net: Study, classes: int) -> nn.Module:
    if net.start:
        return saved.load(Path(net.start).expanduser()).model
    options = {"pool": net.pool, "head": net.head} if is_transfer(net) else None
    return skeleton(net.backbone, classes, net.input_px, options)


def _traced(model: nn.Module, net: Study) -> groups.Traced:
    try:
        return channels.trace(model, torch.zeros(1, 3, net.input_px, net.input_px))
    except SecateurError:
        raise
    except Exception as error:  # whatever a network of somebody's does when it is followed
        raise UserError(f"the filters of '{net.backbone}' cannot be cut: {first_line(error)}") from error
