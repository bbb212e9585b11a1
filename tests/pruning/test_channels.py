"""Whole networks cut: what is coupled, what that computes, and what is refused, in words."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import pytest
import torch
import torch_pruning as tp
from torch import Tensor, nn
from torch.nn import functional as F

from secateur.errors import NotKnown, UserError
from secateur.measure import work
from secateur.models.build import build
from secateur.pruning import channels, groups, scores, silence, widths
from secateur.pruning.cutting import cut_groups
from secateur.pruning.groups import Group, Traced, kept_of

PX = 64
GENERATOR = torch.Generator()
SMALL = (
    "cnn",
    "tf_efficientnet_b0",
    "tf_efficientnet_lite0",
    "mobilenetv2_100",
    "mobilenetv3_large_100",
    "resnet18",
    "resnet50",
    "convnext_atto",
    "convnext_tiny",
)


def network(backbone: str, head: str = "study") -> nn.Module:
    """With norms that do something: fresh ones shift by 0, which would hide a channel left behind."""
    model = build(backbone, 10, PX, seed=3, options=None if backbone == "cnn" else {"pool": "avg", "head": head})
    torch.manual_seed(4)
    with torch.no_grad():
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            if tensor.dim() == 1 and tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5) if "var" in name or "weight" in name else tensor.uniform_(-0.5, 0.5)
    return model.eval()


def example(px: int = PX) -> Tensor:
    return torch.zeros(1, 3, px, px)


def silenced(model: nn.Module, found: Sequence[Group], kept: dict[str, list[int]]) -> nn.Module:
    """The dense network with its unkept channels dead, found without the cut: zero everything that writes them,
    and let layer norms look at the living ones alone."""
    silent = copy.deepcopy(model)
    tensors = dict(silent.named_parameters())
    modules = dict(silent.named_modules())
    with torch.no_grad():
        for group in found:
            alive = kept_of(group, kept)
            for part in group.parts:
                dead = (part.owner >= 0) & ~alive[part.owner]
                if part.dim == 0 and part.tensor in tensors:
                    tensors[part.tensor][dead] = 0
                module = modules[part.tensor.rpartition(".")[0]]
                if isinstance(module, nn.LayerNorm):
                    module.forward = _among(module, (~dead).nonzero().reshape(-1))
    return silent


def _among(norm: nn.LayerNorm, alive: Tensor):
    def forward(x: Tensor) -> Tensor:
        picture = type(norm).__name__ == "LayerNorm2d"
        last = x.movedim(1, -1) if picture else x
        y = torch.zeros_like(last)
        y[..., alive] = F.layer_norm(last[..., alive], (len(alive),), norm.weight[alive], norm.bias[alive], norm.eps)
        return y.movedim(-1, 1) if picture else y

    return forward


@pytest.mark.parametrize("backbone", SMALL)
def test_a_cut_network_computes_what_the_dense_one_does_with_dead_channels(backbone: str):
    model = network(backbone)
    traced = channels.trace(model, example())
    found = groups.cuttable(traced, hidden_units=True)
    reached = widths.reach(traced, found, 0.4, "filters", 4)
    kept = widths.choose(groups.channel_scores(model, found, scores.filter_random, GENERATOR), reached.counts)
    silent = silenced(model, found, kept)
    x = torch.rand(2, 3, PX, PX)
    with torch.no_grad():
        dense, wanted = model(x), silent(x)
        got = cut_groups(model, found, kept)(x)
    assert not torch.allclose(dense, wanted, atol=1e-2)
    assert torch.allclose(got, wanted, rtol=1e-3, atol=1e-4 * float(wanted.abs().max()))


@pytest.mark.parametrize("backbone", SMALL)
def test_the_cost_is_known_before_the_cut_and_met_from_below(backbone: str):
    model = network(backbone, "linear")
    traced = channels.trace(model, example())
    found = groups.cuttable(traced)
    dense = work.profile(model, example(), lambda n, m: "")
    reached = widths.reach(traced, found, 0.5, "macs", 8)
    assert (reached.macs_dense, reached.params_dense) == (dense.macs, dense.parameters)
    assert reached.macs <= dense.macs / 2
    wider = widths.reach(traced, found, round(reached.ratio - 1e-6, 6), "filters", 8)
    assert wider.macs > dense.macs / 2
    kept = widths.choose(groups.channel_scores(model, found, scores.filter_l1, GENERATOR), reached.counts)
    after = work.profile(cut_groups(model, found, kept), example(), lambda n, m: "")
    assert (reached.macs, reached.params) == (after.macs, after.parameters)


def test_parameters_are_a_target_too():
    traced = channels.trace(network("tf_efficientnet_b0"), example())
    reached = widths.reach(traced, groups.cuttable(traced), 0.25, "params", 8)
    assert 0.2 < reached.params / reached.params_dense <= 0.25


def test_every_filter_belongs_to_one_group_or_has_a_reason():
    model = network("mobilenetv3_large_100")
    traced = channels.trace(model, example())
    layers = {n for n, m in model.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)}
    led = [layer for group in traced.groups for layer in group.layers]
    assert len(led) == len(set(led))
    assert set(led) | set(traced.unprunable) == layers
    assert traced.unprunable == {"head.fc3": "its outputs are the classes"}
    assert [g.name for g in traced.groups if g.hidden] == ["head.fc1", "head.fc2"]


def test_what_is_coupled_in_a_block_of_efficientnet():
    traced = channels.trace(network("tf_efficientnet_b0"), example())
    of = {layer: group for group in traced.groups for layer in group.layers}
    block = "body.blocks.2.1"
    assert of[f"{block}.conv_pw"].layers == (f"{block}.conv_pw", f"{block}.conv_dw", f"{block}.se.conv_expand")
    assert of[f"{block}.se.conv_reduce"].layers == (f"{block}.se.conv_reduce",)
    assert of[f"{block}.conv_pwl"].layers == ("body.blocks.2.0.conv_pwl", f"{block}.conv_pwl")


def test_tracing_changes_nothing_and_sees_frozen_layers():
    model = network("resnet18")
    before = copy.deepcopy(model.state_dict())
    model.train().requires_grad_(False)
    traced = channels.trace(model, example())
    assert len(groups.cuttable(traced)) == 12
    assert model.training and not any(p.requires_grad for p in model.parameters())
    assert all(torch.equal(before[n], t) for n, t in model.state_dict().items())
    kept = {g.name: list(range(g.size // 2)) for g in traced.groups}
    assert not any(p.requires_grad for p in cut_groups(model, traced.groups, kept).parameters())


def test_scores_of_coupled_layers_count_alike_and_one_layer_keeps_its_own():
    model = network("mobilenetv2_100")
    found = groups.cuttable(channels.trace(model, example()))
    coupled = next(g for g in found if len(g.layers) == 2)
    alone = next(g for g in groups.cuttable(channels.trace(network("cnn"), example())))
    rated = groups.channel_scores(model, [coupled], scores.filter_l1, GENERATOR)[coupled.name]
    weights = dict(model.named_parameters())
    norms = [scores.filter_l1(weights[f"{n}.weight"], GENERATOR) for n in coupled.layers]
    unit = sum(n.mean() for n in norms) / 2  # theirs, so that groups can be ranked as they are, too
    assert torch.allclose(rated, sum(n / n.mean() for n in norms) / 2 * unit)
    cnn = network("cnn")
    rated = groups.channel_scores(cnn, [alone], scores.filter_l1, GENERATOR)["conv1"]
    assert torch.equal(rated, scores.filter_l1(cnn.conv1.weight, GENERATOR))


def test_the_control_draws_one_number_a_channel():
    model = network("mobilenetv2_100")
    found = groups.cuttable(channels.trace(model, example()))
    rated = groups.channel_scores(model, found, scores.filter_random, torch.Generator().manual_seed(1), control=True)
    drawn = torch.Generator().manual_seed(1)
    for group in found:
        assert torch.equal(rated[group.name], torch.rand(group.size, generator=drawn))


class Rolled(nn.Module):
    """Each channel takes its neighbour's place: the network would run on with the wrong ones, so a trial does not find
    it."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.fc = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.two(self.one(x).roll(1, 1)).mean((2, 3)))


