"""What every row of the catalogue declares holds, for every row: a new one is tested by being there."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from secateur import catalogue
from secateur.methods import OWN, Method, page
from secateur.models import prunable
from secateur.models.build import build
from secateur.pruning import activations, channels, gradients, groups, masks

SCORES = [m for m in OWN if m.kind == "score"]
WEIGHTS = [m for m in SCORES if m.cuts == "weights"]
FILTERS = [m for m in SCORES if m.cuts == "filters"]
TARGETS = (0.3, 0.5, 0.7, 0.9)


class Odd(nn.Module):
    """Depthwise, grouped and 1×1 convolutions, and two dense layers that share one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(6, 6, 3, groups=6)
        self.grouped = nn.Conv2d(6, 8, 3, groups=2)
        self.pointwise = nn.Conv2d(8, 5, 1)
        self.dense = nn.Linear(5, 3, bias=False)
        self.tied = nn.Linear(5, 3, bias=False)
        self.tied.weight = self.dense.weight


NETWORKS = {
    "cnn": lambda: build("cnn", 10, 16, seed=1),
    "odd": Odd,
    "one layer": lambda: nn.Sequential(nn.Linear(7, 4)),
}


def score(method: Method, name: str, weight: torch.Tensor, groups: int = 1) -> torch.Tensor:
    """With evidence of the right shapes, drawn by chance."""
    chance = torch.Generator().manual_seed(7)
    of_inputs = (weight.shape[1] * groups, *weight.shape[2:])
    pieces = {
        "gradients": {"squares": torch.rand(weight.shape, generator=chance)},
        "slopes": {"sizes": torch.rand(weight.shape, generator=chance)},
        "connections": {"means": torch.randn(weight.shape, generator=chance)},
        "inputs": {"inputs": torch.rand(of_inputs, generator=chance)},
        "bends": {"bends": torch.randn(weight.shape, generator=chance)},
        "removals": {"removals": torch.rand(weight.shape, generator=chance)},
    }
    seen = {k: t for need in method.needs for k, t in pieces[need].items()}
    generator = torch.Generator().manual_seed(0)
    made: torch.Tensor = catalogue.load(method.where)(weight, generator, *([seen] if method.needs else []))
    return made


def photos() -> list[tuple[torch.Tensor, torch.Tensor]]:
    chance = torch.Generator().manual_seed(7)
    return [(torch.rand(4, 3, 16, 16, generator=chance), torch.arange(4)) for _ in range(2)]


def channel_scores(method: Method, model: nn.Module) -> dict[str, torch.Tensor]:
    """As the step that prunes asks for them; for the CNN a group is a layer."""
    found = groups.cuttable(channels.trace(model, torch.zeros(1, 3, 16, 16)), hidden_units=True)
    if method.rates == "layer":
        return groups.channel_scores(model, found, catalogue.load(method.where), torch.Generator().manual_seed(0))
    evidence = {}
    for need in method.needs:
        evidence |= {
            "gradients": lambda: gradients.gradients(model, photos()),
            "inputs": lambda: activations.inputs(model, photos()),
            "alive": lambda: activations.alive(model, photos()),
            "samples": lambda: activations.samples(model, found, photos()),
        }[need]()
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    scores: dict[str, torch.Tensor] = catalogue.load(method.where)(found, tensors, evidence)
    return scores


def scopes(method: Method) -> list[str]:
    """Those that need no scan: how much of a layer goes by one is tests/pruning/test_layers_alone.py's."""
    return [s if s != "sensitivity" else "layer" for s in method.scopes]


