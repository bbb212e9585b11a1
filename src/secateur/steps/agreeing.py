"""Every cut of a study passes here: it is compared with the dense network before anything is made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from secateur.errors import StepFailed
from secateur.pruning import cutting, silence
from secateur.pruning.groups import Group
from secateur.steps.batches import Normal, plain
from secateur.steps.context import Context
from secateur.steps.photos import part, some

PHOTOS = 8


def checked(model: nn.Module, found: Sequence[Group], kept: Mapping[str, list[int]], photos: Tensor) -> float:
    """How far the cut network's logits are from those of the silenced one, over the largest logit.

    `photos` (n, 3, h, w). Raises StepFailed, with the figure, where that is more than rounding.
    """
    seen = silence.agreement(model, found, kept, photos)
    if not seen.agrees:
        raise StepFailed(
            f"the cut network is not the dense one without those channels: on {len(photos)} photos its logits differ "
            f"by {seen.difference:.2g} of the largest in FP{seen.bits}, allowed {silence.ALLOWED_EXACTLY:g}"
        )
    return seen.difference


def cut(model: nn.Module, found: Sequence[Group], kept: Mapping[str, list[int]], photos: Tensor) -> nn.Module:
    """`cutting.cut_groups`, checked. Consumes `model`."""
    checked(model, found, kept, photos)
    return cutting.cut_groups(model, found, kept)


def training_photos(ctx: Context, normal: Normal) -> Tensor:
    """(PHOTOS, 3, px, px): the first of the training side, as the network is shown them."""
    x: Tensor
    x, _ = next(iter(plain(some(part(ctx, "train"), PHOTOS), normal=normal, size=PHOTOS)))
    return x


def noise(px: int) -> Tensor:
    """(PHOTOS, 3, px, px), for shapes that no photo is shown: what they compute is compared all the same."""
    return torch.randn(PHOTOS, 3, px, px, generator=torch.Generator().manual_seed(0))
