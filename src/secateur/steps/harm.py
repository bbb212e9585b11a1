"""Who pays, put together from what each network answered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from secateur.data.thumbnails import thumbnail
from secateur.files import read
from secateur.measure.harm import churn, recall_changes, victims
from secateur.records import Harm, ModelResult, Paid, Robustness, Snapshot, Victim
from secateur.steps.context import Context
from secateur.steps.summaries import Pair

SHOWN = 24  # photos with a picture
KEPT = 500  # photos by name

Ints = npt.NDArray[np.int64]


def harms(
    ctx: Context, photos: Snapshot, test: Ints, models: list[ModelResult], chosen: set[str], bare: set[Pair]
) -> tuple[Harm, ...]:
    """A row a network. `test`: positions of the test photos in the snapshot; `chosen`: configurations; `bare`: pairs
    that no training separates."""
    labels = np.array([photos.photos[i].label for i in test])
    groups = np.array([photos.photos[i].group for i in test])
    found = []
    for backbone in dict.fromkeys(m.backbone for m in models):
        own = [m for m in models if m.backbone == backbone and m.evaluation]
        folder = ctx.inputs.get(f"robustness/{backbone}")
        worse = read(tuple[Robustness, ...], folder / "robustness.json") if folder else ()
        paid = _paid(ctx, photos, labels, groups, own, chosen, bare)
        references = list(dict.fromkeys(p.against for p in paid if p.config in chosen))
        smaller = list(dict.fromkeys(m.config for m in own if m.role == "pruned" and m.form == "fp32"))
        dense, pruned = _answers(own, set(references)), _answers(own, set(smaller))
        worst = victims(labels, dense, pruned, [int(i) for i in test])
        shown = tuple(_seen(v, photos, n < SHOWN) for n, v in enumerate(worst[:KEPT]))
        changed = churn(labels, [_by_seed(own, c) for c in references], [_by_seed(own, c) for c in smaller])
        if own:
            found.append(Harm(backbone, paid, shown, len(worst), len(dense), len(pruned), worse, changed))
    return tuple(found)


def _answers(models: list[ModelResult], configs: set[str]) -> list[tuple[int, ...]]:
    return [m.evaluation.predictions for m in models if m.config in configs and m.evaluation]


def _seen(victim: Victim, photos: Snapshot, shown: bool) -> Victim:
    path = photos.photos[victim.position].path
    return replace(victim, path=path, thumbnail=thumbnail(Path(photos.root) / path, photos.depth) if shown else "")


def _paid(
    ctx: Context,
    photos: Snapshot,
    labels: Ints,
    groups: Ints,
    models: list[ModelResult],
    chosen: set[str],
    bare: set[Pair],
) -> tuple[Paid, ...]:
    """Classes of what was chosen, and of INT8, each beside the dense network that it is compared with."""
    roles, found = ctx.params["roles"], []
    wanted = {m.config for m in models if m.config in chosen or m.role == "quantized"}
    for config, against in ctx.params["against"]:
        if config not in wanted or roles[against][1]:
            continue
        mine, its = _by_seed(models, config), _by_seed(models, against)
        if mine.keys() & its.keys():
            trained, margin = (config, against) not in bare, ctx.params["margin"]
            changes = recall_changes(labels, its, mine, photos.classes, groups, margin, trained=trained)
            found.append(Paid(config, against, changes))
    return tuple(found)


def _by_seed(models: list[ModelResult], config: str) -> dict[int, tuple[int, ...]]:
    return {m.seed: m.evaluation.predictions for m in models if m.config == config and m.evaluation}
