"""One gradient by several ways: whole, in micro-batches, recomputed, and the features first."""

from __future__ import annotations

import warnings
from contextlib import nullcontext

import pytest
import torch
from small_nets import BODIES, network, photos
from torch import nn
from torch.nn import functional as F

from secateur.training.backward import backward, pieces
from secateur.training.norms import freezable, live, norms, train_mode
from secateur.training.recompute import blocks, recomputed

WAYS = [(0, True), (3, False), (1, False), (2, True)]  # micro-batch, recomputation


def plain_loss(logits: torch.Tensor, y: torch.Tensor, taught: torch.Tensor | None) -> torch.Tensor:
    return F.cross_entropy(logits, y, label_smoothing=0.1)  # as `loss` says it, in the network's own precision


def run(model: nn.Module, micro: int = 0, again: bool = False, frozen: bool = True):
    """(loss, gradients, statistics after it); the model's statistics are put back."""
    x, y = photos()
    x = x.to(next(model.parameters()).dtype)
    before = {k: v.clone() for k, v in model.named_buffers()}
    model.zero_grad()
    train_mode(model, frozen=frozen)
    value, logits = backward(
        model,
        x,
        y,
        loss=plain_loss,
        seed=lambda *n: torch.manual_seed(sum(n)),
        forward=(lambda: recomputed(model)) if again else nullcontext,
        micro_batch=micro,
    )
    assert logits.shape == (7, 5)
    gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
    after = {k: v.clone() for k, v in model.named_buffers()}
    for name, buffer in model.named_buffers():
        buffer.data.copy_(before[name])
    return float(value), gradients, after


def close(got: dict[str, torch.Tensor], expected: dict[str, torch.Tensor], relative: float = 1e-8) -> None:
    """Of networks of 64-bit floats: in 32 a batch of another size may take another kernel, and an activation that falls
    on the other side of a kink changed a gradient by 0.3 % on a processor without AVX."""
    whole = torch.cat([g.flatten() for g in expected.values()]).norm()
    for name, gradient in expected.items():
        error = (got[name] - gradient).norm()
        assert error <= relative * gradient.norm() + 1e-11 * whole, (name, float(error / gradient.norm()))


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("head", ["linear", "study"])
def test_every_way_gives_the_gradient_of_the_plain_step(body: str, head: str):
    """Frozen batch norms in the body; those of the study's head look at their batch, which stays whole."""
    model = network(body, head).double()
    value, gradients, after = run(model)
    for micro, again in WAYS:
        got, others, statistics = run(model, micro, again)
        assert got == pytest.approx(value, rel=1e-6)  # added up in 32 bits
        close(others, gradients)
        for name, tensor in after.items():
            torch.testing.assert_close(statistics[name], tensor, rtol=1e-8, atol=1e-10, msg=name)


@pytest.mark.parametrize("body", BODIES)
def test_recomputation_counts_live_statistics_once_and_draws_dropout_again(body: str):
    model = network(body, "study", chance=True)
    value, gradients, after = run(model, frozen=False)
    got, others, statistics = run(model, again=True, frozen=False)
    assert got == value
    assert all(torch.equal(others[n], g) for n, g in gradients.items())
    assert all(torch.equal(statistics[n], t) for n, t in after.items())


def test_features_first_counts_live_statistics_of_the_body_once():
    """Three micro-batches through a body whose batch norms look: three updates, although the body runs five times."""
    model = network("resnet18", "study")
    before = int(model.body.bn1.num_batches_tracked)
    _, _, after = run(model, micro=3, frozen=False)
    assert int(after["body.bn1.num_batches_tracked"]) == before + 3
    assert int(after["head.bn1.num_batches_tracked"]) == before + 1


def test_frozen_statistics_do_not_move_and_scale_and_shift_learn():
    model = network("resnet18", "study")
    before = {k: v.clone() for k, v in model.named_buffers()}
    _, gradients, after = run(model)
    assert all(torch.equal(after[k], v) for k, v in before.items() if k.startswith("body."))
    assert not torch.equal(after["head.bn1.running_mean"], before["head.bn1.running_mean"])
    assert gradients["body.bn1.weight"].any() and gradients["body.bn1.bias"].any()


def test_what_is_frozen():
    """The body's of a body and a head; all of a network that is not made so; dropout below a batch norm goes on."""
    model = network("tf_efficientnet_lite0", "study")
    train_mode(model, frozen=True)
    assert freezable(model) == norms(model.body)
    assert live(model) == norms(model.head) != []
    assert all(child.training for norm in norms(model.body) for child in norm.children())
    assert freezable(model.body) == norms(model.body)


@pytest.mark.parametrize(("most", "sizes"), [(0, [7]), (7, [7]), (9, [7]), (3, [3, 2, 2]), (1, [1] * 7)])
def test_pieces_are_as_equal_as_can_be(most: int, sizes: list[int]):
    assert [len(p) for p in pieces(torch.zeros(7, 1), most)] == sizes


@pytest.mark.parametrize(
    ("body", "count"), [("tf_efficientnet_lite0", 16 + 2), ("resnet18", 8), ("vit_tiny_patch16_224", 1 + 12)]
)
def test_the_blocks_of_a_network(body: str, count: int):
    """EfficientNet-Lite0 has 16 inverted residuals, and two batch norms with an activation below
    them; a vision transformer, its patches and 12 blocks."""
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import timm

        assert len(blocks(timm.create_model(body))) == count


def test_a_network_is_as_it_was_after_recomputation():
    model = network("resnet18")
    run(model, again=True)
    assert not [m for m in model.modules() if "forward" in vars(m)]


@pytest.mark.parametrize("body", BODIES)
def test_large_maps_are_recomputed_some_photos_at_a_time(body: str, monkeypatch: pytest.MonkeyPatch):
    model = network(body).double()
    value, gradients, _ = run(model)
    monkeypatch.setattr("secateur.training.recompute.LARGE_MAP", 8 * 8)
    seen: list[int] = []
    first = blocks(model)[0]
    handle = next(iter(first.children())).register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    got, others, _ = run(model, again=True)
    assert seen[:2] == [4, 3] and sum(seen) == 14
    assert got == pytest.approx(value, rel=1e-6)
    close(others, gradients)
    seen.clear()
    run(model, again=True, frozen=False)  # batch norms look at the whole batch
    assert seen == [7, 7]
    handle.remove()