class Shuffled(nn.Module):
    """A channel shuffle: channels go in pairs, one of each half."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.fc = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.one(x)
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        return self.fc(self.two(x).mean((2, 3)))


class Sliced(nn.Module):
    """A fixed number in forward: fewer channels break it."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.fc = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.two(self.one(x) * torch.ones(8, 1, 1, device=x.device)).mean((2, 3)))


class Joined(nn.Module):
    """Concatenation: each branch is a group of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.last = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 6, 3), nn.Conv2d(10, 5, 1)
        self.fc = nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.last(torch.cat([self.one(x), self.two(x)], 1)).mean((2, 3)))


@pytest.mark.parametrize(
    ("model", "stays", "words"),
    [(Rolled(), "one", "an operation runs along its channels"), (Sliced(), "one", "does not run with fewer")],
)
def test_what_cannot_be_followed_stays_with_a_reason(model: nn.Module, stays: str, words: str):
    traced = channels.trace(model.eval(), example(16))
    assert words in traced.unprunable[stays]
    assert [g.name for g in traced.groups] == ["two"]


def test_a_concatenation_is_cut_where_it_belongs():
    model = Joined().eval()
    traced = channels.trace(model, example(16))
    before = model.last.weight.detach().clone()
    cut_groups(model, traced.groups, {"one": [0, 3], "two": [1, 2, 5]})
    assert torch.equal(model.last.weight, before[:, [0, 3, 5, 6, 9]])
    assert model.last.in_channels == 5


def agrees(model: nn.Module, traced: Traced, px: int = PX) -> bool:
    """Half of every group gone, against the silenced network."""
    kept = {g.name: list(range(0, g.size, 2)) for g in traced.groups}
    return silence.agreement(model, traced.groups, kept, torch.rand(2, 3, px, px)).agrees


def of_layers(traced: Traced) -> dict[str, Group]:
    return {layer: group for group in traced.groups for layer in group.layers}


def test_a_channel_shuffle_is_cut_in_pairs():
    model = Shuffled().eval()
    traced = channels.trace(model, example(16))
    owners = {p.tensor: p.owner.tolist() for p in of_layers(traced)["one"].parts if p.dim == 0}
    assert owners["one.weight"] == [0, 1, 2, 3, 0, 1, 2, 3]
    assert agrees(model, traced, 16)


def test_selective_kernels_choose_for_the_channel_that_they_weigh():
    """2C outputs viewed as (2, C) belong to channels 0 … C−1 and again 0 … C−1, not two by two."""
    model = network("skresnet18")
    traced = channels.trace(model, example())
    group = of_layers(traced)["body.layer4.0.conv1.attn.fc_select"]
    (owner,) = (p.owner for p in group.parts if p.tensor == "body.layer4.0.conv1.attn.fc_select.weight" and p.dim == 0)
    paths = [p.owner for p in group.parts if p.tensor.endswith("paths.0.conv.weight") and p.dim == 0]
    assert len(paths) == 1 and torch.equal(owner, paths[0].repeat(2))
    assert traced.unprunable == {"head.fc3": "its outputs are the classes"}
    assert agrees(model, traced)


@pytest.mark.parametrize(("backbone", "groups_of", "width"), [("resnext50_32x4d", 32, 4), ("regnety_002", 3, 8)])
def test_grouped_convolutions_are_cut_by_whole_groups(backbone: str, groups_of: int, width: int):
    model = network(backbone)
    traced = channels.trace(model, example())
    assert traced.unprunable == {"head.fc3": "its outputs are the classes"}
    name = next(n for n, m in model.named_modules() if isinstance(m, nn.Conv2d) and m.groups == groups_of)
    group = of_layers(traced)[name]
    assert (group.size, group.unit()) == (groups_of, width)
    assert agrees(model, traced)
    cut_groups(model, traced.groups, {group.name: [0, 2]})
    layer = model.get_submodule(name)
    assert (layer.groups, layer.in_channels, layer.out_channels) == (2, 2 * width, 2 * width)


def test_attention_is_cut_by_heads_and_by_the_width_of_its_mlp():
    model = build("vit_tiny_patch16_224", 10, 32)
    traced = channels.trace(model, example(32))
    assert traced.unprunable == {"head.fc": "its outputs are the classes"}
    of = of_layers(traced)
    heads = of["body.blocks.0.attn.qkv"]
    assert (heads.layers, heads.size, heads.unit()) == (("body.blocks.0.attn.qkv",), 3, 64)
    owner = next(p.owner for p in heads.parts if p.tensor.endswith("qkv.weight") and p.dim == 0)
    assert torch.equal(owner, torch.arange(3).repeat_interleave(64).repeat(3))
    assert of["body.blocks.0.mlp.fc1"].size == 768
    assert agrees(model, traced, 32)
    cut_groups(model, [heads], {heads.name: [0, 2]})
    attention = model.body.blocks[0].attn
    assert (attention.num_heads, attention.head_dim, attention.proj.in_features) == (2, 64, 128)


def test_a_network_that_mixes_channels_is_refused_in_bounded_time():
    """eca_nfnet sends channels through a convolution over channels, and standardises weights over their inputs; what
    its last convolution says is read by the classifier alone."""
    traced = channels.trace(build("eca_nfnet_l0", 10, PX), example())
    assert [g.name for g in traced.groups if not g.hidden] == ["body.final_conv"]
    assert "standardises its weights over their inputs" in traced.unprunable["body.stages.0.0.conv1"]
    with pytest.raises(UserError, match=r"^nothing to prune: "):
        groups.cuttable(traced, ["body.final_conv"])


@pytest.mark.parametrize("backbone", ["resnet18", "mobilenetv2_100", "efficientnet_b0"])
def test_what_is_coupled_is_what_torch_pruning_couples(backbone: str):
    """Where no axis is split it finds the same, by another way: along autograd's graph."""
    model = network(backbone, "linear")
    traced = channels.trace(model, example())
    graph = tp.DependencyGraph().build_dependency(copy.deepcopy(model), example())
    names = {module: name for name, module in graph.model.named_modules()}
    for group in traced.groups:
        layer = graph.model.get_submodule(group.name)
        theirs = graph.get_pruning_group(layer, tp.prune_conv_out_channels, [1])
        sides = {
            (names[item.dep.target.module], 0 if graph.is_out_channel_pruning_fn(item.dep.handler) else 1)
            for item in theirs
            if isinstance(item.dep.target.module, nn.Conv2d | nn.Linear)
        }
        depthwise = {n for n, m in graph.model.named_modules() if isinstance(m, nn.Conv2d) and m.groups > 1}
        ours = {(p.tensor.removesuffix(".weight"), p.dim) for p in group.parts if p.tensor.endswith(".weight")}
        layers = {(n, d) for n, d in ours if isinstance(graph.model.get_submodule(n), nn.Conv2d | nn.Linear)}
        assert layers == {(n, d) for n, d in sides if not (d == 1 and n in depthwise)}


