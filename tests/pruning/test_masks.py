"""Exactly as many as were asked for; equal to torch's own; held through training."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune as torch_prune

from secateur.models import prunable
from secateur.models.build import build
from secateur.pruning import channels, masks, order, scores
from secateur.pruning.bits import pack
from secateur.pruning.regimes import Gradual, Held

GENERATOR = torch.Generator()


def network() -> nn.Module:
    model = build("cnn", 10, 16, seed=5)
    torch.manual_seed(0)
    for parameter in prunable.weights(model).values():
        # torch.nn.utils.prune breaks ties by chance; distinct magnitudes leave it none
        order = torch.randperm(parameter.numel()).reshape(parameter.shape).float() + 1
        parameter.data = order / parameter.numel() * torch.sign(parameter.data + 1e-9)
    return model


def magnitudes(model: nn.Module) -> dict[str, torch.Tensor]:
    return {n: scores.magnitude(w, GENERATOR) for n, w in prunable.weights(model).items()}


@pytest.mark.parametrize("sparsity", [0.3, 0.5, 0.7, 0.9, 0.123])
def test_per_layer_masks_equal_torch(sparsity: float):
    model = network()
    ours = masks.lowest(magnitudes(model), sparsity, "layer")
    theirs = copy.deepcopy(model)
    for name, layer in prunable.layers(theirs):
        torch_prune.l1_unstructured(layer, "weight", sparsity)
        assert torch.equal(ours[f"{name}.weight"], layer.weight_mask.bool()), name


@pytest.mark.parametrize("sparsity", [0.3, 0.5, 0.7, 0.9, 0.123])
def test_global_masks_equal_torch(sparsity: float):
    model = build("cnn", 10, 16, seed=5)
    flat = torch.cat([w.detach().flatten() for w in prunable.weights(model).values()])
    torch.manual_seed(1)
    distinct = (torch.randperm(flat.numel()) + 1).float()
    start = 0
    for parameter in prunable.weights(model).values():
        parameter.data = distinct[start : start + parameter.numel()].reshape(parameter.shape)
        start += parameter.numel()
    ours = masks.lowest(magnitudes(model), sparsity, "global")
    pairs = [(layer, "weight") for _, layer in prunable.layers(model)]
    torch_prune.global_unstructured(pairs, torch_prune.L1Unstructured, amount=sparsity)
    for name, layer in prunable.layers(model):
        assert torch.equal(ours[f"{name}.weight"], layer.weight_mask.bool()), name


finite = st.floats(allow_nan=False, allow_infinity=True, width=32)


@given(
    st.lists(st.lists(finite, min_size=1, max_size=40), min_size=1, max_size=4),
    st.floats(0, 0.999),
    st.sampled_from(["layer", "global"]),
)
@settings(deadline=None, max_examples=200)
def test_exact_count_and_the_lowest_go(values: list[list[float]], sparsity: float, scope: str):
    given_scores = {str(i): torch.tensor(v) for i, v in enumerate(values)}
    made = masks.lowest(given_scores, sparsity, scope)
    pools = [given_scores] if scope == "global" else [{n: s} for n, s in given_scores.items()]
    for pool in pools:
        all_scores = np.concatenate([s.numpy() for s in pool.values()])
        kept = np.concatenate([made[n].numpy() for n in pool])
        assert (~kept).sum() == masks.count(sparsity, len(kept))
        if kept.any() and not kept.all():
            assert all_scores[~kept].max() <= all_scores[kept].min()
        assert (naive(all_scores, sparsity) == kept).all()


def naive(scores: np.ndarray, sparsity: float) -> np.ndarray:
    """By a stable sort of everything."""
    kept = np.ones(len(scores), bool)
    kept[np.argsort(scores + 0.0, kind="stable")[: masks.count(sparsity, len(scores))]] = False
    return kept


def many(kind: str, n: int) -> np.ndarray:
    """Scores that a sample of every few tells the truth about, and some that it does not."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal(n).astype(np.float32)
    match kind:
        case "pruned before":
            values[rng.random(n) < 0.85] = 0
        case "few levels":
            values = np.round(values * 2) / 2
        case "the sample lies":
            values[:: max(n // order._SAMPLE, 1)] = -100
        case "all equal":
            values[:] = -1.5
    return values


@pytest.mark.parametrize("kind", ["normal", "pruned before", "few levels", "the sample lies", "all equal"])
@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.85, 0.9, 0.999])
def test_many_scores_are_chosen_as_a_stable_sort_does(kind: str, sparsity: float):
    values = many(kind, 3 * order._SAMPLE + 12345)
    parts = np.split(values, [100_003, 100_004, 250_000])
    made = masks.lowest({str(i): torch.from_numpy(p) for i, p in enumerate(parts)}, sparsity, "global")
    assert (np.concatenate([m.numpy() for m in made.values()]) == naive(values, sparsity)).all()


