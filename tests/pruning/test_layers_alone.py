"""Each layer alone: really pruned, really restored, the same as one by one; and the allocator by hand and by force."""

from __future__ import annotations

import copy
import itertools
from typing import Literal

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from secateur.errors import UserError
from secateur.models import prunable
from secateur.models.build import build
from secateur.pruning import allocate, channels, cutting, groups, masks, ranking, scan, scores, widths
from secateur.pruning.chain import chain
from secateur.pruning.scan import Change

PX = 32
LINEAR = {"pool": "avg", "head": "linear"}


def network(name: str) -> nn.Module:
    model = build(name, 10, PX, 1, None if name == "cnn" else LINEAR)
    torch.manual_seed(2)
    with torch.no_grad():
        for key, tensor in [*model.named_parameters(), *model.named_buffers()]:
            if tensor.dim() == 1 and tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5) if "var" in key or "weight" in key else tensor.uniform_(-0.2, 0.2)
    return model.eval()


def photos(n: int = 3, size: int = 4) -> list[tuple[Tensor, Tensor]]:
    chance = torch.Generator().manual_seed(5)
    return [(torch.randn(size, 3, PX, PX, generator=chance), torch.arange(size)) for _ in range(n)]


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("cnn", 20),
        ("tf_efficientnet_lite0", 20),
        ("tf_efficientnet_b0", 20),
        ("resnet18", 12),
        ("mobilenetv2_100", 20),
        ("mobilenetv3_small_100", 12),
        ("convnext_atto", 10),
    ],
)
def test_a_network_falls_into_stages_that_say_the_same(name: str, least: int):
    model = network(name)
    x = photos()[0][0]
    stages = chain(model, x)
    assert len(stages.stages) >= least
    whole = model(x.clone())
    given = x.clone()
    for i in range(len(stages.stages)):
        torch.testing.assert_close(stages.run(given.clone(), i), whole)
        given = stages.run(given, i, i + 1)
    for parameter, _ in model.named_parameters():
        assert parameter.startswith(stages.names[stages.stage_of(parameter)])


