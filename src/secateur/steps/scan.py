"""The step that prunes every layer alone, at several sparsities, and says what validation photos lose by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from secateur.errors import StepFailed
from secateur.files import dump
from secateur.measure.sensitivity import change
from secateur.models import prunable, saved
from secateur.pruning import masks
from secateur.pruning.chain import chain
from secateur.pruning.scan import Batch, Change, Said, readers, scan, without
from secateur.records import Scan, ScanLayer, ScanPoint
from secateur.steps.batches import plain
from secateur.steps.context import Context
from secateur.steps.photos import part, some
from secateur.steps.rating import Rater, rater

PHOTOS = 512  # of the validation side
BATCH = 64
WEIGHTS = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
FILTERS = (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 0.95)


def run(ctx: Context) -> None:
    """scan.json. Raises StepFailed where nothing can be scanned."""
    p = ctx.params
    torch.set_num_threads(p["threads"])
    loaded = saved.load(ctx.inputs["model"])
    rated = rater(loaded, {**p, "scope": "layer"}, ctx.inputs)
    side = some(part(ctx, "val"), PHOTOS)
    batches = list(plain(side, normal=saved.normal(loaded.preprocess), size=BATCH))

    def progress(done: int, total: int) -> None:
        ctx.progress(done / len(side.positions), total / len(side.positions), "layers, each alone at each sparsity")

    dump(scanned(rated, p["config"], batches, progress), ctx.out / "scan.json")


def scanned(
    rated: Rater, config: str, batches: Sequence[Batch], progress: Callable[[int, int], None] = lambda *_: None
) -> Scan:
    """Every layer or group alone, at each of the sparsities. Raises StepFailed where nothing can be scanned."""
    found, whole = _weights(rated) if rated.row.cuts == "weights" else _filters(rated)
    if not found:
        raise StepFailed("no layer of this network can be pruned alone")
    changes = [c for _, _, own in found for c in own]
    stages = chain(rated.model, batches[0][0][:2])
    dense, said = scan(rated.model, stages, changes, batches, progress)
    by_change = iter(said)
    points = [tuple(_point(c.sparsity, dense, next(by_change)) for c in own) for _, _, own in found]
    layers = tuple(ScanLayer(name, size, own) for (name, size, _), own in zip(found, points, strict=True))
    return Scan(
        config,
        rated.row.name,
        sum(len(y) for _, y in batches),
        float(dense.loss.mean()),
        float(dense.right.float().mean()),
        layers,
        whole,
        stages=len(stages.stages),
    )


def _point(sparsity: float, dense: Said, said: Said) -> ScanPoint:
    loss = change(dense.loss.double().numpy(), said.loss.double().numpy(), "nats")
    accuracy = change(dense.right.double().numpy() * 100, said.right.double().numpy() * 100, "points")
    return ScanPoint(sparsity, loss, accuracy)


Found = list[tuple[str, int, list[Change]]]  # layer, its size, its changes


def _weights(rated: Rater) -> tuple[Found, dict[str, str]]:
    p, found = rated.p, []
    weights = prunable.weights(rated.model, p["spare"], p.get("part") or "all")
    scores = rated.scores(weights)
    for name, score in scores.items():
        changes = [Change(name, s, {name: _mask(name, score, s)}) for s in WEIGHTS]
        found.append((name.removesuffix(".weight"), weights[name].numel(), changes))
    return found, {}


def _mask(name: str, score: Tensor, sparsity: float) -> Callable[[], Tensor]:
    return lambda: masks.lowest({name: score}, sparsity, "layer")[name].to(score.dtype)


def _filters(rated: Rater) -> tuple[Found, dict[str, str]]:
    taken = rated.whole()
    named = dict(rated.model.named_parameters())
    found: Found = []
    left: dict[str, str] = {}
    for group in taken.groups:
        behind, why = readers(rated.model, group)
        if why:
            left[group.name] = why
            continue
        order = taken.scores[group.name].argsort(stable=True).tolist()
        changes = []
        for sparsity in FILTERS:
            gone = order[: min(masks.floor(sparsity, group.size), group.size - 1)]
            silent = {name: _silence(owner, gone, named[name]) for name, owner in behind.items()}
            changes.append(Change(group.name, sparsity, silent))
        found.append((group.name, group.size, changes))
    return found, left


def _silence(owner: Tensor, gone: Sequence[int], weight: Tensor) -> Callable[[], Tensor]:
    return lambda: without(owner, gone, weight)
