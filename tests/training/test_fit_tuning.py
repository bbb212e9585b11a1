"""Fine-tuning in the one loop: frozen batch norms, micro-batches, a teacher; each resumable and repeatable."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from secateur.models import prunable
from secateur.models.build import build
from secateur.pruning import masks
from secateur.pruning.regimes import Gradual, Held
from secateur.training.fit import Fit, Photos, Tick
from secateur.training.norms import train_mode
from secateur.training.recipes import FAST_HEAD, FAST_TUNE, STUDY_TRANSFER, Recipe

BATCHES, SIZE, PX = 2, 6, 32
TUNE = replace(FAST_TUNE, batch_size=SIZE)
STUDY = replace(STUDY_TRANSFER, batch_size=SIZE)


def photos(shape: tuple[int, ...] = (3, PX, PX)) -> Photos:
    def batch(epoch: int, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        chance = torch.Generator().manual_seed(1000 * epoch + number)
        return torch.randn(SIZE, *shape, generator=chance), torch.randint(0, 4, (SIZE,), generator=chance)

    def train(epoch: int, start: int):
        return (batch(epoch, i) for i in range(start, BATCHES))

    return Photos(train, lambda: [batch(0, 0), batch(0, 1)], BATCHES, SIZE * BATCHES)


def network(head: str = "study", seed: int = 1) -> nn.Module:
    return build("test_efficientnet", 4, PX, seed, {"pool": "avg", "head": head})


class Counted(Held):
    """Held masks that write down when they were called, and with which gradient."""

    def before_step(self, step: int) -> None:
        self.calls = [*getattr(self, "calls", []), ("before", step)]
        super().before_step(step)
        self.seen = {name: p.grad.clone() for name, p in self.parameters.items()}

    def after_step(self, step: int) -> None:
        self.calls.append(("after", step))
        super().after_step(step)


@torch.no_grad()
def lessons(teacher: nn.Module) -> np.ndarray:
    """What a teacher says of everything that the loop will draw: (epochs, photos, classes)."""
    said = [torch.cat([teacher.eval()(x) for x, _ in photos().train(epoch, 0)]) for epoch in (1, 2)]
    return torch.stack(said).numpy()


def make(recipe: Recipe = TUNE, pruned: str = "", taught: bool = False, head: str = "study", **more) -> Fit:
    model = network(head)
    weights = prunable.weights(model)
    hooks = None
    if pruned == "held":
        hooks = Counted(weights, masks.lowest({n: w.detach().abs() for n, w in weights.items()}, 0.6))
    if pruned == "gradual":
        hooks = Gradual(weights, 0.8, begin=0, end=2, frequency=1)
    if taught:
        more |= {"lessons": lessons(network(head, seed=2)), "distil": 0.5}
    return Fit(model, recipe, photos(), epochs=2, seed=7, hooks=hooks, **more)


def end(fit: Fit) -> dict[str, torch.Tensor]:
    for _ in fit.run():
        pass
    return {k: v.clone() for k, v in fit.model.state_dict().items()}


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


WAYS = {
    "plain": {},
    "micro": {"micro_batch": 2, "recipe": STUDY},
    "micro, linear head": {"micro_batch": 2, "head": "linear"},
    "both": {"micro_batch": 2, "checkpointing": True, "eval_batch": 4},
    "taught": {"micro_batch": 4, "taught": True},
    "live": {"micro_batch": 3, "recipe": replace(TUNE, bn="live")},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stop_at", [1, 2, 3])
def test_interrupted_at_any_batch_it_ends_bit_equal(way: str, stop_at: int):
    options = {"pruned": "gradual"} | WAYS[way]
    whole = make(**options)
    expected = end(whole)
    first = make(**options)
    ticks = 0
    for event in first.run():
        ticks += isinstance(event, Tick)
        if ticks == stop_at:
            break
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second = make(**options)
    second.load_state_dict(torch.load(file, weights_only=True))
    assert equal(end(second), expected)
    assert second.history() == whole.history() and second.notes() == whole.notes()


def test_a_resumed_training_goes_on_in_the_micro_batches_it_began_with():
    first = make(micro_batch=2)
    next(first.run())
    second = make(micro_batch=3, checkpointing=True)
    second.load_state_dict(first.state_dict())
    assert equal(end(second), end(make(micro_batch=2)))


def test_recomputation_ends_bit_equal_to_keeping():
    """Dropout and dropped paths are drawn again alike."""
    assert equal(end(make(checkpointing=True)), end(make()))


def test_a_micro_batch_as_large_as_the_batch_is_none():
    assert equal(end(make(micro_batch=SIZE)), end(make()))


def test_dropout_differs_from_micro_batch_to_micro_batch():
    """The same photo thrice, in micro-batches of one: another dropout each, and again the same with the same seed."""
    fit = make(micro_batch=1, head="linear")
    x, y = torch.ones(3, 3, PX, PX), torch.zeros(3, dtype=torch.int64)
    drawn: list[torch.Tensor] = []
    fit.model.head.drop.p = 0.5
    fit.model.head.drop.register_forward_hook(lambda _, got, out: drawn.append((out != 0).clone()))
    train_mode(fit.model, frozen=True)
    fit._step(x, y)
    fit._step(x, y)
    assert not torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[1], drawn[2])
    assert all(torch.equal(a, b) for a, b in zip(drawn[:3], drawn[3:], strict=True))


@pytest.mark.parametrize("head", ["linear", "study"])
def test_masks_are_called_once_a_step_with_the_whole_gradient(head: str):
    calls, gradients = {}, {}
    for micro in (0, 2):
        fit = make(pruned="held", micro_batch=micro, head=head)
        for module in fit.model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
            if hasattr(module, "drop_prob"):
                module.drop_prob = 0.0
        next(fit.run())
        calls[micro], gradients[micro] = fit.hooks.calls, fit.hooks.seen
    assert calls[2] == calls[0] == [("before", 0), ("after", 0)]
    for name, gradient in gradients[0].items():
        assert (gradients[2][name] - gradient).norm() <= 1e-5 * gradient.norm() + 1e-9


def test_held_masks_are_zero_at_the_end_of_a_micro_batched_training():
    fit = make(pruned="held", micro_batch=2)
    state = end(fit)
    for name, mask in fit.hooks.masks.items():
        assert not state[name][~mask].any()


def test_frozen_statistics_stay_until_they_are_recalibrated():
    fit = make()
    before = {k: v.clone() for k, v in fit.model.body.named_buffers()}
    for event in fit.run():
        if isinstance(event, Tick):
            assert all(torch.equal(v, before[k]) for k, v in fit.model.body.named_buffers())
    assert len(fit.notes()) == 1 and "12 photos" in fit.notes()[0]


def test_notes_say_which_batch_live_batch_norms_saw():
    live = replace(TUNE, bn="live")
    assert make(recipe=live, micro_batch=2).notes() == ("batch norms saw micro-batches of 2, not batches of 6",)
    assert make(recipe=live).notes() == ()
    assert make(micro_batch=2).notes() == ()


def test_a_teacher_moves_the_weights():
    assert not equal(end(make(taught=True)), end(make()))


def test_each_batch_is_handed_what_was_said_of_it():
    """In the whole training, and in one that goes on at the second batch."""
    known = lessons(network(seed=2))
    for start in (0, 1):
        fit = make(taught=True)
        fit.batch = start
        heard: list[torch.Tensor] = []
        plain = fit._loss
        fit._loss = lambda logits, y, taught, plain=plain, heard=heard: heard.append(taught) or plain(logits, y, taught)
        end(fit)
        assert torch.equal(torch.cat(heard), torch.from_numpy(known.reshape(-1, 4))[start * SIZE :])


SPOKEN = np.zeros((2, SIZE * BATCHES, 4), np.float32)


@pytest.mark.parametrize(
    "more",
    [
        {"distil": 0.5},
        {"lessons": SPOKEN},
        {"lessons": SPOKEN, "distil": 2},
        {"lessons": SPOKEN[:0], "distil": 0.5},
        {"lessons": SPOKEN[:, 1:], "distil": 0.5},
    ],
)
def test_a_teacher_and_its_weight_come_together(more: dict):
    with pytest.raises(ValueError, match="teacher"):
        Fit(network(), TUNE, photos(), epochs=1, seed=0, **more)


def test_a_head_trains_on_features():
    head = network().head
    fit = Fit(head, replace(FAST_HEAD, batch_size=SIZE), photos((head.fc1.in_features,)), epochs=2, seed=0)
    first = {k: v.clone() for k, v in head.state_dict().items()}
    assert not torch.equal(end(fit)["fc1.weight"], first["fc1.weight"])
