"""The step that prunes, once, by a score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from secateur.files import dump, read
from secateur.models import prunable, saved
from secateur.pruning import cutting, groups, masks, refit, widths
from secateur.records import Search
from secateur.steps import agreeing, features
from secateur.steps.batches import plain
from secateur.steps.context import Context
from secateur.steps.photos import part, some
from secateur.steps.rating import Rater, rater
from secateur.steps.rating import goal as wanted
from secateur.training.match import match, of_cut, standing

MATCHING_PHOTOS = 1024  # training photos; their statistics differ from those of all by a few per cent


@dataclass(frozen=True, slots=True)
class Pruned:
    """pruned.json: what pruning alone did, before any retraining."""

    val_accuracy: float
    spared: tuple[str, ...]
    macs_kept: float = 1.0  # fractions of the network that was cut
    parameters_kept: float = 1.0
    whole: dict[str, str] = field(default_factory=dict)  # layers whose filters could not be cut, and why
    notes: tuple[str, ...] = ()  # where less went than was asked for
    disagreement: float | None = None  # of the cut with the silenced network: logits, over the largest (`agreeing`)


def prune(ctx: Context) -> None:
    """A saved model and pruned.json."""
    loaded = saved.load(ctx.inputs["model"])
    model, p = loaded.model, ctx.params
    torch.set_num_threads(p.get("threads") or torch.get_num_threads())
    rated = rater(loaded, p, ctx.inputs)
    made = loaded.made | {"pruned": dict(p)}
    found: masks.Masks | None = None
    kept: dict[str, list[int]] | None = None
    said = Pruned(0.0, tuple(p["spare"]))
    before = standing(model, _matching(ctx, loaded), device="cpu") if p.get("match") else {}
    if rated.row.cuts == "weights":
        weights = prunable.weights(model, p["spare"], p.get("part") or "all", bool(p.get("whole_first")))
        found, whole = rated.weight_masks(weights)
        first = [prunable.first(model)] if p.get("whole_first") else []
        said = replace(said, whole=whole, spared=tuple(dict.fromkeys([*p["spare"], *first])))
        if p.get("refit"):
            refit.refit(model, refit.of_masks(found), lambda: _matching(ctx, loaded), grouped=rated.row.refits)
        masks.apply(weights, found)
    else:
        kept, left, said = _cut(ctx, loaded, rated)
        before = of_cut(before, left)
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
    ctx: Context, loaded: saved.Saved, rated: Rater
) -> tuple[dict[str, list[int]], dict[str, dict[int, Tensor]], Pruned]:
    """Which channels stay of each group, what stays of each tensor (`cutting.stays`), and what is said of it."""
    p = ctx.params
    whole = rated.whole()
    of, target, multiple = wanted(p)
    if "search" in ctx.inputs:
        cut = read(Search, ctx.inputs["search"] / "search.json").found
        target, multiple = cut.asked, cut.multiple
    goal = whole.reach(target, of, multiple)
    found, traced, scores = whole.groups, whole.traced, whole.scores
    kept = widths.choose(scores, goal.counts)
    left = cutting.stays(found, kept)
    photos = agreeing.training_photos(ctx, saved.normal(loaded.preprocess))
    apart = agreeing.checked(loaded.model, found, kept, photos)
    if p.get("refit"):
        refit.refit(loaded.model, refit.of_cut(loaded.model, left), lambda: _matching(ctx, loaded))
    cutting.cut_groups(loaded.model, found, kept)
    said = Pruned(0.0, tuple(p["spare"]), goal.macs / goal.macs_dense, goal.params / goal.params_dense)
    notes = _short(found, goal, target, of, multiple)
    return kept, left, replace(said, whole=dict(traced.unprunable), notes=notes, disagreement=apart)


def _short(
    found: tuple[groups.Group, ...], goal: widths.Widths, target: float, of: str, multiple: int
) -> tuple[str, ...]:
    """No layer is emptied: said, where that leaves more filters than were asked for."""
    least = {g.name: widths.rounded(1, g.size, widths.multiple_of(g, multiple)) for g in found}
    few = [g.name for g in found if least[g.name] == goal.counts[g.name] > g.size - masks.floor(target, g.size)]
    if of != "filters" or not few:
        return ()
    return (f"{target:.1%} of its filters would leave {', '.join(few)} narrower than widths may be: more stay there",)


def _matching(ctx: Context, loaded: saved.Saved) -> Iterator[Any]:
    """Training photos on which the pruned network's batch norms are made to stand as the dense one's did."""
    return plain(some(part(ctx, "train"), MATCHING_PHOTOS), normal=saved.normal(loaded.preprocess), size=64)


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
