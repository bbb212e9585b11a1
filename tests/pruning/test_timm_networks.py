"""Sixty networks of timm, cut to half of every group: equal to the silenced network, or refused in words; none silent.

`python tests/pruning/test_timm_networks.py > docs/cuts.md` makes the page of what was found; words after it are the
only networks to look at, printed as rows.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from secateur.errors import UserError
from secateur.measure import work
from secateur.models import architecture
from secateur.models.build import build
from secateur.pruning import channels, cutting, silence, widths

# Listed before any was cut: (network, side of its photos). Weights are drawn by chance.
NETWORKS: tuple[tuple[str, int], ...] = (
    # plain, residual and dense
    ("resnet18", 64),
    ("resnet50", 64),
    ("resnetv2_50", 64),
    ("wide_resnet50_2", 64),
    ("vgg11_bn", 64),
    ("densenet121", 64),
    ("dla34", 64),
    ("hrnet_w18_small", 64),
    ("inception_v3", 96),
    ("xception41", 64),
    # split, joined, shuffled, and selective kernels
    ("skresnet18", 64),
    ("skresnet34", 64),
    ("skresnext50_32x4d", 64),
    ("res2net50_26w_4s", 64),
    ("res2next50", 64),
    ("resnest14d", 64),
    ("ghostnet_100", 64),
    ("ghostnetv2_100", 64),
    ("hardcorenas_a", 64),
    ("cspresnet50", 64),
    ("cspdarknet53", 64),
    ("cs3darknet_s", 64),
    ("ese_vovnet19b_dw", 64),
    ("ese_vovnet39b", 64),
    # grouped
    ("resnext50_32x4d", 64),
    ("regnetx_002", 64),
    ("regnety_002", 64),
    ("regnety_008", 64),
    ("gernet_s", 64),
    ("seresnext50_32x4d", 64),
    # small
    ("mobilenetv2_100", 64),
    ("mobilenetv3_large_100", 64),
    ("mobilenetv4_conv_small", 64),
    ("mnasnet_100", 64),
    ("efficientnet_b0", 64),
    ("tf_efficientnet_lite0", 64),
    ("efficientnetv2_rw_t", 64),
    ("lcnet_050", 64),
    ("tinynet_e", 64),
    # reparameterised
    ("repvgg_a0", 64),
    ("mobileone_s0", 64),
    ("fastvit_t8", 64),
    ("repghostnet_050", 64),
    ("repvit_m0_9", 64),
    # normalised otherwise
    ("dm_nfnet_f0", 64),
    ("nf_regnet_b0", 64),
    ("eca_nfnet_l0", 64),
    ("convnext_atto", 64),
    ("convnextv2_atto", 64),
    # attention
    ("vit_tiny_patch16_224", 32),
    ("deit_tiny_distilled_patch16_224", 32),
    ("swin_tiny_patch4_window7_224", 224),
    ("mobilevit_xxs", 64),
    ("efficientformer_l1", 224),
    ("levit_128s", 224),
    ("efficientvit_m0", 224),
    ("efficientvit_b0", 64),
    ("coatnet_nano_rw_224", 224),
    # mixers
    ("mixer_s32_224", 224),
    ("poolformer_s12", 64),
)


@dataclass(frozen=True, slots=True)
class Found:
    """What became of one network."""

    network: str
    px: int
    layers: int
    cut: int  # layers of which channels went
    outcome: str  # "equal", "refused" or "failed"
    difference: float  # of the logits, over the largest; 0 where nothing was cut
    macs: float  # part that was left
    counted: (
        bool  # what was said beforehand is what was counted afterwards, and the cut network is built again from data
    )
    seconds: float  # of the processor, to trace
    reasons: dict[str, int]


def lively(model: nn.Module) -> nn.Module:
    """With norms, biases and scales that do something: fresh ones would hide a channel left behind."""
    torch.manual_seed(4)
    with torch.no_grad():
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            if tensor.dim() == 1 and tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5) if "var" in name or "weight" in name else tensor.uniform_(-0.3, 0.3)
    return model.eval()


def look(network: str, px: int) -> Found:
    """Every group cut to half of its channels, drawn by chance."""
    try:
        model = lively(build(network, 10, px, 1))
    except UserError as error:
        return Found(network, px, 0, 0, "refused", 0.0, 1.0, True, 0.0, {str(error): 0})
    began = time.process_time()
    traced = channels.trace(model, torch.zeros(1, 3, px, px))
    seconds = time.process_time() - began
    led = {layer for group in traced.groups for layer in group.layers}
    layers = {n for n, m in model.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)}
    assert led | set(traced.unprunable) == layers
    reasons = dict(Counter(_short(why) for why in traced.unprunable.values()))
    if not traced.groups:
        return Found(network, px, len(layers), 0, "refused", 0.0, 1.0, True, seconds, reasons)
    chance = torch.Generator().manual_seed(5)
    kept = {
        g.name: sorted(torch.randperm(g.size, generator=chance)[: max(g.size // 2, 1)].tolist()) for g in traced.groups
    }
    photos = torch.randn(8 if px < 200 else 2, 3, px, px, generator=chance)
    seen = silence.agreement(model, traced.groups, kept, photos)
    said = widths.cost(traced, traced.groups, {n: len(k) for n, k in kept.items()})
    cutting.cut_groups(model, traced.groups, kept)
    counted = work.profile(model, photos[:1], lambda n, m: "")
    described = architecture.describe(model, network, 10, px, kept, {"pool": "avg", "head": "linear"})
    again = architecture.rebuild(architecture.from_json(architecture.to_json(described)), model.state_dict())
    with torch.no_grad():
        same = torch.equal(again(photos), model(photos)) and said == (counted.macs, counted.parameters)
    part = said[0] / widths.cost(traced, (), {})[0]
    outcome = "equal" if seen.agrees else "failed"
    return Found(network, px, len(layers), len(led), outcome, seen.difference, part, same, seconds, reasons)


def _short(why: str) -> str:
    """A reason without the name of a layer."""
    return why.split("' ", 1)[1] if why.startswith("'") else why


@pytest.mark.heavy
@pytest.mark.parametrize(("network", "px"), NETWORKS)
def test_a_network_is_cut_rightly_or_refused_in_words(network: str, px: int):
    found = look(network, px)
    assert found.outcome != "failed"
    assert found.counted
    assert all(found.reasons) and (found.outcome == "equal" or sum(found.reasons.values()) == found.layers)


def test_sixty_networks_are_listed():
    assert len({name for name, _ in NETWORKS}) == len(NETWORKS) == 60


HEAD = """# Which networks can be cut

