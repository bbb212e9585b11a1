"""Movement pruning: scores by hand, what is dropped waits and comes back, and an end that is exact."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from secateur.pruning import masks
from secateur.pruning.movement import Movement, movement
from secateur.pruning.regimes import Course


def test_scores_by_hand_and_what_is_dropped_comes_back():
    """Four weights, two stay. What grows is kept however small; what was dropped waits with its value."""
    weight = nn.Parameter(torch.tensor([[4.0, 3.0, 0.5, 1.0]]))
    hooks = Movement({"w": weight}, 0.5, begin=0, end=2, frequency=1)
    hooks.sparsity_at = lambda step: 0.5
    weight.grad = torch.tensor([[1.0, -1.0, -2.0, 3.0]])  # S = −4, 3, 1, −3: the large one shrinks, and goes
    hooks.before_step(0)
    assert hooks.movement["w"].tolist() == [[-4, 3, 1, -3]]
    assert hooks.masks["w"].tolist() == [[False, True, True, False]]
    assert weight.tolist() == [[0, 3, 0.5, 0]] and hooks.waiting["w"].tolist() == [[4, 0, 0, 1]]
    assert weight.grad.tolist() == [[0, -1, -2, 0]]
    hooks.after_step(0)
    weight.grad = torch.tensor([[-3.0, 1.0, 0.0, 0.0]])  # at the dropped one, 4 waits: S = −4 + 12, 3 − 3, 1, −3
    hooks.before_step(1)
    assert hooks.movement["w"].tolist() == [[8, 0, 1, -3]]
    assert weight.tolist() == [[4, 0, 0.5, 0]] and hooks.waiting["w"].tolist() == [[0, 3, 0, 1]]
    hooks.after_step(1)
    weight.grad = torch.zeros(1, 4)
    hooks.before_step(2)  # the end: what waits is let go, and nothing is scored any more
    assert not hooks.waiting["w"].any()
    weight.grad = torch.ones(1, 4)
    hooks.before_step(3)
    assert hooks.movement["w"].tolist() == [[8, 0, 1, -3]] and hooks.masks["w"].tolist() == [[True, False, True, False]]


@pytest.mark.parametrize("scope", ["layer", "global"])
def test_it_ends_exact_and_goes_on_from_a_checkpoint(scope: str):
    def made() -> tuple[nn.Module, Movement, torch.optim.Optimizer]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(9, 13), nn.ReLU(), nn.Linear(13, 4))
        weights = {"0.weight": model[0].weight, "2.weight": model[2].weight}
        return model, movement(weights, 0.8, Course(60, 100, scope, 0)), torch.optim.SGD(model.parameters(), 0.05)

    def run(model: nn.Module, hooks: Movement, optimiser: torch.optim.Optimizer, first: int, last: int) -> None:
        for step in range(first, last):
            chance = torch.Generator().manual_seed(step)
            x, y = torch.randn(16, 9, generator=chance), torch.randint(0, 4, (16,), generator=chance)
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            hooks.before_step(step)
            optimiser.step()
            hooks.after_step(step)
            assert all(not (p * ~hooks.masks[n]).any() for n, p in hooks.parameters.items())

    whole = made()
    run(*whole, 0, 60)
    sizes = [m.numel() for m in whole[1].masks.values()]
    gone = [int((~m).sum()) for m in whole[1].masks.values()]
    if scope == "layer":
        assert gone == [masks.count(0.8, n) for n in sizes]
    assert sum(gone) == masks.count(0.8, sum(sizes)) or scope == "layer"
    for at in (7, 29, 45):
        first = made()
        run(*first, 0, at)
        second = made()
        second[0].load_state_dict(first[0].state_dict())
        second[1].load_state_dict(first[1].state_dict())
        run(*second, at, 60)
        for n, mask in whole[1].masks.items():
            assert torch.equal(second[1].masks[n], mask)
            assert torch.equal(second[1].parameters[n], whole[1].parameters[n])
