"""Buffers that a network makes anew whenever it is built stand in no file."""

from __future__ import annotations

import torch

from secateur.models.architecture import describe, rebuild
from secateur.models.build import build


def test_what_no_file_holds_is_made_again():
    model = build("efficientvit_m0", 4, 64, 1, {"pool": "avg", "head": "linear"}).eval()
    missing = {n for n, _ in model.named_buffers()} - set(model.state_dict())
    assert missing
    described = describe(model, "efficientvit_m0", 4, 64, options={"pool": "avg", "head": "linear"})
    again = rebuild(described, model.state_dict())
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(again(x), model(x))
