"""What layers are given, counted by unfolding; what channels add, and the greedy search over it, by brute force."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from secateur.models.build import build
from secateur.models.torchvision_shim import import_torchvision
from secateur.pruning import activations, channel_scores, channels, refit, thinet
from secateur.pruning.groups import Group, Part

import_torchvision()  # before timm
from timm.layers import Conv2dSame  # noqa: E402


def photos(n: int = 2, size: int = 4, channels_: int = 4, px: int = 9) -> list[tuple[Tensor, Tensor]]:
    chance = torch.Generator().manual_seed(5)
    return [(torch.randn(size, channels_, px, px, generator=chance), torch.zeros(size)) for _ in range(n)]


LAYERS = {
    "padded": nn.Conv2d(4, 6, 3, padding=1),
    "strided and dilated": nn.Conv2d(4, 6, 3, stride=2, dilation=2, padding=(2, 1)),
    "grouped": nn.Conv2d(4, 6, (3, 2), groups=2),
    "depthwise": nn.Conv2d(4, 4, 3, groups=4, padding=1),
    "same": nn.Conv2d(4, 6, 3, padding="same"),
    "timm's same": Conv2dSame(4, 6, 3, stride=2),
    "1×1": nn.Conv2d(4, 6, 1),
}


@pytest.mark.parametrize("name", LAYERS)
def test_inputs_are_the_mean_squares_of_unfolded_photos(name: str):
    layer = LAYERS[name]
    found = activations.inputs(nn.Sequential(layer), photos())["inputs"]["0.weight"]
    x = torch.cat([x for x, _ in photos()])
    if name == "timm's same":  # 9 px by 2: 5 places reach over 11
        x, pad = F.pad(x, (1, 1, 1, 1)), 0
    else:
        pad = 1 if name == "same" else layer.padding
    spread = F.unfold(x, layer.kernel_size, layer.dilation, pad, layer.stride)  # (n, i·k·k, places)
    wanted = spread.square().mean((0, 2)).reshape(4, *layer.kernel_size)
    torch.testing.assert_close(found, wanted)


def test_inputs_of_a_dense_layer():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4 * 81, 3))
    x = torch.cat([x for x, _ in photos()]).flatten(1)
    torch.testing.assert_close(activations.inputs(model, photos())["inputs"]["1.weight"], x.square().mean(0))
    with pytest.raises(ValueError, match="at least one batch"):
        activations.inputs(model, [])


def test_shares_of_the_channels_add_up_to_the_output():
    """Each sampled output, less its bias, is the sum of what the channels add: zᵀ1 is an output of the layer."""
    torch.manual_seed(0)
    for layer in (nn.Conv2d(4, 6, 3, stride=2, padding=1, bias=False), Conv2dSame(4, 6, 3, stride=2, bias=False)):
        x = photos()[0][0]
        out = layer(x)
        z = activations._shares(layer, x, out, torch.Generator().manual_seed(1))
        assert z.shape == (activations.PLACES * 4, 4)
        possible = [out[i].flatten() for i in range(4)]
        for row, total in enumerate(z.sum(1)):
            assert (possible[row // activations.PLACES] - total).abs().min() < 1e-5


def test_the_greedy_search_is_luos_algorithm_written_out():
    z = torch.randn(50, 7, generator=torch.Generator().manual_seed(6)).double()
    order = thinet.turns(z.T @ z).argsort().tolist()
    gone: list[int] = []
    while len(gone) < 7:
        costs = {c: float(z[:, [*gone, c]].sum(1).square().sum()) for c in range(7) if c not in gone}
        gone.append(min(costs, key=lambda c: costs[c]))
    assert order == gone


def test_the_first_to_go_is_the_best_by_brute_force():
    z = torch.randn(40, 6, generator=torch.Generator().manual_seed(7)).double()
    rated = thinet.turns(z.T @ z)
    best = min(range(6), key=lambda c: float(z[:, c].square().sum()))
    assert rated.argmin() == best
    two = min(itertools.combinations(range(6), 2), key=lambda t: float(z[:, list(t)].sum(1).square().sum()))
    found = rated.argsort()[:2]
    cost = [float(z[:, list(t)].sum(1).square().sum()) for t in (two, found)]
    assert cost[1] <= 4 * cost[0]  # greedy is no optimum, and near one


def test_samples_are_gathered_where_a_groups_channels_are_read():
    """Two channels of equal and opposite share go as a pair before any other: their sum moves nothing."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Conv2d(4, 5, 3, padding=1), nn.ReLU(), nn.Conv2d(5, 3, 3)).eval()
    with torch.no_grad():
        model[0].weight[3], model[0].bias[3] = model[0].weight[1], model[0].bias[1]
        model[2].weight[:, 3] = -model[2].weight[:, 1]
    found = channels.trace(model, torch.zeros(1, 4, 9, 9)).groups
    evidence = activations.samples(model, found, photos())
    gram = evidence["grams"][found[0].name]
    assert gram.shape == (5, 5)
    torch.testing.assert_close(gram[1], -gram[3], rtol=1e-4, atol=1e-9)
    rated = thinet.thinet(found[:1], {}, evidence)[found[0].name]
    first = int(rated.argmin())
    if first in (1, 3):
        assert {int(i) for i in rated.argsort()[:2]} == {1, 3}
    else:
        assert abs(float(rated[1] - rated[3])) == 1  # once one of them goes, the other is next


