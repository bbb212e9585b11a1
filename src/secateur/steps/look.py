"""A network looked at: a backbone by name, or a saved model."""

from __future__ import annotations

from pathlib import Path

import torch

from secateur import catalogue
from secateur.errors import NotKnown
from secateur.measure import work
from secateur.models import prunable, saved
from secateur.models.build import build
from secateur.records import Profile


def look(what: str, input_px: int = 0, classes: int = 10) -> Profile:
    """Every layer of a backbone or a saved model. Raises UserError for what is neither."""
    if Path(what).is_dir():
        loaded = saved.load(Path(what))
        model, px = loaded.model, loaded.architecture.input_px
    else:
        try:
            row = catalogue.backbone(what)
        except NotKnown as error:
            raise NotKnown("backbone or saved model", what, [b.name for b in catalogue.BACKBONES]) from error
        px = input_px or row.default_px
        model = build(what, classes, px)
    return work.profile(model, torch.zeros(1, 3, px, px), lambda n, m: prunable.why(model, n, m))
