"""Bytes counted, and the way to train that is chosen for them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from small_nets import network, photos
from torch import nn

from secateur.errors import UserError
from secateur.training import memory
from secateur.training.fit import Fit, Photos
from secateur.training.live import peak_bytes
from secateur.training.memory import MemoryPlan, plan_memory
from secateur.training.recipes import FAST_TUNE, STUDY_TRANSFER, Recipe

BASE = 2**26
TUNE = replace(FAST_TUNE, batch_size=8)


@pytest.fixture(autouse=True)
def _base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "anonymous_bytes", lambda device: BASE)


def test_peak_counts_what_is_alive_at_the_same_time():
    """By hand: 4,000 bytes, 4,000 more, the first freed, 4,000 more; views and what was there before count nothing."""
    before = torch.zeros(1000)

    def work() -> None:
        a = before.view(10, 100) + 1
        b = a + 1
        del a
        c = b.t() * 2
        assert c.t().view(-1).shape == (1000,)

    assert peak_bytes(work) == 8000
    assert peak_bytes(lambda: before.view(10, 100)) == 0


def test_the_peak_of_a_way_back_is_counted():
    """Two layers of 100 × 100 with bias: both gradients are there at the end, 2 · 40,400 bytes."""
    model = nn.Sequential(nn.Linear(100, 100), nn.Linear(100, 100))
    x = torch.zeros(1, 100)
    assert 80_800 <= peak_bytes(lambda: model(x).sum().backward()) < 80_800 + 4_000


def chosen(budget: int, recipe: Recipe = TUNE, head: str = "linear", body: str = "resnet18") -> MemoryPlan:
    return plan_memory(network(body, head), recipe, 64, budget)


def test_less_memory_is_had_for_more_work():
    """Down from a budget that everything fits: each plan stays within its budget, and takes less than the last."""
    plan, ways = chosen(2**40, body="tf_efficientnet_lite0"), []
    assert (plan.micro_batch, plan.checkpointing) == (0, False)
    with pytest.raises(UserError, match=r"a photo at a time with recomputation takes up to \d"):
        while True:
            ways.append((plan.micro_batch, plan.checkpointing))
            budget = plan.peak_bytes_estimate - 1
            plan = chosen(budget, body="tf_efficientnet_lite0")
            assert plan.peak_bytes_estimate <= budget
    assert (4, False) in ways and ways[-1] == (1, True)
    assert len(set(ways)) == len(ways)


def test_a_plan_says_what_it_chose():
    plan = chosen(chosen(2**40).peak_bytes_estimate - 1)
    assert plan.words.startswith("batches of 8 in micro-batches of 4: at most ")
    assert chosen(2**40).words.startswith("batches of 8 whole: at most ")
    assert plan.base_bytes == BASE


def test_batch_norms_that_look_at_their_batch_are_recomputed_before_they_are_cut():
    live = replace(TUNE, bn="live")
    plan = chosen(chosen(2**40, live).peak_bytes_estimate - 1, live)
    assert (plan.micro_batch, plan.checkpointing) == (0, True)


def test_best_weights_are_counted():
    weights = sum(t.nbytes for t in network("resnet18").state_dict().values())
    study = replace(STUDY_TRANSFER, batch_size=8)
    last = replace(study, keep="last")
    assert chosen(2**40, study).peak_bytes_estimate - chosen(2**40, last).peak_bytes_estimate == weights


@pytest.mark.parametrize(("body", "head"), [("resnet18", "linear"), ("tf_efficientnet_lite0", "study")])
def test_a_real_step_stays_under_its_estimate(body: str, head: str):
    """Tensors alone, counted over two steps of the loop: what the allocator adds is the benchmark's to show."""
    one = photos(8)
    source = Photos(lambda epoch, start: iter([one, one][start:]), lambda: [one], 2, 16)
    plan = chosen(2**40, head=head, body=body)
    for _ in range(3):
        ways = {"micro_batch": plan.micro_batch, "checkpointing": plan.checkpointing, "eval_batch": plan.eval_batch}
        fit = Fit(network(body, head), TUNE, source, epochs=1, seed=0, **ways)
        got = BASE + peak_bytes(lambda fit=fit: list(fit.run()))
        assert got <= plan.peak_bytes_estimate, plan.words
        plan = chosen(plan.peak_bytes_estimate - 1, head=head, body=body)


def test_the_network_is_left_as_it_was():
    model = network("tf_efficientnet_lite0", "study", chance=True)
    model.body.bn1.eval()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    modes = [m.training for m in model.modules()]
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    plan_memory(model, replace(TUNE, bn="live"), 64, 2**40)
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert [m.training for m in model.modules()] == modes
    assert all(p.grad is None for p in model.parameters())
