"""A cut network of every family, saved and loaded where nothing was traced: the same logits, bit for bit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from secateur.models import architecture, saved
from secateur.models.build import build
from secateur.pruning import channels, groups, scores, widths
from secateur.pruning.cutting import cut_groups

PX = 64
LABELS = tuple("abcdefghij")
FAMILIES = (
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
LARGER = (*(f"tf_efficientnet_b{n}" for n in range(1, 8)), "tf_efficientnet_lite1", "tf_efficientnet_lite2")

FRESH = """
import sys, torch
from pathlib import Path
from secateur.models import saved
for folder in sorted(Path(sys.argv[1]).iterdir()):
    x, logits = torch.load(folder / "seen.pt", weights_only=True)
    with torch.no_grad():
        print(folder.name, torch.equal(saved.load(folder).model(x), logits))
assert "torch_pruning" not in sys.modules
"""


def save_cut(backbone: str, folder: Path) -> None:
    """Cut by half, hidden units too, with the logits that it gave beside it."""
    options = None if backbone == "cnn" else {"pool": "avg", "head": "study"}
    model = build(backbone, len(LABELS), PX, seed=7, options=options)
    traced = channels.trace(model, torch.zeros(1, 3, PX, PX))
    found = groups.cuttable(traced, hidden_units=True)
    reached = widths.reach(traced, found, 0.5, "filters", 8)
    kept = widths.choose(groups.channel_scores(model, found, scores.filter_l1, torch.Generator()), reached.counts)
    cut_groups(model, found, kept)
    assert sum(p.numel() for p in model.parameters()) == reached.params < 0.3 * reached.params_dense
    folder.mkdir()
    saved.save(model, folder, backbone=backbone, labels=LABELS, input_px=PX, made={}, kept=kept, options=options)
    x = torch.rand(2, 3, PX, PX, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.save((x, model(x)), folder / "seen.pt")


def assert_same_elsewhere(backbones: tuple[str, ...], folder: Path) -> None:
    for backbone in backbones:
        save_cut(backbone, folder / backbone)
    done = subprocess.run([sys.executable, "-c", FRESH, str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{backbone} True" for backbone in sorted(backbones)]


def test_every_family_loads_bit_equal_without_tracing(tmp_path: Path):
    assert_same_elsewhere(FAMILIES, tmp_path)


@pytest.mark.heavy
def test_so_do_the_larger_ones(tmp_path: Path):
    assert_same_elsewhere(LARGER, tmp_path)


def test_only_what_the_cut_changed_is_written(tmp_path: Path):
    save_cut("convnext_tiny", tmp_path / "cut")
    written = saved.load(tmp_path / "cut").architecture
    names = {name for changes in written.attributes.values() for name in changes}
    assert names == {
        "in_channels", "out_channels", "groups", "in_features", "out_features", "num_features", "normalized_shape",
    }  # fmt: skip
    assert written.shapes["body.stages.0.blocks.0.gamma"] == [48]
    assert written.attributes["body.stages.0.blocks.0.norm"] == {"normalized_shape": [48]}


def test_a_network_as_it_was_built_has_nothing_to_say():
    for backbone in ("tf_efficientnet_b0", "convnext_atto", "mobilenetv3_large_100"):
        options = {"pool": "avg", "head": "linear"}
        model = build(backbone, 10, PX, options=options)
        plain = architecture.describe(model, backbone, 10, PX, None, options)
        assert (plain.attributes, plain.shapes) == ({}, {})


def test_a_cut_network_can_be_cut_again(tmp_path: Path):
    save_cut("mobilenetv2_100", tmp_path / "once")
    model = saved.load(tmp_path / "once").model
    traced = channels.trace(model, torch.zeros(1, 3, PX, PX))
    found = groups.cuttable(traced)
    reached = widths.reach(traced, found, 0.5, "macs", 8)
    kept = widths.choose(groups.channel_scores(model, found, scores.filter_l1, torch.Generator()), reached.counts)
    cut_groups(model, found, kept)
    options = {"pool": "avg", "head": "study"}
    (tmp_path / "twice").mkdir()
    saved.save(
        model, tmp_path / "twice", backbone="mobilenetv2_100", labels=LABELS, input_px=PX, made={}, options=options
    )
    x = torch.rand(2, 3, PX, PX)
    with torch.no_grad():
        assert torch.equal(saved.load(tmp_path / "twice").model(x), model(x))
