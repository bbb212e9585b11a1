"""What every row of the catalogue declares holds, for every row: a new one is tested by being there."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from secateur import catalogue
from secateur.catalogue import METHODS, Method
from secateur.models import prunable
from secateur.models.build import build
from secateur.pruning import channels, groups, masks
from secateur.pruning.evidence import gradients

SCORES = [m for m in METHODS if m.kind == "score"]
WEIGHTS = [m for m in SCORES if m.cuts == "weights"]
FILTERS = [m for m in SCORES if m.cuts == "filters"]
TARGETS = (0.3, 0.5, 0.7, 0.9)


class Odd(nn.Module):
    """Depthwise, grouped and 1×1 convolutions, and a dense layer without bias."""

    def __init__(self) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(6, 6, 3, groups=6)
        self.grouped = nn.Conv2d(6, 8, 3, groups=2)
        self.pointwise = nn.Conv2d(8, 5, 1)
        self.dense = nn.Linear(5, 3, bias=False)


NETWORKS = {
    "cnn": lambda: build("cnn", 10, 16, seed=1),
    "odd": Odd,
    "one layer": lambda: nn.Sequential(nn.Linear(7, 4)),
}


def score(method: Method, weight: torch.Tensor, seed: int = 0) -> torch.Tensor:
    seen = (torch.rand(weight.shape, generator=torch.Generator().manual_seed(7)),) if method.needs else ()
    return catalogue.load(method.where)(weight, torch.Generator().manual_seed(seed), *seen)


def channel_scores(method: Method, model: nn.Module) -> dict[str, torch.Tensor]:
    """As the step that prunes asks for them; for the CNN a group is a layer."""
    found = groups.cuttable(channels.trace(model, torch.zeros(1, 3, 16, 16)), hidden_units=True)
    if not method.needs:
        return groups.channel_scores(model, found, catalogue.load(method.where), torch.Generator().manual_seed(0))
    chance = torch.Generator().manual_seed(7)
    photos = [(torch.rand(4, 3, 16, 16, generator=chance), torch.arange(4)) for _ in range(2)]
    scores: dict[str, torch.Tensor] = catalogue.load(method.where)(found, gradients(model, photos))
    return scores


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("method", WEIGHTS, ids=lambda m: m.name)
def test_weight_scores(method: Method, network: str):
    weights = prunable.weights(NETWORKS[network]())
    made = {n: score(method, w) for n, w in weights.items()}
    for name, tensor in made.items():
        assert tensor.shape == weights[name].shape
        assert torch.isfinite(tensor).all()
        assert not tensor.requires_grad
    again = {n: score(method, w) for n, w in weights.items()}
    assert all(torch.equal(made[n], again[n]) for n in made)
    for scope in ("layer", "global"):
        before = None
        for target in TARGETS:
            found = masks.lowest(made, target, scope)
            pools = [made] if scope == "global" else [{n: s} for n, s in made.items()]
            for pool in pools:
                total = sum(s.numel() for s in pool.values())
                dropped = sum(int((~found[n]).sum()) for n in pool)
                assert dropped == masks.count(target, total)
                gone = torch.cat([s[~found[n]] for n, s in pool.items()])
                kept = torch.cat([s[found[n]] for n, s in pool.items()])
                if len(gone) and len(kept):
                    assert gone.max() <= kept.min()
            if before:
                assert all((found[n] <= before[n]).all() for n in found), "masks do not nest"
            before = found


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


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_every_method_has_a_source_and_a_control_of_the_same_kind(method: Method):
    assert method.source and method.cost and method.help
    if method.role == "pruned":
        control = catalogue.method(method.control)
        assert control.role == "control"
        assert control.cuts == method.cuts
    else:
        assert not method.control