def test_more_between_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(order, "_MOST", 100)
    values = many("normal", 200_000)
    made = masks.lowest({"a": torch.from_numpy(values)}, 0.7)
    assert (made["a"].numpy() == naive(values, 0.7)).all()


def test_magnitudes_need_no_copy_of_the_weights():
    torch.manual_seed(0)
    weights = {"a": torch.randn(70, 1001), "b": torch.randn(9, 5, 3, 3)}
    weights["a"][0, :3] = torch.tensor([0.0, -0.0, -float("inf")])
    weights["b"] = weights["b"].to(memory_format=torch.channels_last)
    wanted = masks.lowest({n: w.abs() for n, w in weights.items()}, 0.6, "global")
    got = masks.lowest(weights, 0.6, "global", absolute=True)
    assert all(torch.equal(wanted[n], got[n]) for n in weights)
    with pytest.raises(ValueError, match="NaN"):
        masks.lowest({"a": torch.tensor([1.0, -float("nan")])}, 0.5, absolute=True)


def test_packed_masks_are_the_same_masks_at_a_bit_each():
    torch.manual_seed(0)
    weights = {"a": torch.randn(70, 1001), "b": torch.randn(9, 5, 3, 3), "c": torch.randn(3).double()}
    weights["b"] = weights["b"].to(memory_format=torch.channels_last)
    plain = masks.lowest(weights, 0.6, "global", absolute=True)
    bits = masks.lowest_bits(weights, 0.6, "global", absolute=True)
    assert list(bits) == list(plain) and len(bits) == 3
    assert all(torch.equal(bits[n], plain[n]) for n in plain)
    assert all(torch.equal(pack(plain)[n], plain[n]) for n in plain)
    assert bits.packed["a"].numel() == -(-70 * 1001 // 8)
    assert masks.sparsity(bits) == masks.sparsity(plain)
    other = {n: w.clone() for n, w in weights.items()}
    masks.apply(weights, plain)
    masks.apply(other, bits)
    assert all(torch.equal(weights[n], other[n]) for n in weights)


def test_all_equal_scores_fall_by_position():
    made = masks.lowest({"a": torch.ones(3), "b": torch.ones(3)}, 0.5, "global")
    assert made["a"].tolist() == [False] * 3
    assert made["b"].tolist() == [True] * 3


def test_nan_and_impossible_sparsities_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        masks.lowest({"a": torch.tensor([1.0, float("nan")])}, 0.5)
    for sparsity in (1.0, -0.1, float("nan")):
        with pytest.raises(ValueError):
            masks.lowest({"a": torch.ones(3)}, sparsity)


@pytest.mark.parametrize(("ratio", "n", "dropped"), [(0.29, 100, 29), (0.7, 10, 7), (0.3, 32, 9), (0.9, 1, 0)])
def test_floor_in_exact_arithmetic(ratio: float, n: int, dropped: int):
    assert masks.floor(ratio, n) == dropped


def test_the_filters_of_least_l1_norm_go_and_the_rest_is_untouched():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 1), nn.Flatten(), nn.Linear(4 * 36, 2))
    before = copy.deepcopy(model)
    norms = before[0].weight.abs().sum((1, 2, 3))
    kept = channels.kept_after({"0": scores.filter_l1(model[0].weight, GENERATOR)}, 0.5)
    assert set(kept["0"]) == set(norms.argsort()[4:].tolist())
    channels.cut(model, kept, torch.zeros(1, 3, 8, 8))
    assert torch.equal(model[0].weight, before[0].weight[kept["0"]])
    assert torch.equal(model[2].weight, before[2].weight[:, kept["0"]])
    assert torch.equal(model[4].weight, before[4].weight)


