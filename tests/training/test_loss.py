"""The loss against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from secateur.training.loss import loss


@pytest.mark.parametrize("a", [0.0, 0.5, 1.0])
def test_distillation_by_hand(a: float):
    """T = 4 makes (3/4, 1/4) of the teacher's 4 ln 3 and 0, and (1/2, 1/2) of the student's 0 and 0."""
    student, teacher = torch.zeros(1, 2), torch.tensor([[4 * math.log(3), 0.0]])
    hard = math.log(2)
    soft = 3 / 4 * math.log(3 / 2) + 1 / 4 * math.log(1 / 2)
    got = loss(student, torch.tensor([0]), smoothing=0.0, taught=teacher, distil=a)
    assert float(got) == pytest.approx((1 - a) * hard + a * 16 * soft, rel=1e-6)


def test_a_student_that_says_what_its_teacher_says_is_told_nothing():
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss(logits, torch.zeros(5, dtype=torch.int64), smoothing=0.1, taught=logits.detach(), distil=1.0).backward()
    assert float(logits.grad.abs().max()) < 1e-6


def test_it_is_a_mean_over_photos():
    chance = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(4, 3, generator=chance) for _ in range(2))
    y = torch.tensor([0, 1, 2, 0])
    whole = loss(student, y, smoothing=0.1, taught=teacher, distil=0.3)
    each = [
        loss(s[None], one[None], smoothing=0.1, taught=t[None], distil=0.3)
        for s, one, t in zip(student, y, teacher, strict=True)
    ]
    torch.testing.assert_close(whole, torch.stack(each).mean())


def test_weights_by_hand_and_as_torch_has_them_without_smoothing():
    chance = torch.Generator().manual_seed(0)
    logits, y = torch.randn(6, 3, generator=chance), torch.tensor([0, 0, 0, 0, 1, 2])
    weights = torch.tensor([0.5, 2.0, 2.0])  # 6 / (3 · 4), 6 / (3 · 1) twice
    got = loss(logits, y, smoothing=0.0, weights=weights)
    torch.testing.assert_close(got, torch.nn.functional.cross_entropy(logits, y, weight=weights))  # Σ w_y = 6 = n
    alone = [float(loss(said[None], one[None], smoothing=0.1)) for said, one in zip(logits, y, strict=True)]
    by_hand = sum(w * v for w, v in zip((0.5, 0.5, 0.5, 0.5, 2, 2), alone, strict=True)) / 6
    assert float(loss(logits, y, smoothing=0.1, weights=weights)) == pytest.approx(by_hand, rel=1e-6)


def test_a_batch_that_is_cut_has_the_same_weighted_loss():
    chance = torch.Generator().manual_seed(1)
    logits, y, weights = torch.randn(8, 2, generator=chance), torch.tensor([0] * 7 + [1]), torch.tensor([0.6, 3.8])
    whole = loss(logits, y, smoothing=0.1, weights=weights)
    parts = [loss(logits[i : i + 2], y[i : i + 2], smoothing=0.1, weights=weights) for i in (0, 2, 4, 6)]
    torch.testing.assert_close(whole, torch.stack(parts).mean())
