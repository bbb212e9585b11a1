"""Controls of one ranking: random places, in layers as sparse and as narrow as the method makes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from secateur import catalogue
from secateur.models import prunable
from secateur.models.build import build
from secateur.pruning import evidence
from secateur.pruning.evidence import Evidence
from secateur.pruning.gradients import gradients
from secateur.steps.rating import Rater

PX = 32


@pytest.fixture(scope="module")
def rated() -> tuple[nn.Module, Evidence]:
    model = build("resnet18", 10, PX, 1, {"pool": "avg", "head": "linear"})
    chance = torch.Generator().manual_seed(3)
    return model, gradients(model, [(torch.randn(8, 3, PX, PX, generator=chance), torch.arange(8))])


def sparsities(model: nn.Module, seen: Evidence, **p: Any) -> tuple[dict[str, float], dict[str, torch.Tensor]]:
    row = catalogue.method(p["method"])
    found, _ = Rater(model, row, p, seen, torch.Generator().manual_seed(0), PX).weight_masks(prunable.weights(model))
    return {n: float((~m).float().mean()) for n, m in found.items()}, found


def test_random_is_as_sparse_in_every_layer_as_the_method_it_stands_beside(rated: tuple[nn.Module, Evidence]):
    asked = {"target": 0.7, "scope": "global"}
    by_fisher, theirs = sparsities(*rated, method="fisher", **asked)
    like_fisher, mine = sparsities(*rated, method="random", like="fisher", **asked)
    assert like_fisher == by_fisher
    assert max(by_fisher.values()) - min(by_fisher.values()) > 0.1
    assert any(not torch.equal(mine[n], theirs[n]) for n in mine)
    by_magnitude, _ = sparsities(*rated, method="magnitude", **asked)
    assert sparsities(*rated, method="random", **asked)[0] == by_magnitude != by_fisher


def test_fisher_takes_what_squares_times_squares_say(rated: tuple[nn.Module, Evidence]):
    model, seen = rated
    _, found = sparsities(*rated, method="fisher", target=0.7, scope="global")
    weights = prunable.weights(model)
    score = torch.cat([(w.detach() ** 2 * seen["squares"][n]).flatten() for n, w in weights.items()])
    stay = torch.cat([m.flatten() for m in found.values()])
    assert score[~stay].max() <= score[stay].min()


def test_a_step_that_needs_evidence_reads_it(tmp_path: Path, rated: tuple[nn.Module, Evidence]):
    evidence.save(rated[1], tmp_path)
    again = evidence.load(tmp_path)
    assert sparsities(rated[0], again, method="fisher", target=0.5, scope="layer")[0] == pytest.approx(
        sparsities(*rated, method="fisher", target=0.5, scope="layer")[0]
    )
