"""SynFlow: scores by hand, conservation, and no layer emptied where others are."""

from __future__ import annotations

import torch
from torch import nn

from secateur.models import prunable
from secateur.models.build import build
from secateur.pruning import masks, scores, synflow


def test_one_round_by_hand():
    """Two inputs of one, two hidden units, one output: R = Σ_h |v_h| (|w_h1| + |w_h2|); scores are its terms."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1, bias=False))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([[1.0, -2.0], [3.0, 4.0]]))
        model[1].bias.fill_(100.0)  # no bias flows
        model[3].weight.copy_(torch.tensor([[-10.0, 1.0]]))
    # |v w|: first unit 10, 20; second 3, 4; of v: 30, 7. The lowest third of six: 3, 4
    weights = prunable.weights(model)
    before = {n: w.clone() for n, w in weights.items()}
    found = synflow.synflow(model, weights, 1 / 3, torch.zeros(1, 2), rounds=1)
    assert found["1.weight"].tolist() == [[True, True], [False, False]]
    assert found["3.weight"].tolist() == [[True, True]]
    # a second look sees that the second unit is dead: its v is worth nothing now, and goes before 10
    found = synflow.synflow(model, weights, 0.5, torch.zeros(1, 2), rounds=2)
    assert found["3.weight"].tolist() == [[True, False]]
    assert found["1.weight"].tolist() == [[True, True], [False, False]]
    assert all(torch.equal(w, before[n]) for n, w in weights.items())


def flows(model: nn.Module, px: int) -> dict[str, float]:
    linear = synflow._linear(model)
    linear(torch.ones(1, 3, px, px, dtype=torch.float64)).sum().backward()
    weights = {n: p for n, p in linear.named_parameters() if n.endswith("weight") and p.dim() > 1}
    return {n: float((p.grad * p.detach()).abs().sum()) for n, p in weights.items()}


def test_what_flows_into_a_layer_flows_out_of_it():
    """Theorem 1: the scores of every layer have one sum; batch norms and their shifts take nothing away."""
    for name, options in (("cnn", None), ("resnet18", {"pool": "avg", "head": "linear"})):
        model = build(name, 10, 32, 1, options)
        torch.manual_seed(3)
        with torch.no_grad():
            for tensor in [*model.parameters(), *model.buffers()]:
                if tensor.dim() == 1 and tensor.is_floating_point():
                    tensor.uniform_(0.1, 1.5)
        found = flows(model, 32)
        own = [v for n, v in found.items() if name == "cnn" or n in ("body.conv1.weight", "head.fc.weight")]
        assert len(own) >= 1 and max(own) / min(own) - 1 < 1e-6, found


def test_no_layer_is_emptied_at_extreme_sparsity():
    model = build("cnn", 10, 32, 1)
    weights = prunable.weights(model)
    found = synflow.synflow(model, weights, 0.999, torch.zeros(1, 3, 32, 32))
    assert all(bool(m.any()) for m in found.values())
    assert sum(int((~m).sum()) for m in found.values()) == masks.count(0.999, sum(m.numel() for m in found.values()))
    by_size = masks.lowest({n: scores.magnitude(w, torch.Generator()) for n, w in weights.items()}, 0.999, "global")
    assert not all(bool(m.any()) for m in by_size.values())  # the control: magnitudes cut it in two


def test_networks_that_are_not_linear_are_followed_too():
    """Lite0's ReLU6 would clip what flows; B0's gates are not followed to infinity."""
    for name in ("tf_efficientnet_lite0", "tf_efficientnet_b0", "mobilenetv3_small_100"):
        model = build(name, 10, 64, 1, {"pool": "avg", "head": "linear"})
        weights = prunable.weights(model)
        found = synflow.synflow(model, weights, 0.9, torch.zeros(1, 3, 64, 64), rounds=3)
        assert all(bool(m.any()) for n, m in found.items() if ".se." not in n)
