"""RigL: as sparse at every step, what moves where, and how it ends."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from secateur.pruning.penalties import GroupLasso, Slimming
from secateur.pruning.regimes import Course
from secateur.pruning.rigl import RigL, rigl


def test_one_move_by_hand():
    """Four of eight weights kept, half of them move: the two smallest go, the two of largest gradient come."""
    weight = nn.Parameter(torch.tensor([4.0, 1, -2, 3, 0, 0, 0, 0]).reshape(1, 8))
    mask = torch.tensor([[True] * 4 + [False] * 4])
    hooks = RigL({"w": weight}, {"w": mask}, end=100, frequency=10, fraction=1.0)
    weight.grad = torch.tensor([[9.0, 7, 0.5, 9, 1, -8, 2, 3]])
    assert hooks.moving(0) == 1 and hooks.moving(50) == pytest.approx(0.5) and hooks.moving(100) == pytest.approx(0)
    hooks.before_step(50)
    # 1 and −2 go; of those outside, 7 (just gone) and 8 have the largest gradients; both begin at zero
    assert hooks.masks["w"].tolist() == [[True, True, False, True, False, True, False, False]]
    assert weight.tolist() == [[4, 0, -2, 3, 0, 0, 0, 0]]
    hooks.after_step(50)
    assert weight.tolist() == [[4, 0, 0, 3, 0, 0, 0, 0]]
    assert weight.grad[0, [2, 4, 6, 7]].tolist() == [0, 0, 0, 0] and weight.grad[0, 5] == -8


def test_sparsity_stays_what_it_is_at_every_step_and_masks_end_still():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 5, 2), nn.Flatten(), nn.ReLU(), nn.Linear(20, 4))
    model = model.to(memory_format=torch.channels_last)  # as the loop lays weights out
    weights = {"0.weight": model[0].weight, "3.weight": model[3].weight}
    hooks = rigl(weights, 0.8, Course(steps=200, frequency=5, scope="layer", seed=3))
    assert hooks.end == 150
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.01)
    x, y = torch.randn(64, 3, 3, 3), torch.randint(0, 4, (64,))
    seen = []
    for step in range(200):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        hooks.before_step(step)
        optimiser.step()
        hooks.after_step(step)
        assert [int(m.sum()) for m in hooks.masks.values()] == [12, 16]
        assert all(not (w * ~hooks.masks[n]).any() for n, w in weights.items())
        seen.append(torch.cat([m.flatten() for m in hooks.masks.values()]))
    moves = [s for s in range(1, 200) if not torch.equal(seen[s], seen[s - 1])]
    assert moves and max(moves) < 150
    again = RigL(weights, {n: torch.ones_like(m) for n, m in hooks.masks.items()}, end=150, frequency=2)
    again.load_state_dict(hooks.state_dict())
    assert all(torch.equal(again.masks[n], hooks.masks[n]) for n in weights)


def test_wide_layers_begin_sparser_with_erk():
    weights = {"a": torch.zeros(4, 4), "b": torch.zeros(40, 40)}
    hooks = rigl(weights, 0.8, Course(steps=10, frequency=5, scope="erk", seed=3))
    kept = {n: int(m.sum()) for n, m in hooks.masks.items()}
    assert sum(kept.values()) == 1616 - 1293
    assert kept["a"] / 16 > 2 * kept["b"] / 1600


def test_the_group_lasso_is_the_gradient_of_its_penalty():
    model = nn.Sequential(nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 2))
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    GroupLasso(model, 0.1).before_step(0)
    weight = model[0].weight.detach().clone().requires_grad_()
    (0.1 * 8**0.5 * weight.flatten(1).norm(dim=1).sum()).backward()
    torch.testing.assert_close(model[0].weight.grad, weight.grad)
    assert all(not p.grad.any() for n, p in model.named_parameters() if n != "0.weight")
    with torch.no_grad():
        model[0].weight[1] = 0
    GroupLasso(model, 0.1).before_step(0)
    assert model[0].weight.grad.isfinite().all()


def test_slimming_adds_a_price_on_every_scale_and_nothing_else():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([1.0, -2.0, 0.0, 3.0]))
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    Slimming(model, 0.5).before_step(0)
    assert model[1].weight.grad.tolist() == [0.5, -0.5, 0.0, 0.5]
    assert all(not p.grad.any() for n, p in model.named_parameters() if n != "1.weight")
    with pytest.raises(Exception, match="needs batch norms"):
        Slimming(nn.Sequential(nn.Conv2d(3, 4, 1)))
    assert math.isclose(Slimming(model).strength, 1e-3)
