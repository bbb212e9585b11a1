"""Gradients as evidence: against values by hand, against real gates in the network, and as a ranking."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from secateur.errors import UserError
from secateur.models.build import build
from secateur.pruning import channel_scores, channels, evidence, ranking, scores
from secateur.pruning.gradients import bends, connections, gradients, slopes
from secateur.pruning.groups import Group, Part, Traced, mixed

PX = 32


def batches(n: int = 3, size: int = 4, classes: int = 10) -> list[tuple[Tensor, Tensor]]:
    chance = torch.Generator().manual_seed(5)
    return [
        (torch.randn(size, 3, PX, PX, generator=chance), torch.randint(0, classes, (size,), generator=chance))
        for _ in range(n)
    ]


def network(name: str) -> nn.Module:
    model = build(name, 10, PX, 1, None if name == "cnn" else {"pool": "avg", "head": "linear"})
    torch.manual_seed(2)
    with torch.no_grad():
        for key, tensor in [*model.named_parameters(), *model.named_buffers()]:
            if tensor.dim() == 1 and tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5) if "var" in key or "weight" in key else tensor.uniform_(-0.2, 0.2)
    return model.train()


def test_squares_and_filters_by_hand():
    """Two classes, logits (w₁x, w₂x) with w = (1, −1) and x = 1: p₁ = e/(e + 1/e). Label 1: the gradient is
    (p₁ − 1, p₂) x; label 2: (p₁, p₂ − 1) x."""
    model = nn.Sequential(nn.Linear(1, 2, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0], [-1.0]]))
    x = torch.ones(1, 1)
    found = gradients(model, [(x, torch.tensor([0])), (x, torch.tensor([1]))])
    p1 = math.e / (math.e + 1 / math.e)
    p2 = 1 - p1
    first, second = (p2**2 + p1**2) / 2, (p2**2 + p1**2) / 2
    torch.testing.assert_close(found["squares"]["0.weight"], torch.tensor([[first], [second]]))
    torch.testing.assert_close(found["filters"]["0"], torch.tensor([first, second]))  # w² is 1
    assert found["gates"] == {}
    asked = scores.fisher(torch.tensor([[3.0]]), torch.Generator(), {"squares": torch.tensor([[2.0]])})
    assert asked.item() == 18.0


def test_slopes_by_hand():
    """The same network: with label 1 the gradient is (−p₂, p₂), with label 2 (p₁, −p₁)."""
    model = nn.Sequential(nn.Linear(1, 2, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0], [-1.0]]))
    x = torch.ones(1, 1)
    photos = [(x, torch.tensor([0])), (x, torch.tensor([1]))]
    found = slopes(model, photos) | connections(model, photos)
    p1 = math.e / (math.e + 1 / math.e)
    p2 = 1 - p1
    mean, size = (p1 - p2) / 2, (p1 + p2) / 2
    torch.testing.assert_close(found["means"]["0.weight"], torch.tensor([[mean], [-mean]]))
    torch.testing.assert_close(found["sizes"]["0.weight"], torch.tensor([[size], [size]]))
    weight, seen = torch.tensor([[2.0], [-3.0]]), evidence.of(found, "0.weight")
    torch.testing.assert_close(scores.taylor(weight, torch.Generator(), seen), torch.tensor([[2 * size], [3 * size]]))
    torch.testing.assert_close(scores.snip(weight, torch.Generator(), seen), torch.tensor([[2 * mean], [3 * mean]]))


def test_connections_take_the_batch_and_leave_the_network_as_it_was():
    """Batch norms in training, as torch's own, dropout off; a last batch of fewer photos counts for fewer."""
    model = build("cnn", 10, PX, 1)
    state = {k: v.clone() for k, v in model.state_dict().items()}
    photos = [*batches(2, 4), *batches(1, 6)]
    found = connections(model, photos)["means"]
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    assert model.training and all(p.grad is None for p in model.parameters())
    mine = build("cnn", 10, PX, 1).train()
    for module in mine.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    for x, y in photos:
        (F.cross_entropy(mine(x), y) * len(y) / 14).backward()
    for name in ("conv1.weight", "conv6.weight", "fc2.weight"):
        torch.testing.assert_close(found[name], mine.get_parameter(name).grad, rtol=1e-3, atol=1e-6)


