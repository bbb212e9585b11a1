"""A network looked at: a backbone by name, or a saved model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from secateur import catalogue
from secateur.forms.deployed import deployed
from secateur.measure import work
from secateur.models import prunable, saved
from secateur.models.build import build
from secateur.records import Depth, Profile


def answering(folder: Path) -> tuple[tuple[str, ...], int, Any, Depth]:
    """A saved model's labels, the side of its photos, what gives logits (n, classes) for (n, px, px, 3) uint8, and the
    depth of its training's photos."""
    loaded = saved.load(folder)
    network = deployed(loaded.model, loaded.preprocess)

    @torch.no_grad()
    def logits(photos: Any) -> Any:
        return network(torch.from_numpy(photos)).numpy()

    return loaded.labels, loaded.architecture.input_px, logits, Depth(**loaded.preprocess.get("depth", {}))


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
