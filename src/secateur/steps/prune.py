"""The step that prunes, once, by a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from secateur import catalogue
from secateur.errors import NotKnown
from secateur.files import dump
from secateur.models import prunable, saved
from secateur.pruning import channels, masks
from secateur.steps.context import Context
from secateur.steps.photos import part
from secateur.steps.train import plain


@dataclass(frozen=True, slots=True)
class Pruned:
    """pruned.json: what pruning alone did, before any retraining."""

    val_accuracy: float
    spared: tuple[str, ...]


def prune(ctx: Context) -> None:
    """A saved model and pruned.json."""
    loaded = saved.load(ctx.inputs["model"])
    model, p = loaded.model, ctx.params
    row = catalogue.method(p["method"])
    score = catalogue.load(row.where)
    generator = torch.Generator().manual_seed(p["seed"])
    made = loaded.made | {"pruned": dict(p)}
    found: masks.Masks | None = None
    kept: dict[str, list[int]] | None = None
    if row.cuts == "weights":
        weights = prunable.weights(model, p["spare"])
        found = _weight_masks(weights, score, p, row.role == "control", generator)
        masks.apply(weights, found)
    else:
        layers = _cuttable(model, p["spare"], bool(p["hidden_units"]))
        scores = {name: score(layer.weight, generator) for name, layer in layers.items()}
        kept = channels.kept_after(scores, p["target"])
        px = loaded.architecture.input_px
        channels.cut(model, kept, torch.zeros(1, 3, px, px))
    a = loaded.architecture
    saved.save(
        model,
        ctx.out,
        backbone=a.backbone,
        labels=loaded.labels,
        input_px=a.input_px,
        made=made,
        masks=found,
        kept=kept,
    )
    dump(Pruned(accuracy(ctx, model), tuple(p["spare"])), ctx.out / "pruned.json")


def _weight_masks(
    weights: dict[str, Tensor], score: Any, p: Any, control: bool, generator: torch.Generator
) -> masks.Masks:
    if control and p["scope"] == "global":
        # The same structure: every layer as sparse as magnitude would make it, the places by chance.
        like = masks.lowest({n: w.detach().abs() for n, w in weights.items()}, p["target"], "global")
        return {
            n: masks.lowest({n: score(w, generator)}, masks.sparsity({n: like[n]}), "layer")[n]
            for n, w in weights.items()
        }
    return masks.lowest({n: score(w, generator) for n, w in weights.items()}, p["target"], p["scope"])


def _cuttable(model: nn.Module, spare: list[str], hidden_units: bool) -> dict[str, prunable.Layer]:
    """Every convolution, and dense layers but the last where asked for."""
    last = prunable.classifier(model)
    found = dict(prunable.layers(model))
    for name in spare:
        if name not in found:
            raise NotKnown("layer to spare", name, found)
    return {
        name: layer
        for name, layer in found.items()
        if name not in spare and (isinstance(layer, nn.Conv2d) or (hidden_units and name != last))
    }


@torch.no_grad()
def accuracy(ctx: Context, model: nn.Module) -> float:
    """On validation."""
    right = n = 0
    for x, y in plain(part(ctx, "val")):
        right += int((model.eval()(x).argmax(1) == y).sum())
        n += len(y)
    return right / n
