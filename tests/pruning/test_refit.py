"""Layers fitted again: against least squares by another route, and in whole networks."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from secateur.models.build import build
from secateur.pruning import channels, cutting, groups, masks, moments, refit, widths
from secateur.pruning.scores import filter_l1

PX = 64


def photos(n: int = 4, size: int = 16) -> Iterator[tuple[Tensor, Tensor]]:
    """Smooth, so that channels have something to say about each other."""
    chance = torch.Generator().manual_seed(6)
    for _ in range(n):
        small = torch.randn(size, 3, 8, 8, generator=chance)
        yield nn.functional.interpolate(small, PX, mode="bilinear"), torch.zeros(size, dtype=torch.int64)


@pytest.mark.parametrize("layer", [nn.Linear(6, 3), nn.Conv2d(2, 3, 3, padding=1, stride=2), nn.Conv2d(6, 3, 1)])
def test_least_squares_as_numpy_solves_it(layer: nn.Module, monkeypatch: pytest.MonkeyPatch):
    """Every row by itself, with an intercept, on all samples and without a ridge."""
    monkeypatch.setattr(moments, "RIDGE", 0.0)
    chance = torch.Generator().manual_seed(1)
    d = layer.weight[0].numel()
    shape = (400, 6) if isinstance(layer, nn.Linear) else (24, layer.in_channels, 6, 6)
    x = torch.randn(shape, generator=chance) + 0.5
    if x.dim() == 2:
        x[:, 3] = x[:, 0] + 0.1 * x[:, 3]
    before = copy.deepcopy(layer)
    stay = torch.rand(3, d, generator=chance) > 0.4
    stay[2] = False  # an output that nothing is left of
    model = nn.Sequential(layer)
    assert refit.refit(model, {"0": stay}, lambda: [(x, torch.zeros(len(x)))]) == {}
    if isinstance(layer, nn.Linear):
        seen = x.double().numpy()
    elif layer.kernel_size == (1, 1):
        seen = x.permute(0, 2, 3, 1).reshape(-1, 6).double().numpy()
    else:
        seen = nn.functional.unfold(x, 3, padding=1, stride=2).transpose(1, 2).flatten(0, 1).double().numpy()
    for row in range(3):
        kept = stay[row].numpy()
        target = seen @ before.weight[row].detach().flatten().double().numpy() + float(before.bias[row].detach())
        inputs = np.column_stack([seen[:, kept], np.ones(len(seen))])
        solved, *_ = np.linalg.lstsq(inputs, target, rcond=None)
        got = layer.weight[row].detach().flatten()
        np.testing.assert_allclose(got[stay[row]].numpy(), solved[:-1], rtol=1e-3, atol=1e-4)
        assert torch.equal(got[~stay[row]], before.weight[row].detach().flatten()[~stay[row]])
        assert float(layer.bias[row].detach()) == pytest.approx(solved[-1], rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("layer", [nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(1, 2, 1, stride=2), nn.Linear(1, 2)])
def test_moments_look_at_every_photo_and_all_over_it(layer: nn.Module):
    """Eight photos whose map is larger than what is taken of one: each is a number, rising a little from left to right
    and from top to bottom. Their mean, and a share of each photo, come out."""
    side = 80
    x = torch.arange(8.0).view(8, 1, 1, 1) + torch.linspace(-0.4, 0.4, side).view(1, 1, 1, side) / 2
    x = x + torch.linspace(-0.4, 0.4, side).view(1, 1, side, 1) / 2
    x = x.flatten(2).transpose(1, 2) if isinstance(layer, nn.Linear) else x
    photos = [(x[:5], torch.zeros(5)), (x[5:], torch.zeros(3))]
    seen = moments.gathered(nn.Sequential(layer), {"0": layer}, lambda: photos)["0"]
    assert seen.m == 8 * moments.PLACES
    middle = 4 if refit.inputs_of(layer) == 9 else 0
    assert float(seen.mean()[0, middle]) == pytest.approx(3.5, abs=0.03)
    assert float(seen.spread()[0, middle, middle]) == pytest.approx(5.25 + 2 * 0.8**2 / 4 / 12, rel=0.03)


def test_inputs_that_say_the_same_are_made_up_for():
    """The second channel is twice the first; without it the first counts for 1 + 2 × 3."""
    layer = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 3.0]]))
    one = torch.randn(50, 1, generator=torch.Generator().manual_seed(0))
    x = torch.cat([one, 2 * one], 1)
    refit.refit(nn.Sequential(layer), {"0": torch.tensor([[True, False]])}, lambda: [(x, one)])
    assert layer.weight[0, 0].item() == pytest.approx(7, rel=5e-3)


@pytest.mark.parametrize("body", ["tf_efficientnet_lite0", "resnet18"])
def test_a_cut_network_answers_nearer_to_the_dense_one(body: str):
    model = build(body, 10, PX, 1, {"pool": "avg", "head": "linear"}).eval()
    x = next(photos())[0]
    with torch.no_grad():
        dense = model(x)
    traced = channels.trace(model, torch.zeros(1, 3, PX, PX))
    found = groups.cuttable(traced)
    kept = widths.choose(
        groups.channel_scores(model, found, filter_l1, torch.Generator()), widths.reach(traced, found, 0.3).counts
    )
    fitted = copy.deepcopy(model)
    left = refit.refit(fitted, refit.of_cut(fitted, cutting.stays(found, kept)), photos)
    assert all("does not mix" in why or "samples for" in why for why in left.values())
    apart = []
    for network in (model, fitted):
        sets = groups.cuttable(channels.trace(network, torch.zeros(1, 3, PX, PX)))
        with torch.no_grad():
            apart.append(float((cutting.cut_groups(network, sets, kept)(x) - dense).norm()))
    assert apart[1] < 0.9 * apart[0]


def test_a_masked_network_answers_nearer_to_the_dense_one():
    model = build("resnet18", 10, PX, 1, {"pool": "avg", "head": "linear"}).eval()
    x = next(photos())[0]
    weights = {n: p for n, p in model.named_parameters() if p.dim() == 4}
    found = masks.lowest({n: w.detach().abs() for n, w in weights.items()}, 0.8, "layer")
    fitted = copy.deepcopy(model)
    refit.refit(fitted, refit.of_masks(found), photos)
    with torch.no_grad():
        dense = model(x)
        apart = []
        for network in (model, fitted):
            masks.apply({n: p for n, p in network.named_parameters() if n in found}, found)
            apart.append(float((network(x) - dense).norm()))
    assert apart[1] < 0.8 * apart[0]


def test_what_cannot_be_fitted_says_why(monkeypatch: pytest.MonkeyPatch):
    model = build("tf_efficientnet_lite0", 10, PX, 1, {"pool": "avg", "head": "linear"})
    stay = {
        "body.blocks.0.0.conv_dw": torch.zeros(32, 9, dtype=torch.bool),
        "body.conv_head": torch.ones(1280, 320, dtype=torch.bool),
        "head.fc": torch.ones(1, 1280, dtype=torch.bool),
    }
    monkeypatch.setattr(refit, "MOST_WORK", 1e10)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    assert refit.refit(model, stay, photos) == {
        "body.blocks.0.0.conv_dw": "it does not mix its inputs",
        "body.conv_head": "solving for so many kept weights takes too long",
        "head.fc": "64 samples for 1,280 inputs",
    }
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