def test_spared_layers_take_their_group_with_them():
    traced = channels.trace(network("cnn"), example())
    assert [g.name for g in groups.cuttable(traced, ["conv2"])] == ["conv1", "conv3", "conv4", "conv5", "conv6"]
    assert [g.name for g in groups.cuttable(traced, hidden_units=True)][-1] == "fc1"
    with pytest.raises(NotKnown, match="did you mean 'conv2'"):
        groups.cuttable(traced, ["conv22"])
    with pytest.raises(UserError, match="nothing to prune: every layer"):
        groups.cuttable(traced, [f"conv{i}" for i in range(1, 7)])


def test_the_old_way_names_what_it_cannot_cut():
    with pytest.raises(ValueError, match=r"'fc2' cannot be cut: its outputs are the classes"):
        channels.cut(network("cnn"), {"fc2": [0]}, example())


@pytest.fixture(scope="module")
def lite() -> Traced:
    return channels.trace(network("tf_efficientnet_lite0"), example())


@pytest.mark.parametrize(
    ("target", "of", "words"),
    [
        (0.001, "macs", "0.1 % of the multiply-adds cannot be reached by cutting filters: "),
        (0.0, "macs", "must be above 0"),
        (1.5, "params", "a part of the parameters must be above 0 and at most 1, got 1.5"),
        (1.0, "filters", "below 1"),
    ],
)
def test_impossible_targets_are_one_line(lite: Traced, target: float, of: widths.Target, words: str):
    with pytest.raises(UserError, match=words) as caught:
        widths.reach(lite, groups.cuttable(lite), target, of)
    assert "\n" not in str(caught.value)


