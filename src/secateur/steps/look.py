"""A network looked at: a backbone by name, or a saved model."""

from __future__ import annotations

from pathlib import Path

import torch

from secateur import catalogue
from secateur.measure import work
from secateur.models import prunable, saved
from secateur.models.build import build
from secateur.records import Profile


def look(what: str, input_px: int = 0, classes: int = 10, pool: str = "avg", head: str = "linear") -> Profile:
    """Every layer of a backbone or a saved model; `pool` and `head` are for timm's backbones.

    Raises UserError for what is neither.
    """
    if Path(what).is_dir():
        loaded = saved.load(Path(what))
        model, px = loaded.model, loaded.architecture.input_px
    else:
        row = catalogue.backbone(what)
        px = input_px or row.default_px
        model = build(what, classes, px, options={} if row.where else {"pool": pool, "head": head})
    return work.profile(model, torch.zeros(1, 3, px, px), lambda n, m: prunable.why(model, n, m))
