"""What of a saved network is coupled: found once for all that are built alike, whatever their weights."""

from __future__ import annotations

import json
from dataclasses import replace

import torch

from secateur.models import architecture, saved
from secateur.pruning import channels
from secateur.pruning.groups import Traced

KEPT = 4  # networks that a process remembers: of a few megabytes each, the widest
_known: dict[str, Traced] = {}


def traced(loaded: saved.Saved) -> Traced:
    """Its groups of channels. Methods, targets and seeds of a study cut networks that are built alike."""
    a = loaded.architecture
    key = json.dumps(architecture.to_json(replace(a, kept={})), sort_keys=True)
    found = _known.pop(key, None)
    if found is None:
        found = channels.trace(loaded.model, torch.zeros(1, 3, a.input_px, a.input_px))
    while len(_known) >= KEPT:
        del _known[next(iter(_known))]
    _known[key] = found
    return found
