"""Optimal Brain Surgeon: each removal the best by brute force, each update least squares, costs that add up."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from secateur.models import prunable
from secateur.models.build import build
from secateur.pruning import masks, moments, obs, refit, scores


def spread(d: int, seed: int = 0) -> Tensor:
    """A covariance in which inputs say something of one another, (d, d) float64."""
    chance = torch.Generator().manual_seed(seed)
    x = torch.randn(5 * d, d, generator=chance).double() @ torch.randn(d, d, generator=chance).double()
    return torch.cov(x.T)


def solved(row: np.ndarray, c: np.ndarray, kept: list[int]) -> tuple[np.ndarray, float]:
    """Least squares at a mask by the normal equations: (weights, how much is lost)."""
    made = np.zeros_like(row)
    if kept:
        made[kept] = np.linalg.solve(c[np.ix_(kept, kept)], (c @ row)[kept])
    off = made - row
    return made, float(off @ c @ off)


def test_each_removal_is_the_best_by_brute_force_and_each_update_least_squares():
    """Six inputs, three outputs, all the way down: at every turn all that are left are tried."""
    d, c = 6, spread(6)
    weight = torch.randn(3, d, generator=torch.Generator().manual_seed(1))
    inverse = torch.linalg.inv(c).float()
    for count in range(1, d + 1):
        turns, paid, left = obs.eliminate(weight, inverse, count)
        for row in range(3):
            w = weight[row].double().numpy()
            kept = list(range(d))
            for turn in range(count):
                losses = {p: solved(w, c.numpy(), [k for k in kept if k != p])[1] for p in kept}
                best = min(losses, key=lambda p: losses[p])
                assert int(turns[row, turn]) == best
                before = solved(w, c.numpy(), kept)[1]
                assert float(paid[row, turn]) == pytest.approx(losses[best] - before, rel=1e-3, abs=1e-5)
                kept.remove(best)
            wanted, loss = solved(w, c.numpy(), kept)
            np.testing.assert_allclose(left[row].numpy(), wanted, rtol=1e-3, atol=1e-4)
            assert float(paid[row].sum()) == pytest.approx(loss, rel=1e-3)


@pytest.mark.parametrize("d", [17, 64, 100])
def test_what_is_freed_on_the_way_changes_nothing(d: int, monkeypatch: pytest.MonkeyPatch):
    """Against one inverse a row, updated in place as the paper writes it (algorithm 1), in float64."""
    c = spread(d, 2)
    weight = torch.randn(4, d, generator=torch.Generator().manual_seed(3)).double()
    turns, paid, _ = obs.eliminate(weight, torch.linalg.inv(c))
    for row in range(4):
        w, h = weight[row].clone(), torch.linalg.inv(c)
        alive = torch.ones(d, dtype=torch.bool)
        for turn in range(d):
            cost = (w.square() / h.diagonal()).masked_fill(~alive, torch.inf)
            p = int(cost.argmin())
            assert int(turns[row, turn]) == p
            assert float(paid[row, turn]) == pytest.approx(float(cost[p]), rel=1e-6)
            w = w - h[:, p] * (w[p] / h[p, p])
            h = h - torch.outer(h[:, p], h[p]) / h[p, p]
            alive[p] = False
    monkeypatch.setattr(obs, "COMPACTIONS", 1)
    assert torch.equal(obs.eliminate(weight, torch.linalg.inv(c))[0], turns)


def photos() -> list[tuple[Tensor, Tensor]]:
    chance = torch.Generator().manual_seed(6)
    small = torch.randn(48, 3, 6, 6, generator=chance)
    return [(nn.functional.interpolate(small, 16, mode="bilinear"), torch.zeros(48, dtype=torch.int64))]


def test_a_threshold_takes_no_weight_before_its_turn():
    """The masks of a layer, at any sparsity, are the first turns of each of its outputs; and they nest."""
    model = build("cnn", 10, 16, seed=1)
    found = obs.removals(model, {"conv2.weight": model.conv2.weight}, photos)["removals"]
    before = None
    for target in (0.3, 0.5, 0.9):
        rated = scores.obs(model.conv2.weight, torch.Generator(), {"removals": found["conv2.weight"]})
        kept = masks.lowest({"conv2.weight": rated}, target)
        mask = kept["conv2.weight"].flatten(1)
        assert int((~mask).sum()) == masks.count(target, mask.numel())
        moment = moments.gathered(model, {"conv2": model.conv2}, photos)["conv2"]
        inverse = torch.linalg.inv(moment.spread()[0]).float()
        turns, _, _ = obs.eliminate(model.conv2.weight.detach().flatten(1), inverse)
        for row in range(len(mask)):
            gone = (~mask[row]).nonzero().reshape(-1).tolist()
            assert sorted(turns[row, : len(gone)].tolist()) == gone
        assert before is None or (mask <= before).all()
        before = mask


def test_a_layer_loses_less_than_by_magnitude():
    """At half of the weights and refitted, what the layer says stands nearer to what it said."""
    model = build("cnn", 10, 16, seed=1)
    x = photos()[0][0]
    layer = model.conv1
    said = layer(x).detach()
    found = obs.removals(model, {"conv1.weight": model.conv1.weight}, photos)["removals"]["conv1.weight"]
    off = {}
    for name, rated in {"obs": found, "magnitude": layer.weight.detach().abs()}.items():
        own = copy.deepcopy(model)
        mask = masks.lowest({"conv1.weight": rated}, 0.5)
        refit.refit(own, refit.of_masks(mask), photos)
        masks.apply({"conv1.weight": own.conv1.weight}, mask)
        off[name] = float((own.conv1(x) - said).detach().square().mean())
    assert off["obs"] < 0.8 * off["magnitude"]


def test_inputs_that_hardly_vary_are_no_obstacle():
    """A spread of a thousandth around a mean of one, fewer samples than inputs: no square is lost to rounding."""
    x = 1 + 1e-3 * torch.randn(30, 50, generator=torch.Generator().manual_seed(3))
    model = nn.Sequential(nn.Linear(50, 4))
    seen = moments.gathered(model, {"0": model[0]}, lambda: [(x[:20], x), (x[20:], x)])["0"]
    torch.testing.assert_close(seen.mean()[0], x.double().mean(0))
    wanted = torch.cov(x.double().T, correction=0)
    ridge = moments.RIDGE * wanted.diagonal().mean()
    torch.testing.assert_close(seen.spread()[0] - ridge * torch.eye(50), wanted, rtol=1e-3, atol=1e-11)
    assert obs.removals(model, prunable.weights(model), lambda: [(x, x)])["removals"]["0.weight"].isfinite().all()


def test_greedy_is_near_the_best_of_all_masks():
    d, c = 8, spread(8, 4)
    row = torch.randn(1, d, generator=torch.Generator().manual_seed(5))
    *_, left = obs.eliminate(row, torch.linalg.inv(c).float(), 4)
    off = (left[0] - row[0]).double().numpy()
    mine = float(off @ c.numpy() @ off)
    every = [solved(row[0].double().numpy(), c.numpy(), list(kept))[1] for kept in itertools.combinations(range(d), 4)]
    assert min(every) - 1e-6 <= mine <= np.quantile(every, 0.1)


@pytest.mark.parametrize(
    "layer",
    [nn.Conv2d(4, 4, 3, groups=4, padding=1), nn.Conv2d(4, 6, 3, groups=2), nn.Conv2d(4, 5, 1), nn.Conv2d(4, 6, 3)],
    ids=["depthwise", "grouped", "1×1", "3×3"],
)
def test_each_group_has_inputs_of_its_own(layer: nn.Conv2d):
    """Against the groups taken out as layers of their own."""
    x = torch.randn(8, 4, 9, 9, generator=torch.Generator().manual_seed(7)).cumsum(3)
    batches = lambda: [(x, torch.zeros(8))]  # noqa: E731
    model = nn.Sequential(layer)
    found = obs.removals(model, prunable.weights(model), batches)["removals"]["0.weight"]
    assert found.shape == layer.weight.shape and found.isfinite().all()
    outs, ins = len(found) // layer.groups, 4 // layer.groups
    for group in range(layer.groups):
        alone = nn.Conv2d(ins, outs, layer.kernel_size, padding=layer.padding)
        own = slice(group * outs, (group + 1) * outs)
        with torch.no_grad():
            alone.weight.copy_(layer.weight[own])
        part = x[:, group * ins : (group + 1) * ins]
        given = lambda part=part: [(part, torch.zeros(8))]  # noqa: E731
        one = obs.removals(nn.Sequential(alone), {"0.weight": alone.weight}, given)["removals"]["0.weight"]
        torch.testing.assert_close(found[own], one, rtol=1e-3, atol=1e-6)


def test_wide_layers_fall_into_parts_and_rows_into_batches(monkeypatch: pytest.MonkeyPatch):
    layer = nn.Linear(40, 6)
    x = torch.randn(400, 40, generator=torch.Generator().manual_seed(8))
    model = nn.Sequential(layer)
    whole = obs.removals(model, prunable.weights(model), lambda: [(x, x)])["removals"]["0.weight"]
    monkeypatch.setattr(obs, "AT_ONCE", 4 * 40 * 40 * 2)
    torch.testing.assert_close(
        obs.removals(model, prunable.weights(model), lambda: [(x, x)])["removals"]["0.weight"], whole
    )
    monkeypatch.setattr(obs, "BLOCK", 15)  # three parts, of 14, 13 and 13
    parts = obs.removals(model, prunable.weights(model), lambda: [(x, x)])["removals"]["0.weight"]
    inverse = torch.linalg.inv(torch.cov(x.T, correction=0)[14:27, 14:27]).float()
    turns, *_ = obs.eliminate(layer.weight.detach()[:, 14:27], inverse)
    assert torch.equal(parts[:, 14:27].argsort(1), turns)


def test_weights_that_make_up_are_fitted_in_depthwise_layers_too():
    """Of two kernel places that say the same, the one that stays takes over."""
    layer = nn.Conv2d(2, 2, (1, 2), groups=2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[[[1.0, 3.0]]], [[[2.0, 5.0]]]]))
    line = torch.randn(60, 2, 1, 1, generator=torch.Generator().manual_seed(9)).expand(-1, -1, 1, 6)
    stay = torch.tensor([[True, False], [False, True]])
    model = nn.Sequential(layer)
    given = lambda: [(line, torch.zeros(60))]  # noqa: E731
    assert refit.refit(copy.deepcopy(model), {"0": stay}, given) == {"0": "it does not mix its inputs"}
    assert refit.refit(model, {"0": stay}, given, grouped=True) == {}
    assert layer.weight[0, 0, 0, 0].item() == pytest.approx(4, rel=5e-3)
    assert layer.weight[1, 0, 0, 1].item() == pytest.approx(7, rel=5e-3)
