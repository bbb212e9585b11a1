"""Transfer networks: the study's parameter count, every listed backbone, and what cannot be built."""

from __future__ import annotations

import pytest
import torch

from secateur.backbones import BACKBONES
from secateur.errors import NotKnown, UserError
from secateur.models import timm_zoo
from secateur.models import transfer as transfer_module
from secateur.models.build import build, skeleton

STUDY = {"pool": "max", "head": "study"}


def keras_count(model: torch.nn.Module) -> int:
    """Values that Keras counts: parameters, running means and variances."""
    running = [b for name, b in model.named_buffers() if name.endswith(("running_mean", "running_var"))]
    return sum(t.numel() for t in [*model.parameters(), *running])


def test_the_studys_network_has_the_studys_parameters():
    """FACTS: 64,462,625, of which 7 are Keras's input normalisation."""
    assert keras_count(skeleton("tf_efficientnet_b7", 10, 224, STUDY)) == 64_462_618


def test_the_head_by_hand():
    """2,560 features: 128, 256 and 10 units with biases, and four values a unit of two batch norms."""
    head = skeleton("tf_efficientnet_b7", 10, 224, STUDY).head
    dense = (2560 * 128 + 128) + (128 * 256 + 256) + (256 * 10 + 10)
    assert keras_count(head) == dense + 4 * (128 + 256)  # type: ignore[arg-type]
    kinds = [type(m).__name__ for m in head.children()]  # type: ignore[union-attr]
    assert kinds == ["Linear", "ReLU", "BatchNorm1d", "Dropout"] * 2 + ["Linear"]


@pytest.mark.parametrize("row", [row for row in BACKBONES if not row.where], ids=lambda row: row.name)
def test_every_listed_backbone_is_built_at_its_usual_size(row):
    facts = timm_zoo.facts(row.name)
    assert facts.licence and facts.source
    assert skeleton(row.name, 3, row.default_px)(
        torch.empty(1, 3, row.default_px, row.default_px, device="meta")
    ).shape == (1, 3)


def test_the_same_seed_gives_the_same_network():
    first, again, other = (build("resnet18", 4, 64, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert not torch.equal(first["head.fc.weight"], other["head.fc.weight"])


def test_max_and_average_pooling_see_other_things():
    x = torch.rand(2, 3, 64, 64)
    said = [build("resnet18", 4, 64, 1, {"pool": pool, "head": "linear"}).eval()(x) for pool in ("avg", "max")]
    assert not torch.allclose(said[0], said[1])


def test_an_unknown_backbone_names_the_nearest():
    with pytest.raises(NotKnown, match="did you mean 'tf_efficientnet_b7'"):
        build("tf_eficientnet_b7", 10, 224)


def test_a_size_that_it_cannot_take():
    with pytest.raises(UserError, match="'convnext_atto' cannot take photos of 16 px"):
        build("convnext_atto", 10, 16)


def test_an_unknown_head_or_pool():
    with pytest.raises(UserError, match="allowed: linear, study"):
        build("resnet18", 10, 64, options={"pool": "avg", "head": "deep"})
    with pytest.raises(UserError, match="allowed: avg, max"):
        build("resnet18", 10, 64, options={"pool": "sum", "head": "linear"})


def test_what_is_remembered_of_a_backbone_changes_no_weight(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(transfer_module, "_wide", {})
    cold, warm = (build("tf_efficientnet_lite0", 3, 32, seed=5, options={"head": "study"}) for _ in range(2))
    assert transfer_module._wide == {("tf_efficientnet_lite0", 32, "avg"): 1280}
    for (name, a), b in zip(cold.state_dict().items(), warm.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
