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
