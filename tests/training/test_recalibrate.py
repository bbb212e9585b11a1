"""Running statistics taken anew."""

from __future__ import annotations

import pytest
import torch
from small_nets import network, photos
from torch import nn

from secateur.training.norms import norms
from secateur.training.recalibrate import recalibrate, recalibrate_if_better

Y = torch.zeros(2, dtype=torch.int64)


def column(*values: float) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor([[float(v)] for v in values]), Y


def test_mean_and_variance_are_plain_averages_over_the_batches():
    """By hand: means 2 and 7, variances 2 and 8 (n − 1 below); a batch of one photo is passed over."""
    norm = nn.BatchNorm1d(1, momentum=0.3)
    norm.running_mean.fill_(100.0)
    assert recalibrate(norm, [column(1, 3), column(50), column(5, 9)], device="cpu") == 4
    assert float(norm.running_mean) == pytest.approx(4.5)
    assert float(norm.running_var) == pytest.approx(5.0)
    assert norm.momentum == 0.3 and norm.training


def test_modes_and_momenta_stay_and_nothing_is_left_to_chance():
    model = network("tf_efficientnet_lite0", "study", chance=True)
    model.train()
    model.body.bn1.eval()
    norms(model)[3].momentum = 0.07
    modes = [m.training for m in model.modules()]
    batches = [photos(6, seed) for seed in (1, 2)]
    recalibrate(model, batches, device="cpu")
    first = {k: v.clone() for k, v in model.named_buffers()}
    assert [m.training for m in model.modules()] == modes
    assert norms(model)[3].momentum == 0.07
    torch.manual_seed(99)
    recalibrate(model, batches, device="cpu")
    assert all(torch.equal(v, first[k]) for k, v in model.named_buffers())


def test_batch_norms_of_timm_are_found_and_see_what_a_body_makes():
    """Independent: the first batch norm's mean is that of the first convolution's output."""
    model = network("tf_efficientnet_lite0")
    x, y = photos(6)
    recalibrate(model, [(x, y)], device="cpu")
    with torch.no_grad():
        out = model.body.conv_stem(x)
    torch.testing.assert_close(model.body.bn1.running_mean, out.mean((0, 2, 3)))
    torch.testing.assert_close(model.body.bn1.running_var, out.var((0, 2, 3)))


def test_without_two_photos_nothing_changes():
    norm = nn.BatchNorm1d(1)
    norm.running_mean.fill_(7.0)
    with pytest.raises(ValueError, match="two photos"):
        recalibrate(norm, [column(1)], device="cpu")
    assert float(norm.running_mean) == 7.0


@pytest.mark.parametrize(("after", "mean", "word"), [(0.4, 2.0, "recalibrated"), (0.6, 7.0, "left as they were")])
def test_what_harms_is_undone(after: float, mean: float, word: str):
    norm = nn.BatchNorm1d(1)
    norm.running_mean.fill_(7.0)
    said = recalibrate_if_better(norm, [column(1, 3)], 0.5, lambda: after, device="cpu")
    assert float(norm.running_mean) == mean
    assert word in said and "0.5000 → " in said