class Branches(nn.Module):
    """No chain: what the first layer says is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.a(x)
        return y + self.b(y)


def test_what_branches_stays_whole():
    assert chain(Branches(), torch.zeros(1, 3, 4, 4)).names == ("",)
    both = nn.Sequential(nn.Conv2d(3, 3, 1), Branches(), nn.Flatten())
    assert chain(both, torch.randn(1, 3, 4, 4)).names == ("0", "1", "2")


@pytest.mark.parametrize("name", ["cnn", "tf_efficientnet_lite0", "resnet18"])
def test_the_scan_is_the_naive_one_and_leaves_nothing_behind(name: str, monkeypatch: pytest.MonkeyPatch):
    model = network(name)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    weights = dict(list(prunable.weights(model).items())[::4])
    rated = {n: scores.magnitude(w, torch.Generator()) for n, w in weights.items()}
    changes = [
        Change(n, s, {n: lambda n=n, s=s: masks.lowest({n: rated[n]}, s, "layer")[n].float()})
        for n in weights
        for s in (0.5, 0.9)
    ]
    monkeypatch.setattr(scan, "CACHE_BYTES", 1)  # every batch waits by itself
    dense, said = scan.scan(model, chain(model, photos()[0][0]), changes, photos())
    x, y = (torch.cat(t) for t in zip(*photos(), strict=True))
    with torch.no_grad():
        torch.testing.assert_close(dense.loss, F.cross_entropy(model(x), y, reduction="none"))
        for change, mine in zip(changes, said, strict=True):
            alone = copy.deepcopy(model)
            (parameter,) = change.masks
            dict(alone.named_parameters())[parameter].mul_(change.masks[parameter]())
            logits = alone(x)
            torch.testing.assert_close(mine.loss, F.cross_entropy(logits, y, reduction="none"), rtol=1e-5, atol=1e-5)
            assert torch.equal(mine.right, logits.argmax(1) == y)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


@pytest.mark.parametrize("name", ["cnn", "tf_efficientnet_b0", "resnet18", "mobilenetv3_small_100"])
def test_channels_that_nothing_reads_are_as_good_as_cut(name: str):
    model = network(name)
    x = photos()[0][0]
    named = dict(model.named_parameters())
    found = channels.trace(model, torch.zeros(1, 3, PX, PX)).groups
    for group in found[:: max(len(found) // 4, 1)]:
        behind, why = scan.readers(model, group)
        assert not why
        gone = list(range(0, group.size, 3))
        silent = {n: (lambda n=n, o=o, g=gone: scan.without(o, g, named[n])) for n, o in behind.items()}
        with torch.no_grad():
            with scan._changed(named, Change(group.name, 0.3, silent)):
                quiet = model(x)
            cut = copy.deepcopy(model)
            cutting.cut_groups(cut, (group,), {group.name: [c for c in range(group.size) if c not in gone]})
            torch.testing.assert_close(quiet, cut(x), rtol=1e-4, atol=1e-5)


def test_channels_that_are_normalised_together_are_left():
    model = network("convnext_atto")
    whys = {scan.readers(model, g)[1] for g in channels.trace(model, torch.zeros(1, 3, PX, PX)).groups}
    assert "its channels are normalised together" in whys


def test_hull_by_hand():
    """The point at 0.5 lies above the line from 0.25 to 0.75; a fall counts as none."""
    assert allocate.hull([(0.25, -0.1), (0.5, 0.3), (0.75, 0.4)]) == [(0, 0), (0.25, 0), (0.75, 0.4)]
    assert allocate.hull([(0.5, 0.4), (0.9, 0.2)]) == [(0, 0), (0.9, 0.4)]


def test_the_allocator_spends_where_it_is_cheapest_by_force():
    """Convex curves of three layers of four: every way to prune six of twelve is tried."""
    curves = {
        "a": [(0.25, 0.1), (0.5, 0.3), (0.75, 0.9)],
        "b": [(0.25, 0.05), (0.5, 0.1), (0.75, 0.15)],
        "c": [(0.25, 0.2), (0.5, 0.5), (0.75, 1.5)],
    }
    sizes = dict.fromkeys(curves, 4)
    found = allocate.weights(curves, sizes, 6)

    def costs(counts: dict[str, int]) -> float:
        return sum(([0.0] + [r for _, r in curves[n]])[c] for n, c in counts.items())

    ways = [dict(zip("abc", w, strict=True)) for w in itertools.product(range(4), repeat=3) if sum(w) == 6]
    assert sum(found.values()) == 6
    assert costs(found) == pytest.approx(min(costs(w) for w in ways))
    with pytest.raises(UserError, match=r"up to 75\.0% cannot say how to prune more"):
        allocate.weights(curves, sizes, 10)


def test_prices_rise_and_count_what_a_channel_saves():
    paid = allocate.prices([(0.5, 0.2), (0.75, 0.5)], 8, 10.0)
    assert paid.tolist() == pytest.approx([0.005] * 4 + [0.015] * 2 + [float("inf")] * 2)
    assert (paid[1:6] > paid[:5]).all()
    assert allocate.prices([], 4, 1.0).isinf().all()  # what was not scanned goes last


@pytest.mark.parametrize(("of", "target"), [("params", 0.685), ("macs", 0.5), ("filters", 0.4)])
def test_of_the_last_piece_as_many_channels_go_as_the_target_asks_for(of: Literal["params", "macs", "filters"], target):
    """One channel more in any group would miss it, though a piece of a curve holds many."""
    model = build("cnn", 10, 32, seed=0)
    traced = channels.trace(model, torch.zeros(1, 3, 32, 32))
    found = groups.cuttable(traced, (), True)
    curve = [(0.25, 0.02), (0.5, 0.2), (0.75, 0.9)]
    priced = {g.name: allocate.prices(curve, g.size, 1.0 + i) for i, g in enumerate(found)}
    made = ranking.reach_ranked(traced, found, priced, target, of, 1, as_they_are=True)

    def meets(counts: dict[str, int]) -> bool:
        macs, params = widths.cost(traced, found, counts)
        gone = sum(g.size - counts[g.name] for g in found)
        asked = {"macs": macs / made.macs_dense, "params": params / made.params_dense}
        return gone >= masks.floor(target, sum(g.size for g in found)) if of == "filters" else asked[of] <= target

    assert meets(made.counts)
    last = max(
        (float(priced[g.name][g.size - made.counts[g.name] - 1]), g.name) for g in found if made.counts[g.name] < g.size
    )
    assert not meets(made.counts | {last[1]: made.counts[last[1]] + 1})


def test_erk_by_hand():
    """Two layers of 4×4 and 2×16: sides over products ½ and 9/16, so densities stand as 8 to 9; half of 48 stay."""
    found = allocate.erk({"a": (4, 4), "b": (2, 16)}, 0.5)
    assert sum(found.values()) == 24
    scale = 24 / (16 * 0.5 + 32 * 9 / 16)
    assert 16 - found["a"] == round(0.5 * scale * 16)


def test_erk_keeps_whole_what_would_be_more_than_dense():
    found = allocate.erk({"small": (2, 2), "wide": (100, 100)}, 0.5)
    assert found["small"] == 0 and found["wide"] == masks.count(0.5, 10004)
    weights = prunable.weights(build("cnn", 10, 16, seed=1))
    going = allocate.erk({n: tuple(w.shape) for n, w in weights.items()}, 0.9)
    assert sum(going.values()) == masks.count(0.9, sum(w.numel() for w in weights.values()))
    assert all(0 <= going[n] < w.numel() for n, w in weights.items())
    sparse = {n: going[n] / w.numel() for n, w in weights.items()}
    assert sparse["fc1.weight"] > sparse["conv1.weight"]


def test_counts_are_met_exactly_in_every_layer():
    rated = {"a": torch.tensor([3.0, 1.0, 1.0, 2.0]), "b": torch.tensor([[5.0, 4.0]])}
    found = masks.lowest_counts(rated, {"a": 2, "b": 0})
    assert found["a"].tolist() == [True, False, False, True] and found["b"].tolist() == [[True, True]]