Sixty networks of timm, listed before any of them was cut (`tests/pruning/test_timm_networks.py`), with random weights
and small photos. Of every group of coupled channels half goes, drawn by chance, and what is left is compared with the
whole network in which the same channels are silenced: *equal* is a largest logit difference of at most 0.001 of the
largest logit (FP32; in FP64 at most 0.000001). The same comparison is made in every study after every cut, and a
network that fails it is a failed row. Layers that are not cut are so for the reasons given; their multiply-adds fall
only by what the layers before them lose.

Made by `python tests/pruning/test_timm_networks.py > docs/cuts.md`; the test of the same name holds it.

| network | photos | layers cut | outcome | difference | multiply-adds left | traced in | what stays, and why |
|---|---:|---:|---|---:|---:|---:|---|"""


def row(found: Found) -> str:
    """A line of the table."""
    reasons = "; ".join(
        f"{n} × {why}" if n else why for why, n in found.reasons.items() if why != "its outputs are the classes"
    )
    outcome = found.outcome if found.counted else f"{found.outcome}, counted otherwise"
    return (
        f"| {found.network} | {found.px} px | {found.cut} of {found.layers} | {outcome} | {found.difference:.0e} | "
        f"{found.macs:.0%} | {found.seconds:.1f} s | {reasons or 'the classes'} |"
    )


if __name__ == "__main__":
    asked = sys.argv[1:]
    if not asked:
        print(HEAD)
    for name, side in NETWORKS:
        if not asked or name in asked:
            print(row(look(name, side)), flush=True)
