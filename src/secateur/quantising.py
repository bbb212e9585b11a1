"""Which networks get an INT8 file as well, and what that file is compared with. Pure.

Files are held against files of their own form: a cut network in INT8 against chance and rivals in INT8, and a cut
network in 32 bits is never held against a dense one in INT8 alone (PROTOCOL, "Fair rivals"). INT8 files of pruned
networks are made of what validation chose, which is known once a first part of the plan was done; of every target
where limits are set, since what fits them may be another one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from secateur.arms import base, config_of, control_of, in_int8, longer, targets, ways
from secateur.chains import further, links
from secateur.settings import Study

Pairs = Sequence[list[str]]


def quantised(net: Study, chosen: Collection[str] = ()) -> dict[str, str]:
    """Configuration of an INT8 file → that of the network it is made of. `chosen`: configurations that validation
    chose."""
    own = [*_dense(net), *_pruned(net, chosen)]
    return {in_int8(c): c for c in own} | {link.config: link.source for link in links(net) if not link.choice}


def limited(net: Study) -> bool:
    """Does a device set limits that a file is picked within?"""
    return bool(net.max_size or net.max_latency or net.max_memory)


def _dense(net: Study) -> list[str]:
    """The dense network, and what it is trained on into; in a study of no controls only where a file is picked."""
    if not net.controls:
        return [f"{net.backbone}/dense"] if limited(net) else []
    begun = [f"{net.backbone}/dense", *(base(net, way) for way in ways(net))]
    return list(dict.fromkeys([*begun, *(longer(net, way) for way in ways(net)), *further(net)]))


def _pruned(net: Study, chosen: Collection[str]) -> Iterator[str]:
    """What validation chose, and chance at its structure; with limits every target, of which chance is no candidate."""
    chosen, every = chosen if net.controls else (), limited(net)
    for choice in net.methods:
        control = control_of(choice)
        for target in targets(net, choice):
            config = config_of(net, choice, target)
            if config in chosen or every:
                yield config
            if config in chosen and control:
                yield config_of(net, control, target)
    for link in links(net):
        if link.choice and not link.control and (link.config in chosen or every):
            yield link.config
        if link.chance and link.config in chosen:
            yield link.chance


def with_int8(roles: Mapping[str, Any], made: Mapping[str, str]) -> dict[str, Any]:
    """Roles, each network's INT8 file behind it: of the same method and target; of a dense network "quantized". `made`:
    configuration of an INT8 file → what it is made of."""
    rows: dict[str, Any] = {}
    for config, row in roles.items():
        rows[config] = row
        for eight in (e for e, source in made.items() if source == config and e not in roles):
            rows[eight] = ["quantized", "int8", 0.0] if row[0] in ("dense", "control") and not row[1] else row
    return rows


def compared(pairs: Pairs, roles: Mapping[str, Any], made: Mapping[str, str]) -> list[list[str]]:
    """What INT8 files are compared with: each with what it is made of; that of a pruned network also with the dense
    network that its parent is compared with, and with chance and rivals in INT8. None that stands in `pairs`."""
    eight = {source: config for config, source in made.items()}
    found = []
    for config, source in made.items():
        role = roles[source][0]
        if role in ("pruned", "chained"):
            for other in (b for a, b in pairs if a == source):
                what, method, _ = roles[other]
                if what == "rival" or (what == "control" and method):
                    found += [[config, eight[other]]] if other in eight else []
                elif not method:
                    found.append([config, other])
        if role != "rival" and not (role == "control" and roles[source][1]):
            found.append([config, source])
    return [pair for pair in found if pair not in pairs]
