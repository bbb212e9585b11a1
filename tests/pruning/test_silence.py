"""A cut compared with the dense network whose channels are silenced: what is right passes, what is wrong is seen."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from secateur.errors import StepFailed
from secateur.models.build import build
from secateur.pruning import channels, silence
from secateur.pruning.groups import Group, Part
from secateur.steps import agreeing

PX = 32


def lively(model: nn.Module) -> nn.Module:
    """With norms, biases and scales that do something."""
    torch.manual_seed(4)
    with torch.no_grad():
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            if tensor.dim() == 1 and tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5) if "var" in name or "weight" in name else tensor.uniform_(-0.5, 0.5)
    return model.eval()


class Selecting(nn.Module):
    """A selective kernel: what chooses between two paths has 2C outputs, viewed as (2, C)."""

    def __init__(self, c: int = 8) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, c, 3, padding=1), nn.Conv2d(3, c, 5, padding=2)
        self.select, self.fc = nn.Conv2d(c, 2 * c, 1), nn.Linear(c, 4)

    def forward(self, x: Tensor) -> Tensor:
        paths = torch.stack([self.one(x).relu(), self.two(x).relu()], 1)
        n, two, c = paths.shape[:3]
        chosen = self.select(paths.sum(1).mean((2, 3), keepdim=True)).view(n, two, c, 1, 1).softmax(1)
        out: Tensor = self.fc((paths * chosen).sum(1).mean((2, 3)))
        return out


def of_selecting(select: Tensor, c: int = 8) -> Group:
    """The one group of it, with `select` (2C,) as the owners of what chooses."""
    each = torch.arange(c)
    parts = [Part(f"{n}.{leaf}", 0, each) for n in ("one", "two") for leaf in ("weight", "bias")]
    parts += [Part("select.weight", 0, select), Part("select.bias", 0, select)]
    parts += [Part("select.weight", 1, each), Part("fc.weight", 1, each)]
    return Group("one", ("one", "two", "select"), c, False, tuple(parts))


KEPT = {"one": [0, 2, 3, 6]}


def test_a_cut_that_is_right_agrees_and_leaves_the_network_as_it_was():
    model, x = lively(Selecting()), torch.rand(8, 3, 6, 6)
    before = copy.deepcopy(model.state_dict())
    seen = silence.agreement(model.train(), [of_selecting(torch.arange(8).repeat(2))], KEPT, x)
    assert seen.agrees and seen.bits == 32 and seen.difference < 1e-5
    assert model.training
    assert all(torch.equal(t, before[n]) for n, t in model.state_dict().items())


def test_the_owners_that_selective_kernels_were_given_fail_the_row():
    """[0, 0, 1, 1, …] for 2C outputs viewed as (2, C): the network ran on, and its answers were off by a third."""
    model, x = lively(Selecting()), torch.rand(8, 3, 6, 6)
    group = of_selecting(torch.arange(8).repeat_interleave(2))
    seen = silence.agreement(model, [group], KEPT, x)
    assert not seen.agrees and seen.bits == 64 and seen.difference > 1e-3
    with pytest.raises(StepFailed, match=r"not the dense one .* on 8 photos its logits differ by 0\.\d+ of the larg"):
        agreeing.cut(model, [group], KEPT, x)


@pytest.mark.parametrize("side", ["writer", "reader", "norm"])
def test_one_wrong_owner_on_any_side_is_seen(side: str):
    model = lively(build("resnet18", 10, PX, 1))
    groups = channels.trace(model, torch.zeros(1, 3, PX, PX)).groups
    group = next(g for g in groups if len(g.layers) == 1)
    wanted = {
        "writer": lambda p: p.dim == 0 and p.tensor == f"{group.name}.weight",
        "reader": lambda p: p.dim == 1,
        "norm": lambda p: p.tensor.endswith("running_mean"),
    }[side]
    swapped = [Part(p.tensor, p.dim, p.owner.roll(1)) if wanted(p) else p for p in group.parts]
    wrong = Group(group.name, group.layers, group.size, group.hidden, tuple(swapped))
    kept = {group.name: list(range(0, group.size, 2))}
    x = torch.rand(8, 3, PX, PX)
    assert silence.agreement(model, [group], kept, x).agrees
    assert not silence.agreement(model, [wrong], kept, x).agrees


@pytest.mark.parametrize("backbone", ["cnn", "tf_efficientnet_b0", "convnext_atto", "mobilenetv3_small_050"])
def test_true_cuts_agree(backbone: str):
    model = lively(build(backbone, 10, PX, 1))
    groups = channels.trace(model, torch.zeros(1, 3, PX, PX)).groups
    kept = {g.name: list(range(0, g.size, 2)) for g in groups}
    seen = silence.agreement(model, groups, kept, torch.rand(8, 3, PX, PX))
    assert seen.agrees and seen.difference < 1e-4


def test_rounding_that_float32_cannot_tell_from_a_fault_is_settled_in_float64(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(silence, "ALLOWED", 0.0)
    right = of_selecting(torch.arange(32).repeat(2), 32)
    seen = silence.agreement(lively(Selecting(32)), [right], KEPT, torch.rand(8, 3, 6, 6))
    assert seen.agrees and seen.bits == 64 and 0 < seen.difference < 1e-12


def test_logits_that_are_no_numbers_are_no_agreement():
    model = lively(Selecting())
    with torch.no_grad():
        model.fc.bias.fill_(float("nan"))
    right = of_selecting(torch.arange(8).repeat(2))
    assert not silence.agreement(model, [right], KEPT, torch.rand(8, 3, 6, 6)).agrees