def test_nothing_asked_is_nothing_cut(lite: Traced):
    reached = widths.reach(lite, groups.cuttable(lite), 1.0, "macs")
    assert reached.ratio == 0
    assert reached.params == reached.params_dense


class Tied(nn.Module):
    """Two layers of one weight, one of which reads what another layer says."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(i, 8, 3, padding=1) for i in (3, 8, 8))
        self.c.weight = self.b.weight
        self.fc = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.fc(self.c(self.b(self.a(x)).relu()).relu().mean((2, 3)))
        return out


def test_layers_that_share_a_weight_keep_their_filters():
    traced = channels.trace(Tied(), torch.zeros(1, 3, 8, 8))
    assert traced.groups == ()
    assert traced.unprunable["c"] == traced.unprunable["a"] == "b and c share one weight"


def test_what_a_network_takes_for_one_number_is_not_cut_apart():
    """EdgeNeXt views all heads of its attention as wide as the block: with halves of everything it runs, with a third
    here and a quarter there it does not."""
    model = build("edgenext_xx_small", 3, 64, 1)
    traced = channels.trace(model, torch.zeros(1, 3, 64, 64))
    chance = torch.Generator().manual_seed(0)
    kept = {
        g.name: sorted(torch.randperm(g.size, generator=chance)[: max(g.size * (1 + i % 3) // 4, 1)].tolist())
        for i, g in enumerate(traced.groups)
    }
    photos = torch.randn(2, 3, 64, 64, generator=chance)
    assert len(traced.groups) > 10 and silence.agreement(model, traced.groups, kept, photos).agrees
    assert cut_groups(model, traced.groups, kept)(photos).shape == (2, 3)
    assert "does not run with fewer" in traced.unprunable["body.stages.1.blocks.1.xca.qkv"]
