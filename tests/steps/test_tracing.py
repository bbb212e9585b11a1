"""A network is traced once, and what was found is that of no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from secateur.models import saved
from secateur.models.build import build
from secateur.pruning import channels
from secateur.pruning.cutting import cut_groups
from secateur.steps import tracing

PREPROCESS = {"input_px": 32, "mean": [0.5] * 3, "std": [0.5] * 3}


def kept(folder: Path, model: torch.nn.Module) -> saved.Saved:
    folder.mkdir()
    saved.save(
        model,
        folder,
        backbone="cnn",
        labels=tuple("abcdefghij"),
        input_px=32,
        made={},
        masks=None,
        kept=None,
        options={},
        preprocess=PREPROCESS,
    )
    return saved.load(folder)


def test_what_is_built_alike_is_traced_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    calls: list[Any] = []
    real = channels.trace
    monkeypatch.setattr(tracing, "_known", {})
    monkeypatch.setattr(channels, "trace", lambda model, example: calls.append(model) or real(model, example))
    one, other = (kept(tmp_path / str(seed), build("cnn", 10, 32, seed)) for seed in (1, 2))
    assert tracing.traced(one) is tracing.traced(other)
    assert len(calls) == 1
    narrow = build("cnn", 10, 32, 1)
    groups = tracing.traced(one).groups
    cut_groups(narrow, groups, {groups[0].name: list(range(8))})
    assert tracing.traced(kept(tmp_path / "narrow", narrow)).groups[0].size == 8
    assert len(calls) == 2
    for _ in range(2):
        tracing.traced(one)
    assert len(calls) == 2