def test_a_cut_network_equals_the_dense_one_with_dead_filters():
    """Independent of how channels are found: zero the filters (weights, bias, batch-norm shift) instead."""
    model = build("cnn", 10, 16, seed=2).eval()
    kept = channels.kept_after({"conv3": scores.filter_l1(model.conv3.weight, GENERATOR)}, 0.4)
    dead = [i for i in range(64) if i not in kept["conv3"]]
    silent = copy.deepcopy(model)
    with torch.no_grad():
        for tensor in (silent.conv3.weight, silent.conv3.bias, silent.bn3.weight, silent.bn3.bias):
            tensor[dead] = 0
    channels.cut(model, kept, torch.zeros(1, 3, 16, 16))
    x = torch.rand(5, 3, 16, 16)
    assert torch.allclose(model(x), silent(x), atol=1e-5)


def test_hidden_units_are_a_group_like_any_other():
    model = build("cnn", 10, 16)
    channels.cut(model, channels.kept_after({"fc1": torch.arange(256.0)}, 0.5), torch.zeros(1, 3, 16, 16))
    assert model.fc1.out_features == model.bn_fc1.num_features == model.fc2.in_features == 128


def test_the_last_filter_stays():
    assert channels.kept_after({"a": torch.tensor([3.0])}, 0.99) == {"a": [0]}


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_masks_hold_through_every_step_momentum_included(optimiser: str):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    weights = prunable.weights(model)
    kind = {"adam": torch.optim.Adam, "sgd": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9, weight_decay=0.1)}
    opt = kind[optimiser](model.parameters(), lr=0.1)
    held = None
    for step in range(12):
        if step == 4:  # by now the optimiser has momentum for every weight
            held = Held(weights, masks.lowest({n: w.detach().abs() for n, w in weights.items()}, 0.5))
        opt.zero_grad()
        model(torch.randn(4, 6)).square().sum().backward()
        if held:
            held.before_step(step)
        opt.step()
        if held:
            held.after_step(step)
            for name, mask in held.masks.items():
                assert not weights[name][~mask].any()
                assert weights[name][mask].all()


def test_the_schedule_equals_the_paper_at_every_step():
    """Zhu & Gupta 2017, eq. 1, written out again."""
    model = nn.Linear(50, 40)
    regime = Gradual({"weight": model.weight}, 0.8, begin=10, end=110, frequency=10, initial=0.0)
    for t in range(10, 110):
        assert regime.sparsity_at(t) == pytest.approx(0.8 + (0.0 - 0.8) * (1 - (t - 10) / (10 * 10)) ** 3)
    assert regime.sparsity_at(9) == 0
    assert regime.sparsity_at(110) == regime.sparsity_at(500) == 0.8


def test_a_schedule_of_one_step_prunes_at_once():
    model = nn.Linear(10, 10)
    regime = Gradual({"weight": model.weight}, 0.8, begin=0, end=0, frequency=1)
    regime.before_step(0)
    assert int((~regime.masks["weight"]).sum()) == 80


def test_gradual_masks_nest_and_end_exact():
    torch.manual_seed(0)
    model = nn.Linear(37, 29)
    opt = torch.optim.Adam(model.parameters(), 0.05)
    regime = Gradual({"weight": model.weight}, 0.77, begin=0, end=30, frequency=3)
    gone = torch.zeros(29, 37, dtype=torch.bool)
    for step in range(40):
        opt.zero_grad()
        model(torch.randn(8, 37)).square().sum().backward()
        regime.before_step(step)
        opt.step()
        regime.after_step(step)
        now = ~regime.masks["weight"]
        assert (now | ~gone).all(), "a dropped weight came back"
        assert not model.weight[now].any()
        gone = now
    assert int(gone.sum()) == round(0.77 * 37 * 29)
