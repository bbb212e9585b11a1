"""The step that prunes, once, by a score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from secateur import catalogue
from secateur.arms import USUAL
from secateur.errors import StepFailed
from secateur.files import dump, read
from secateur.models import prunable, saved
from secateur.pruning import channels, cutting, evidence, groups, masks, ranking, refit, widths
from secateur.pruning.evidence import Gradients
from secateur.records import Search
from secateur.steps import features
from secateur.steps.context import Context
from secateur.steps.photos import part, some
from secateur.steps.train import plain
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


def prune(ctx: Context) -> None:
    """A saved model and pruned.json."""
    loaded = saved.load(ctx.inputs["model"])
    model, p = loaded.model, ctx.params
    torch.set_num_threads(p.get("threads") or torch.get_num_threads())
    row = catalogue.method(p["method"])
    seen = evidence.load(ctx.inputs["evidence"]) if "evidence" in ctx.inputs else None
    generator = torch.Generator().manual_seed(p["seed"])
    made = loaded.made | {"pruned": dict(p)}
    found: masks.Masks | None = None
    kept: dict[str, list[int]] | None = None
    said = Pruned(0.0, tuple(p["spare"]))
    before = standing(model, _matching(ctx, loaded), device="cpu") if p.get("match") else {}
    if row.cuts == "weights":
        weights = prunable.weights(model, p["spare"], p.get("part") or "all")
        found = _weight_masks(weights, row, p, seen, generator)
        if p.get("refit"):
            refit.refit(model, refit.of_masks(found), lambda: _matching(ctx, loaded))
        masks.apply(weights, found)
    else:
        kept, left, said = _cut(ctx, loaded, row, seen, generator)
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
    ctx: Context,
    loaded: saved.Saved,
    row: catalogue.Method,
    seen: Gradients | None,
    generator: torch.Generator,
) -> tuple[dict[str, list[int]], dict[str, dict[int, Tensor]], Pruned]:
    """Which channels stay of each group, what stays of each tensor (`cutting.stays`), and what is said of it."""
    p = ctx.params
    whole = Whole.of(loaded, p, row, seen, generator)
    of: widths.Target = "macs" if p.get("measure") == "latency" else p.get("measure") or "filters"
    target, multiple = p["target"] if of == "filters" else 1 - p["target"], p.get("multiple") or 1
    if "search" in ctx.inputs:
        cut = read(Search, ctx.inputs["search"] / "search.json").found
        target, multiple = cut.asked, cut.multiple
    goal = whole.reach(target, of, multiple)
    found, traced, scores = whole.groups, whole.traced, whole.scores
    kept = widths.choose(scores, goal.counts)
    left = cutting.stays(found, kept)
    if p.get("refit"):
        refit.refit(loaded.model, refit.of_cut(loaded.model, left), lambda: _matching(ctx, loaded))
    cutting.cut_groups(loaded.model, found, kept)
    said = Pruned(0.0, tuple(p["spare"]), goal.macs / goal.macs_dense, goal.params / goal.params_dense)
    return kept, left, replace(said, whole=dict(traced.unprunable))


@dataclass(frozen=True, slots=True)
class Whole:
    """A network before it is cut: what may go, and what speaks for it."""

    traced: groups.Traced
    groups: tuple[groups.Group, ...]
    scores: dict[str, Tensor]
    ranked: dict[str, Tensor] | None  # where one ranking runs over the network: what it ranks

    @staticmethod
    def of(
        loaded: saved.Saved, p: Any, row: catalogue.Method, seen: Gradients | None, generator: torch.Generator
    ) -> Whole:
        """Raises StepFailed where nothing can go."""
        px = loaded.architecture.input_px
        traced = channels.trace(loaded.model, torch.zeros(1, 3, px, px))
        found = groups.cuttable(traced, p["spare"], bool(p["hidden_units"]))
        prefix = {"head": "head.", "backbone": "body."}.get(p.get("part") or "all", "")
        found = tuple(g for g in found if all(layer.startswith(prefix) for layer in g.layers))
        if not found:
            raise StepFailed(f"nothing to prune in the {p['part']} of {loaded.architecture.backbone}")
        ranked = None
        if p["scope"] == "global":
            ranked = _channel_scores(loaded.model, found, _structure(row, p), seen, generator)
        return Whole(traced, found, _channel_scores(loaded.model, found, row, seen, generator), ranked)

    def reach(self, target: float, of: widths.Target, multiple: int) -> widths.Widths:
        """The widths that meet a target; see `widths.reach` and `ranking.reach_ranked`."""
        if self.ranked is None:
            return widths.reach(self.traced, self.groups, target, of, multiple)
        return ranking.reach_ranked(self.traced, self.groups, self.ranked, target, of, multiple)


def _matching(ctx: Context, loaded: saved.Saved) -> Iterator[Any]:
    """Training photos on which the pruned network's batch norms are made to stand as the dense one's did."""
    return plain(some(part(ctx, "train"), MATCHING_PHOTOS), normal=saved.normal(loaded.preprocess), size=64)


def _structure(row: catalogue.Method, p: Any) -> catalogue.Method:
    """The method that says how much goes from each layer: a control takes another's."""
    return catalogue.method(p.get("like") or USUAL[row.cuts]) if row.role == "control" else row


def _channel_scores(
    model: nn.Module,
    found: tuple[groups.Group, ...],
    row: catalogue.Method,
    seen: Gradients | None,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    score = catalogue.load(row.where)
    if row.needs:
        scores: dict[str, Tensor] = score(found, seen)
        return scores
    return groups.channel_scores(model, found, score, generator, row.role == "control")


def _scores(
    weights: dict[str, Tensor], row: catalogue.Method, seen: Gradients | None, generator: torch.Generator
) -> dict[str, Tensor]:
    score = catalogue.load(row.where)
    if row.needs:
        assert seen is not None
        return {n: score(w, generator, seen.squares[n]) for n, w in weights.items()}
    return {n: score(w, generator) for n, w in weights.items()}


def _weight_masks(
    weights: dict[str, Tensor],
    row: catalogue.Method,
    p: Any,
    seen: Gradients | None,
    generator: torch.Generator,
) -> masks.Masks:
    if row.role != "control" or p["scope"] != "global":
        return masks.lowest(_scores(weights, row, seen, generator), p["target"], p["scope"])
    # The same structure: every layer as sparse as the method would make it, the places by chance.
    like = masks.lowest(_scores(weights, _structure(row, p), seen, generator), p["target"], "global")
    found: masks.Masks = {}
    for n, w in weights.items():
        if bool(like[n].any()):
            found |= masks.lowest(_scores({n: w}, row, seen, generator), masks.sparsity({n: like[n]}), "layer")
        else:
            found[n] = like[n]  # the threshold took all of this layer
    return found


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
