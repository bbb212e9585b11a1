"""Scores of weights and filters: by hand, by numpy from the papers, and against torch and torch-pruning."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch_pruning
from torch import nn
from torch.nn.utils import prune

from secateur.models import prunable
from secateur.models.build import build
from secateur.pruning import channel_scores, channels, groups, masks, scores

NONE = torch.Generator()


def test_lamp_by_hand():
    """Squares 1, 4, 9, 16: over the sums of all that are no smaller, 1/30, 4/29, 9/25, 1."""
    rated = scores.lamp(torch.tensor([[3.0, -1.0], [4.0, 2.0]]), NONE)
    torch.testing.assert_close(rated, torch.tensor([[9 / 25, 1 / 30], [1.0, 4 / 29]]))


def test_lamp_against_its_sum_written_out():
    weight = torch.randn(20, 7, generator=torch.Generator().manual_seed(1))
    squares = weight.double().square().numpy().ravel()
    wanted = np.array([s / squares[squares >= s].sum() for s in squares]).reshape(20, 7)
    np.testing.assert_allclose(scores.lamp(weight, NONE).numpy(), wanted, rtol=1e-6)


def test_lamp_empties_no_layer():
    """At 99 %, of a large layer and one that is a thousand times smaller in scale."""
    chance = torch.Generator().manual_seed(2)
    weights = {"a": torch.randn(100, 100, generator=chance), "b": torch.randn(10, 10, generator=chance) / 1000}
    found = masks.lowest({n: scores.lamp(w, NONE) for n, w in weights.items()}, 0.99, "global")
    assert found["b"].any()
    by_size = masks.lowest({n: scores.magnitude(w, NONE) for n, w in weights.items()}, 0.99, "global")
    assert not by_size["b"].any()


def test_wanda_by_hand():
    """Two outputs of three inputs with mean squares 1, 4, 9."""
    weight = torch.tensor([[3.0, 1.0, -1.0], [1.0, -2.0, 0.5]])
    rated = scores.wanda(weight, NONE, {"inputs": torch.tensor([1.0, 4.0, 9.0])})
    torch.testing.assert_close(rated, torch.tensor([[3.0, 2.0, 3.0], [1.0, 4.0, 1.5]]))
    kept = masks.lowest({"w": rated}, 1 / 3, "row")["w"]
    assert kept.tolist() == [[True, False, True], [False, True, True]]


def test_wanda_of_a_grouped_convolution_takes_its_own_groups_inputs():
    layer = nn.Conv2d(4, 6, (2, 1), groups=2)
    seen = torch.arange(1.0, 9).reshape(4, 2, 1)
    rated = scores.wanda(layer.weight, NONE, {"inputs": seen})
    for out in range(6):
        for i in range(2):
            norms = seen[i + 2 * (out // 3)].sqrt()
            torch.testing.assert_close(rated[out, i], (layer.weight[out, i] * norms).abs().detach())


def test_geometric_median_by_numpy_and_not_of_squares():
    """torch-pruning 1.6 takes the distances of squared weights: another order."""
    torch.manual_seed(0)
    weight = torch.randn(12, 5, 3, 3)
    flat = weight.numpy().reshape(12, -1)
    wanted = np.array([sum(np.sqrt(((a - b) ** 2).sum()) for b in flat) for a in flat])
    mine = scores.filter_fpgm(weight, NONE).numpy()
    np.testing.assert_allclose(mine, wanted, rtol=1e-5)
    squared = torch.cdist(weight.flatten(1) ** 2, weight.flatten(1) ** 2).sum(1).numpy()
    _, theirs = _alone(weight, torch_pruning.importance.FPGMImportance(group_reduction="first", normalizer=None))
    assert (np.argsort(theirs) == np.argsort(squared)).all()
    assert (np.argsort(theirs) != np.argsort(mine)).any()


def test_equal_filters_are_the_first_to_go():
    weight = torch.randn(6, 4, generator=torch.Generator().manual_seed(3))
    weight[[1, 4, 5]] = weight[2].clone()
    assert set(scores.filter_fpgm(weight, NONE).argsort()[:4].tolist()) == {1, 2, 4, 5}


def _alone(weight: torch.Tensor, importance: torch_pruning.importance.Importance) -> tuple[nn.Module, np.ndarray]:
    """What torch-pruning says of the first convolution of two, with a batch norm between."""
    model = nn.Sequential(
        nn.Conv2d(weight.shape[1], len(weight), 3), nn.BatchNorm2d(len(weight)), nn.Conv2d(len(weight), 2, 1)
    )
    with torch.no_grad():
        model[0].weight.copy_(weight)
        model[1].weight.uniform_(-1, 1)
    graph = torch_pruning.DependencyGraph().build_dependency(model, torch.zeros(1, weight.shape[1], 8, 8))
    group = graph.get_pruning_group(model[0], torch_pruning.prune_conv_out_channels, list(range(len(weight))))
    return model, importance(group).numpy()


@pytest.mark.parametrize("p", [1, 2])
def test_norms_rank_as_torch_prunings_do(p: int):
    torch.manual_seed(p)
    weight = torch.randn(16, 3, 3, 3)
    _, theirs = _alone(
        weight, torch_pruning.importance.GroupMagnitudeImportance(p, group_reduction="first", normalizer=None)
    )
    mine = {1: scores.filter_l1, 2: scores.filter_l2}[p](weight, NONE).numpy()
    assert (np.argsort(mine) == np.argsort(theirs)).all()


def test_batch_norm_scales_rank_as_torch_prunings_do():
    torch.manual_seed(4)
    model, theirs = _alone(
        torch.randn(16, 3, 3, 3), torch_pruning.importance.BNScaleImportance(group_reduction="first", normalizer=None)
    )
    found = channels.trace(model, torch.zeros(1, 3, 8, 8)).groups[:1]
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    mine = channel_scores.bn_scale(found, tensors, {})[found[0].name].numpy()
    assert (np.argsort(mine) == np.argsort(theirs)).all()


@pytest.mark.parametrize("amount", [0.3, 0.5, 0.9])
def test_magnitudes_are_torchs_masks(amount: float):
    """By layer and over the network, on the study's CNN."""
    mine, theirs = build("cnn", 10, 16, seed=1), build("cnn", 10, 16, seed=1)
    weights = prunable.weights(mine)
    rated = {n: scores.magnitude(w, NONE) for n, w in weights.items()}
    named = dict(theirs.named_modules())
    layers = [(named[n.removesuffix(".weight")], "weight") for n in weights]
    prune.global_unstructured(layers, prune.L1Unstructured, amount=amount)
    for (layer, _), kept in zip(layers, masks.lowest(rated, amount, "global").values(), strict=True):
        assert torch.equal(layer.weight_mask.bool(), kept)
    again = dict(build("cnn", 10, 16, seed=1).named_modules())
    for name, kept in masks.lowest(rated, amount, "layer").items():
        layer = prune.l1_unstructured(again[name.removesuffix(".weight")], "weight", amount=amount)
        assert torch.equal(layer.weight_mask.bool(), kept)


def test_two_of_four_lie_along_the_input_channels():
    weight = torch.zeros(1, 8, 1, 2)
    weight[0, :, 0, 0] = torch.tensor([1.0, 4, 3, 2, 5, 8, 7, 6])
    weight[0, :, 0, 1] = torch.tensor([8.0, 7, 6, 5, 1, 2, 3, 4])
    kept = masks.lowest({"w": weight.abs()}, 0.5, "block")["w"]
    assert kept[0, :, 0, 0].tolist() == [False, True, True, False, False, True, True, False]
    assert kept[0, :, 0, 1].tolist() == [True, True, False, False, False, False, True, True]
    assert masks.undivided(torch.zeros(4, 3, 3, 3)) == "3 input channels are no multiple of 4"


def test_a_group_without_batch_norm_has_no_scale():
    found = groups.cuttable(
        channels.trace(nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 1)), torch.zeros(1, 3, 4, 4))
    )
    with pytest.raises(Exception, match="has no batch norm behind it"):
        channel_scores.bn_scale(found, {}, {})