def test_batch_norms_that_training_holds_still_stay_as_they_are():
    """All of them held: the gradient of a photo does not depend on its batch, and is that of predicting."""
    model = network("resnet18").eval()
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    whole, parts = (connections(model, batches(3, size) if size == 4 else [joined()], held=norms) for size in (4, 12))
    for x, y in batches():
        (F.cross_entropy(model(x), y) / 3).backward()
    name = "body.layer1.0.conv1.weight"
    torch.testing.assert_close(whole["means"][name], parts["means"][name], rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(whole["means"][name], model.get_parameter(name).grad, rtol=1e-3, atol=1e-6)


def joined() -> tuple[Tensor, Tensor]:
    x, y = zip(*batches(), strict=True)
    return torch.cat(x), torch.cat(y)


def test_bends_against_the_whole_hessian():
    """Two layers of seven weights: H is written out by torch, g too, both of the mean loss over all photos."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Tanh(), nn.Linear(2, 2, bias=False))
    x, y = torch.randn(6, 2), torch.tensor([0, 1, 1, 0, 1, 0])
    photos = [(x[:3], y[:3]), (x[3:], y[3:])]
    found = bends(model, lambda: photos, temperature=1.0)["bends"]

    def loss(flat: Tensor) -> Tensor:
        return F.cross_entropy(torch.tanh(x @ flat[:4].view(2, 2).T) @ flat[4:].view(2, 2).T, y)

    flat = torch.cat([p.detach().flatten() for p in model.parameters()])
    hessian, gradient = torch.autograd.functional.hessian(loss, flat), torch.func.grad(loss)(flat)
    mine = torch.cat([found["0.weight"].flatten(), found["2.weight"].flatten()])
    torch.testing.assert_close(mine, hessian @ gradient, rtol=1e-4, atol=1e-7)
    rated = scores.grasp(model[0].weight, torch.Generator(), {"bends": found["0.weight"]})
    torch.testing.assert_close(rated, flat[:4].view(2, 2) * (hessian @ gradient)[:4].view(2, 2), rtol=1e-4, atol=1e-7)


def test_what_goes_by_grasp_leaves_the_larger_gradient():
    """Its claim, to first order: ‖∇L‖² after a small step of w towards zero falls where the score is positive."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(3, 4, bias=False), nn.Tanh(), nn.Linear(4, 2, bias=False)).double()
    photos = [(torch.randn(8, 3).double(), torch.randint(0, 2, (8,)))]
    rated = scores.grasp(
        model[0].weight,
        torch.Generator(),
        {"bends": bends(model, lambda: photos, temperature=1.0)["bends"]["0.weight"]},
    )

    def length() -> float:
        own = torch.autograd.grad(F.cross_entropy(model(photos[0][0]), photos[0][1]), list(model.parameters()))
        return sum(float(g.square().sum()) for g in own)

    before, step = length(), 1e-4
    for place in range(12):
        with torch.no_grad():
            w = model[0].weight.view(-1)[place].item()
            model[0].weight.view(-1)[place] = w * (1 - step)
        change = (length() - before) / step
        with torch.no_grad():
            model[0].weight.view(-1)[place] = w
        assert change == pytest.approx(-2 * float(rated.view(-1)[place]), rel=1e-2, abs=1e-7)


class Gate(nn.Module):
    """What gates differentiate by, made real: a number a channel, 1, that the output is multiplied with."""

    def __init__(self, inner: nn.Module, width: int) -> None:
        super().__init__()
        self.inner, self.open = inner, nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.inner(x) * self.open.view(1, -1, *[1] * (x.dim() - 2))
        return out


@pytest.mark.parametrize(("name", "where"), [("cnn", "the first convolution"), ("resnet18", "body.layer2.0.bn1")])
def test_gates_are_gradients_of_real_gates(name: str, where: str):
    model = network(name)
    if name == "cnn":
        where = next(n for n, m in model.named_modules() if isinstance(m, nn.Conv2d))
    found = gradients(model, batches())
    mine = found["filters" if name == "cnn" else "gates"][where]
    gate = Gate(model.get_submodule(where), len(mine))
    parent, _, leaf = where.rpartition(".")
    setattr(model.get_submodule(parent), leaf, gate)
    model.eval()
    total = torch.zeros(len(mine))
    for x, y in batches():
        (gradient,) = torch.autograd.grad(F.cross_entropy(model(x), y), [gate.open])
        total += gradient.square()
    torch.testing.assert_close(mine, total / 3, rtol=1e-3, atol=1e-9)


def test_the_network_is_left_as_it_was_and_the_file_says_the_same(tmp_path: Path):
    model = network("resnet18")
    model.body.bn1.eval()
    next(model.parameters()).requires_grad_(False)
    state = {k: v.clone() for k, v in model.state_dict().items()}
    modes, wanted = [m.training for m in model.modules()], [p.requires_grad for p in model.parameters()]
    seen: list[int] = []
    found = gradients(model, batches(), progress=seen.append)
    assert seen == [4, 8, 12]
    assert [m.training for m in model.modules()] == modes and [p.requires_grad for p in model.parameters()] == wanted
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    evidence.save(found, tmp_path)
    again = evidence.load(tmp_path)
    for kind in ("squares", "gates", "filters"):
        one, other = found[kind], again[kind]
        assert one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)
    with pytest.raises(ValueError, match="at least one batch"):
        gradients(model, [])