def pools(found: dict[str, torch.Tensor], scope: str) -> list[torch.Tensor]:
    """What is compared with one another: a row each of (k, n) tensors."""
    if scope == "global":
        return [torch.cat([t.flatten() for t in found.values()])[None]] if found else []
    if scope == "layer":
        return [t.flatten()[None] for t in found.values()]
    return [t.flatten(1) if scope == "row" else t.movedim(1, -1).reshape(-1, 4) for t in found.values()]


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("method", WEIGHTS, ids=lambda m: m.name)
def test_weight_scores(method: Method, network: str):
    model = NETWORKS[network]()
    weights = prunable.weights(model)
    assert len({id(w) for w in weights.values()}) == len(weights)  # what is shared stands once
    of = {f"{n}.weight": getattr(m, "groups", 1) for n, m in prunable.layers(model)}
    made = {n: score(method, n, w, of[n]) for n, w in weights.items()}
    for name, tensor in made.items():
        assert tensor.shape == weights[name].shape
        assert torch.isfinite(tensor).all()
        assert not tensor.requires_grad
    again = {n: score(method, n, w, of[n]) for n, w in weights.items()}
    assert all(torch.equal(made[n], again[n]) for n in made)
    for scope in scopes(method):
        own = {n: s for n, s in made.items() if scope != "block" or not masks.undivided(weights[n])}
        before = None
        for target in method.targets or TARGETS:
            found = masks.lowest(own, target, scope)
            for marks, rated in zip(pools(found, scope), pools(own, scope), strict=True):
                assert ((~marks).sum(1) == masks.count(target, marks.shape[1])).all()
                gone, kept = rated.masked_fill(marks, -torch.inf), rated.masked_fill(~marks, torch.inf)
                assert (gone.amax(1) <= kept.amin(1)).all()
            total = sum(m.numel() for m in found.values())
            if method.exact and scope == "global" and total:
                assert sum(int((~m).sum()) for m in found.values()) == masks.count(target, total)
            if before and method.nests:
                assert all((found[n] <= before[n]).all() for n in found), "masks do not nest"
            before = found


@pytest.mark.parametrize("method", WEIGHTS, ids=lambda m: m.name)
def test_of_equal_weights_as_many_go(method: Method):
    """No order among them, and still exactly as many: by position."""
    weight = torch.full((8, 8), 0.5)
    same = {k: torch.ones_like(weight) for k in ("squares", "means", "sizes", "bends", "removals")}
    same |= {"inputs": torch.ones(8)}
    generator = torch.Generator().manual_seed(0)
    rated = catalogue.load(method.where)(weight, generator, *([same] if method.needs else []))
    for scope in scopes(method):
        for target in method.targets or TARGETS:
            found = masks.lowest({"w": rated}, target, scope)["w"]
            each = {"row": (8, 8), "block": (16, 4)}.get(scope, (1, 64))
            assert int((~found).sum()) == each[0] * masks.count(target, each[1])


@pytest.mark.parametrize("method", FILTERS, ids=lambda m: m.name)
@pytest.mark.parametrize("target", TARGETS)
def test_filter_scores(method: Method, target: float):
    model = build("cnn", 10, 16, seed=1)
    layers = {n: m for n, m in prunable.layers(model) if n != prunable.classifier(model)}
    made = channel_scores(method, model)
    assert made.keys() == layers.keys()
    for name, tensor in made.items():
        assert tensor.shape == (layers[name].weight.shape[0],)
        assert torch.isfinite(tensor).all()
    kept = channels.kept_after(made, target)
    widths = {n: len(m.weight) for n, m in layers.items()}
    for name, positions in kept.items():
        assert positions == sorted(set(positions))
        assert len(positions) == widths[name] - masks.floor(target, widths[name])
        gone = [i for i in range(widths[name]) if i not in positions]
        assert made[name][gone].max() <= made[name][positions].min()
    channels.cut(model, kept, torch.zeros(1, 3, 16, 16))
    assert {n: len(m.weight) for n, m in prunable.layers(model) if n in kept} == {n: len(k) for n, k in kept.items()}
    assert model.train()(torch.rand(2, 3, 16, 16)).shape == (2, 10)


@pytest.mark.parametrize("method", OWN, ids=lambda m: m.name)
def test_every_method_has_a_source_and_a_control_of_the_same_kind(method: Method):
    assert method.source and method.cost and method.help
    for heading in ("## Idea", "## Equation", "## Use it when", "## It hurts when"):
        assert heading in page(method), f"{method.name} has no page, or none with '{heading}'"
    beside = page(method).partition("## Beside the paper\n\n")[2]
    assert re.match(r"As published[.:,]|Differs:\n\n- |A control, and no method of a paper\.", beside), method.name
    assert (method.role == "control") == beside.startswith("A control")
    if method.role == "pruned":
        control = catalogue.method(method.control)
        assert control.role == "control"
        assert control.cuts == method.cuts
    else:
        assert not method.control
