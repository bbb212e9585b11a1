"""What a file of weights holds, and what not: buffers that a network makes anew, modules that stand in two places."""

from __future__ import annotations

from pathlib import Path

import torch

from secateur import catalogue
from secateur.models import saved, weights
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


def test_a_module_that_stands_in_two_places_is_kept_under_both_names(tmp_path: Path):
    """CoaT's encodings: safetensors refuses two names of one piece of memory."""
    options = {"pool": "avg", "head": "linear"}
    model = build("coat_tiny", 2, 64, 1, options)
    (tmp_path / "kept").mkdir()
    weights.keep(catalogue.backbone("coat_tiny"), "random", "", "", 64, tmp_path / "kept")
    saved.save(model, tmp_path, backbone="coat_tiny", labels=("a", "b"), input_px=64, made={}, options=options)
    again = saved.load(tmp_path).model
    photo = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(model.eval()(photo), again(photo))