def test_a_channel_that_nothing_reads_is_worth_nothing():
    """Two filters of a layer are cut off from what follows: their Taylor scores are exactly 0. Of the others only
    those are that ReLU keeps shut."""
    model = network("resnet18")
    with torch.no_grad():
        model.body.layer2[0].conv2.weight[:, [3, 77]] = 0
    found = [g for g in channels.trace(model, torch.zeros(1, 3, PX, PX)).groups if "body.layer2.0.conv1" in g.layers]
    rated = channel_scores.filter_taylor(found, {}, gradients(model, batches()))[found[0].name]
    zero = (rated == 0).nonzero().reshape(-1).tolist()
    assert {3, 77} <= set(zero) and len(zero) < 0.2 * len(rated)


def plain(name: str, size: int) -> Group:
    """One layer of `size` filters that nothing follows."""
    return Group(name, (name,), size, False, (Part(f"{name}.weight", 0, torch.arange(size)),))


def two(sizes: tuple[int, int] = (4, 4)) -> tuple[Traced, tuple[Group, ...]]:
    groups = (plain("a", sizes[0]), plain("b", sizes[1]))
    shapes = {"a.weight": (sizes[0], 1), "b.weight": (sizes[1], 1)}
    return Traced(groups, {}, shapes, {"a.weight": 10, "b.weight": 1}), groups


def test_one_ranking_by_hand():
    """Means 2 and 20: over them a stands at ½, ½, 1, 2 and b at ½, 1, 1, 3/2. Three of eight below 1."""
    traced, groups = two()
    rated = {"a": torch.tensor([1.0, 1, 2, 4]), "b": torch.tensor([10.0, 20, 20, 30])}
    found = ranking.reach_ranked(traced, groups, rated, 0.3, "filters", 1)
    assert found.counts == {"a": 2, "b": 3}
    assert (found.macs, found.macs_dense, found.params, found.params_dense) == (23, 44, 5, 8)
    # half of the multiply-adds: 22 of 44; the next threshold leaves a with one filter and b with one
    found = ranking.reach_ranked(traced, groups, rated, 0.5, "macs", 1)
    assert found.counts == {"a": 1, "b": 1} and found.macs == 11


def test_one_ranking_of_scores_as_they_are():
    """The same scores undivided: 1, 1, 2, 4 and 10, 20, 20, 30. Five of eight below 20; one of a layer stays."""
    traced, groups = two()
    rated = {"a": torch.tensor([1.0, 1, 2, 4]), "b": torch.tensor([10.0, 20, 20, 30])}
    found = ranking.reach_ranked(traced, groups, rated, 0.5, "filters", 1, as_they_are=True)
    assert found.counts == {"a": 1, "b": 3}


def test_layers_of_another_unit_count_the_same_and_leave_it_to_their_group():
    """Means 2 and 20: half of 1 + 1, of ½ + ½ … times 11."""
    found = mixed([torch.tensor([1.0, 3]), torch.tensor([10.0, 30])])
    torch.testing.assert_close(found, torch.tensor([5.5, 16.5]))
    assert torch.equal(mixed([torch.tensor([1.0, 3])]), torch.tensor([1.0, 3]))
    assert mixed([torch.zeros(2), torch.zeros(2)]).tolist() == [0, 0]


def test_a_twentieth_of_a_group_stays_and_widths_are_multiples():
    traced, groups = two((64, 64))
    rated = {"a": torch.ones(64), "b": torch.linspace(1, 2, 64)}
    rated["a"][:60] = 1e-6
    found = ranking.reach_ranked(traced, groups, rated, 0.4, "filters", 8)
    assert found.counts["a"] == 8 and found.counts["b"] % 8 == 0
    assert sum(found.counts.values()) <= 128 - 51
    with pytest.raises(UserError, match=r"5 % of the multiply-adds cannot be reached by one ranking: 12\.5"):
        ranking.reach_ranked(traced, groups, rated, 0.05, "macs", 8)
