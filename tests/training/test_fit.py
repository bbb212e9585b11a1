"""The one loop: repeatable, resumable at any batch, and doing what Keras's callbacks do."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
import torch
from torch import nn

from secateur.models import prunable
from secateur.models.build import build
from secateur.pruning import masks
from secateur.pruning.regimes import Gradual, Held
from secateur.records import Epoch
from secateur.training.chance import mix
from secateur.training.fit import Fit, Photos, Tick, converged
from secateur.training.recipes import FAST, STUDY, Recipe

BATCHES = 3


def photos(val_losses: list[float] | None = None) -> Photos:
    """Three batches an epoch, a function of (epoch, batch) alone."""

    def batch(epoch: int, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        chance = torch.Generator().manual_seed(1000 * epoch + number)
        return torch.rand(8, 3, 16, 16, generator=chance), torch.randint(0, 4, (8,), generator=chance)

    def train(epoch: int, start: int):
        return (batch(epoch, i) for i in range(start, BATCHES))

    return Photos(train, lambda: [batch(0, 0), batch(0, 1)], BATCHES, 8 * BATCHES)


def make(recipe: Recipe = FAST, epochs: int = 4, precision: str = "fp32", pruned: str = "") -> Fit:
    model = build("cnn", 4, 16, seed=1)
    hooks = None
    if pruned == "held":
        weights = prunable.weights(model)
        hooks = Held(weights, masks.lowest({n: w.detach().abs() for n, w in weights.items()}, 0.6))
    if pruned == "gradual":
        hooks = Gradual(prunable.weights(model), 0.8, begin=0, end=8, frequency=2)
    return Fit(model, recipe, photos(), epochs=epochs, seed=7, precision=precision, hooks=hooks)


def end(fit: Fit) -> dict[str, torch.Tensor]:
    for _ in fit.run():
        pass
    return {k: v.clone() for k, v in fit.model.state_dict().items()}


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_same_seed_ends_bit_equal(precision: str):
    assert equal(end(make(precision=precision)), end(make(precision=precision)))


def test_another_seed_ends_elsewhere():
    other = make()
    other.seed = 8
    assert not equal(end(make()), end(other))


@pytest.mark.parametrize("recipe", [FAST, STUDY], ids=lambda r: r.name)
@pytest.mark.parametrize("pruned", ["", "held", "gradual"])
@pytest.mark.parametrize("stop_at", [1, 3, 5, 6, 10])
def test_interrupted_at_any_batch_it_ends_bit_equal(recipe: Recipe, pruned: str, stop_at: int):
    whole = make(recipe, pruned=pruned)
    expected = end(whole)
    first = make(recipe, pruned=pruned)
    ticks = 0
    for event in first.run():
        ticks += isinstance(event, Tick)
        if ticks == stop_at:
            break
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second = make(recipe, pruned=pruned)
    second.load_state_dict(torch.load(file, weights_only=True))
    assert equal(end(second), expected)
    assert second.history() == whole.history()


def test_gradual_pruning_is_shown_in_the_curve_and_ends_exact():
    fit = make(pruned="gradual")
    end(fit)
    assert [row.sparsity for row in fit.rows] == sorted(row.sparsity for row in fit.rows)
    assert fit.rows[-1].sparsity == pytest.approx(0.8, abs=1e-3)


def test_with_best_weights_kept_gradual_pruning_still_ends_exact():
    """The lowest loss comes before the masks are final: that network is another one, and is not kept."""
    fit = told([0.1, 0.2, 0.9, 1.0, 1.1, 1.2], STUDY)
    fit.hooks = Gradual(prunable.weights(fit.model), 0.8, begin=0, end=8, frequency=2)
    state = end(fit)
    assert fit.best_epoch == 3  # steps 6 to 8 are the third epoch's; the ramp ends with step 8
    for name, mask in fit.hooks.masks.items():
        assert int((~mask).sum()) == masks.count(0.8, mask.numel())
        assert not state[name][~mask].any()


def test_held_masks_are_zero_at_the_end():
    fit = make(pruned="held")
    state = end(fit)
    for name, mask in fit.hooks.masks.items():
        assert not state[name][~mask].any()


def told(losses: list[float], recipe: Recipe) -> Fit:
    """A fit whose validation losses are told, one an epoch."""
    fit = Fit(build("cnn", 4, 16), recipe, photos(), epochs=len(losses), seed=0)
    answers = iter(losses)
    fit._validate = lambda: (next(answers), 0.5)
    return fit


def test_early_stopping_and_plateau_are_those_of_keras():
    """By hand: best at epoch 2; no gain in 3, 4, 5 halves the rate for epoch 6; five without gain stop at 7."""
    fit = told([1.0, 0.5, 0.6, 0.7, 0.6, 0.55, 0.9, 0.1], STUDY)
    rows = [event for event in fit.run() if isinstance(event, Epoch)]
    assert [row.lr for row in rows] == pytest.approx([1e-3] * 5 + [5e-4] * 2)
    history = fit.history()
    assert (history.best_epoch, history.stopped_early, len(rows)) == (2, True, 7)


def test_best_weights_are_restored():
    fit = told([1.0, 0.5, 0.6], replace(STUDY, stop_after=0))
    kept = None
    for event in fit.run():
        if isinstance(event, Epoch) and event.epoch == 2:
            kept = {k: v.clone() for k, v in fit.model.state_dict().items()}
    assert equal(dict(fit.model.state_dict()), kept)


def test_a_gain_below_keras_min_delta_moves_the_best_but_not_the_plateau():
    fit = told([1.0, 1.0 - 5e-5, 1.0 - 9e-5, 1.0 - 9.5e-5, 0.999], STUDY)
    rows = [event for event in fit.run() if isinstance(event, Epoch)]
    assert rows[4].lr == pytest.approx(5e-4)
    assert fit.best_epoch == 5


def test_one_cycle_rises_and_falls_to_nearly_nothing():
    fit = make(epochs=10)
    rates = [fit._lr_at(step) for step in range(10 * BATCHES)]
    peak = rates.index(max(rates))
    assert max(rates) == pytest.approx(FAST.lr)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert 0 < rates[-1] < FAST.lr / 10


def test_the_loop_takes_the_steps_of_a_bare_one():
    """Independent: the same batches, seeds and rates in ten plain lines end in the same weights."""
    recipe = replace(STUDY, keep="last", stop_after=0)
    fit = make(recipe, epochs=2)
    got = end(fit)
    model = build("cnn", 4, 16, seed=1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.momentum = 0.1  # three batches an epoch: the most that is allowed
    model = model.to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(model.parameters(), recipe.lr, fused=True)

    for epoch in (1, 2):
        for number, (x, y) in enumerate(photos().train(epoch, 0)):
            model.train()
            torch.manual_seed(mix(7, epoch, number))
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimiser.step()
    for name, tensor in model.state_dict().items():
        assert torch.equal(got[name], tensor), name


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [([0.1, 0.5, 0.9, 0.905], True), ([0.1, 0.5, 0.9, 0.92], False), ([0.5], False), ([0.6, 0.5], True)],
)
def test_converged_means_the_last_quarter_gained_under_a_point(accuracies: list[float], expected: bool):
    assert converged(accuracies) is expected