def test_activations_are_those_that_the_next_layer_reads():
    model = build("cnn", 10, 16, seed=1)
    torch.manual_seed(2)
    with torch.no_grad():
        model.bn1.weight.uniform_(0.1, 2)
    found = channels.trace(model, torch.zeros(1, 3, 16, 16)).groups
    given = photos(channels_=3, px=16)
    rated = channel_scores.activation(found, {}, activations.inputs(model, given))["conv1"]
    model.eval()
    x = torch.cat([x for x, _ in given])
    wanted = torch.relu(model.bn1(model.conv1(x))).square().sum((0, 2, 3))
    # padding adds zeros to some kernel places: the order of channels is what counts, and nearly their size
    ratio = rated.square() / wanted
    assert (rated.argsort() == wanted.argsort()).float().mean() > 0.9
    assert ratio.std() / ratio.mean() < 0.05


def test_silent_channels_are_those_that_are_zero_most_often():
    """1 − APoZ, counted on the ReLU's own outputs; padding takes the same from all channels."""
    model = build("cnn", 10, 16, seed=1)
    torch.manual_seed(2)
    with torch.no_grad():
        model.bn1.bias.uniform_(-0.4, 0.4)
    found = channels.trace(model, torch.zeros(1, 3, 16, 16)).groups
    given = photos(channels_=3, px=16)
    rated = channel_scores.alive(found, {}, activations.alive(model, given))["conv1"]
    model.eval()
    x = torch.cat([x for x, _ in given])
    wanted = (torch.relu(model.bn1(model.conv1(x))) > 0).float().mean((0, 2, 3))
    inside = 1 - (4 * 16 * 3 - 4) / (9 * 16 * 16)  # the part of the kernels' places that is no padding
    torch.testing.assert_close(rated, wanted * inside, rtol=0.05, atol=0.01)
    assert (rated.argsort() == wanted.argsort()).float().mean() > 0.7
    assert 0.05 < float(wanted.min()) < float(wanted.max()) < 0.95


def test_a_group_that_nothing_reads_is_refused():
    alone = Group("a", ("a",), 3, False, (Part("a.weight", 0, torch.arange(3)),))
    with pytest.raises(Exception, match="no layer reads"):
        channel_scores.activation([alone], {}, {"inputs": {}})
    with pytest.raises(Exception, match="no layer reads"):
        thinet.thinet([alone], {}, {"grams": {"a": torch.zeros(3, 3)}})


def test_thinets_least_squares_are_refits():
    """Of five inputs, two of them copies: without the copy the fitted layer says all that it said (eq. 7)."""
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(5, 5, bias=False), nn.Linear(5, 2))
    with torch.no_grad():
        model[0].weight[4] = 2 * model[0].weight[0]
    x = torch.randn(400, 5)
    before = model(x).detach()
    stay = torch.tensor([[True, True, True, True, False]])
    refit.refit(model, {"1": stay}, lambda: [(x, torch.zeros(400))])
    with torch.no_grad():
        model[1].weight[:, 4] = 0
    assert (model(x) - before).abs().max() < 0.01 * before.abs().max()
