"""Batch norms of a pruned network, moved to stand where they stood."""

from __future__ import annotations

import copy

import pytest
import torch
from small_nets import network, photos
from torch import nn

from secateur.pruning import channels, cutting, groups, masks, widths
from secateur.pruning.scores import filter_l1
from secateur.training.match import Standing, match, standing
from secateur.training.norms import norms
from secateur.training.recalibrate import recalibrate

Y = torch.zeros(2, dtype=torch.int64)


def column(*values: float) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor([[float(v)] for v in values]), Y


def shifted(body: str) -> nn.Module:
    """A network whose stored statistics are of other photos, as published weights have them."""
    model = network(body)
    chance = torch.Generator().manual_seed(8)
    for norm in norms(model):
        norm.running_mean.add_(0.3 * norm.running_var.sqrt() * torch.randn(norm.num_features, generator=chance))
        norm.running_var.mul_(0.5 + torch.rand(norm.num_features, generator=chance))
    return model.eval()


def test_by_hand():
    """Stored mean 1, variance 4; the photos' mean 3, variance 8 → they stand at 1 ± √2. Doubled inputs have mean 6
    and variance 32: variance 16 and mean 2 are what leaves them at 1 ± √2."""
    norm = nn.BatchNorm1d(1, eps=1e-9)
    norm.running_mean.fill_(1.0)
    norm.running_var.fill_(4.0)
    before = standing(norm, [column(1, 5)], device="cpu")
    assert float(before[""].mean) == pytest.approx(1.0)
    assert float(before[""].scale) == pytest.approx(2**0.5)
    assert match(norm, [column(2, 10)], before, device="cpu") == 2
    assert float(norm.running_var) == pytest.approx(16.0)
    assert float(norm.running_mean) == pytest.approx(2.0)
    assert norm.weight.item() == 1.0 and norm.bias.item() == 0.0 and norm.training


@pytest.mark.parametrize("body", ["tf_efficientnet_lite0", "resnet18"])
def test_a_network_that_was_not_changed_stays_as_it_was(body: str):
    model, batches = shifted(body), [photos(96)]
    plainly = copy.deepcopy(model)
    x = photos(5, 4)[0]
    with torch.no_grad():
        said = model(x)
        match(model, batches, standing(model, batches, device="cpu"), device="cpu")
        again = model(x)
        recalibrate(plainly, batches, device="cpu")
        plain = plainly(x)
    off = (again - said).abs().max() / said.abs().max()
    assert off < 0.1 * (plain - said).abs().max() / said.abs().max()
    assert off < 0.01


def apart(one: dict[str, Standing], other: dict[str, Standing]) -> float:
    """Mean over layers of the mean difference, in standard deviations."""
    gaps = [(one[n].mean - w.mean).abs().mean() + (one[n].scale - w.scale).abs().mean() for n, w in other.items()]
    return float(torch.stack(gaps).mean())


@pytest.mark.parametrize("cut", ["weights", "filters"])
def test_a_pruned_network_stands_as_the_dense_one_did(cut: str):
    """Measured again, by the other function."""
    model, batches = shifted("tf_efficientnet_lite0"), [photos(96)]
    before = standing(model, batches, device="cpu")
    if cut == "weights":
        weights = {n: p for n, p in model.named_parameters() if p.dim() == 4}
        masks.apply(weights, masks.lowest({n: w.detach().abs() for n, w in weights.items()}, 0.5, "global"))
    else:
        traced = channels.trace(model, torch.zeros(1, 3, 64, 64))
        found = groups.cuttable(traced)
        scores = groups.channel_scores(model, found, filter_l1, torch.Generator())
        kept = widths.choose(scores, widths.reach(traced, found, 0.5, "macs", 8).counts)
        left = cutting.stays(found, kept)
        cutting.cut_groups(model, found, kept)
        before = {n: w.of(left[f"{n}.running_mean"][0]) for n, w in before.items()}
    unmatched = apart(standing(model, batches, device="cpu"), before)
    match(model, batches, before, device="cpu")
    assert unmatched > 0.2
    assert apart(standing(model, batches, device="cpu"), before) < 0.01


def test_modes_and_hooks_are_left_as_they_were():
    model = network("tf_efficientnet_lite0", chance=True)
    model.train()
    model.body.bn1.eval()
    modes = [m.training for m in model.modules()]
    state = {k: v.clone() for k, v in model.state_dict().items()}
    standing(model, [photos(6)], device="cpu")
    assert [m.training for m in model.modules()] == modes
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    assert not any(m._forward_pre_hooks for m in norms(model))


def test_without_two_photos_nothing_changes():
    norm = nn.BatchNorm1d(1)
    norm.running_mean.fill_(7.0)
    with pytest.raises(ValueError, match="two photos"):
        standing(norm, [column(1)], device="cpu")
    before = standing(norm, [column(1, 3)], device="cpu")
    with pytest.raises(ValueError, match="two photos"):
        match(norm, [column(1)], before, device="cpu")
    assert norm.running_mean.item() == 7.0 and norm.weight.item() == 1.0
