"""The step that prunes, once, by a score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from secateur import catalogue
from secateur.errors import StepFailed
from secateur.files import dump
from secateur.models import prunable, saved
from secateur.pruning import channels, cutting, groups, masks, widths
from secateur.steps import features
from secateur.steps.context import Context
from secateur.steps.photos import part
from secateur.steps.train import plain
from secateur.training.match import Standing, match, standing

MATCHING_PHOTOS = 1024  # training photos; their statistics differ from those of all by a few per cent


@dataclass(frozen=True, slots=True)
class Pruned:
    """pruned.json: what pruning alone did, before any retraining."""

    val_accuracy: float
    spared: tuple[str, ...]
    macs_kept: float = 1.0  # fractions of the network that was cut
    parameters_kept: float = 1.0
    whole: dict[str, str] = field(default_factory=dict)  # layers whose filters could not be cut, and why


def prune(ctx: Context) -> None:
    """A saved model and pruned.json."""
    loaded = saved.load(ctx.inputs["model"])
    model, p = loaded.model, ctx.params
    torch.set_num_threads(p.get("threads") or torch.get_num_threads())
    row = catalogue.method(p["method"])
    score = catalogue.load(row.where)
    generator = torch.Generator().manual_seed(p["seed"])
    made = loaded.made | {"pruned": dict(p)}
    found: masks.Masks | None = None
    kept: dict[str, list[int]] | None = None
    said = Pruned(0.0, tuple(p["spare"]))
    before = standing(model, _matching(ctx, loaded), device="cpu") if p.get("match") else {}
    if row.cuts == "weights":
        weights = prunable.weights(model, p["spare"], p.get("part") or "all")
        found = _weight_masks(weights, score, p, row.role == "control", generator)
        masks.apply(weights, found)
    else:
        kept, said, before = _cut(ctx, loaded, score, row.role == "control", generator, before)
    if p.get("match"):
        match(model, _matching(ctx, loaded), before, device="cpu")
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
        options=a.options,
        preprocess=loaded.preprocess,
    )
    dump(replace(said, val_accuracy=accuracy(ctx, loaded)), ctx.out / "pruned.json")


def _cut(
    ctx: Context,
    loaded: saved.Saved,
    score: Any,
    control: bool,
    generator: torch.Generator,
    before: dict[str, Standing],
) -> tuple[dict[str, list[int]], Pruned, dict[str, Standing]]:
    p, px = ctx.params, loaded.architecture.input_px
    traced = channels.trace(loaded.model, torch.zeros(1, 3, px, px))
    found = groups.cuttable(traced, p["spare"], bool(p["hidden_units"]))
    prefix = {"head": "head.", "backbone": "body."}.get(p.get("part") or "all", "")
    found = tuple(g for g in found if all(layer.startswith(prefix) for layer in g.layers))
    if not found:
        raise StepFailed(f"nothing to prune in the {p['part']} of {loaded.architecture.backbone}")
    of: widths.Target = p.get("measure") or "filters"
    target = p["target"] if of == "filters" else 1 - p["target"]
    goal = widths.reach(traced, found, target, of, p.get("multiple") or 1)
    scores = groups.channel_scores(loaded.model, found, score, generator, control)
    kept = widths.choose(scores, goal.counts)
    cutting.cut_groups(loaded.model, found, kept)
    left = cutting.stays(found, kept)
    before = {
        name: was.of(left[mean][0]) if (mean := f"{name}.running_mean") in left else was for name, was in before.items()
    }
    said = Pruned(0.0, tuple(p["spare"]), goal.macs / goal.macs_dense, goal.params / goal.params_dense)
    return kept, replace(said, whole=dict(traced.unprunable)), before


def _matching(ctx: Context, loaded: saved.Saved) -> Iterator[Any]:
    """Training photos on which the pruned network's batch norms are made to stand as the dense one's did."""
    side = part(ctx, "train")
    few = np.random.default_rng(0).permutation(len(side.positions))[:MATCHING_PHOTOS]
    side = replace(side, positions=np.sort(side.positions[few]))
    return plain(side, normal=saved.normal(loaded.preprocess), size=64)


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


@torch.no_grad()
def accuracy(ctx: Context, loaded: saved.Saved) -> float:
    """On validation; of a network whose backbone is as it was, on the features of that."""
    model: Any = loaded.model.eval()
    right = n = 0
    if "features" in ctx.inputs:
        total, batches = 1, features.val_batches(features.cached(ctx), "cpu")
        model = model.head
    else:
        side = part(ctx, "val")
        total, batches = len(side.positions), plain(side, normal=saved.normal(loaded.preprocess), size=64)
    for x, y in batches:
        right += int((model(x).argmax(1) == y).sum())
        n += len(y)
        ctx.progress(n, total, "photos")
    return right / n
