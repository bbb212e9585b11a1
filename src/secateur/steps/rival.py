"""Steps that find dense networks as fast and as small as a chosen pruned one, and give a shape fresh weights."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from secateur.checking import FILE, SIZE
from secateur.errors import StepFailed, UserError
from secateur.files import dump, read
from secateur.forms import onnx
from secateur.measure.bench import Effort, bench
from secateur.measure.entries import entry
from secateur.models import saved
from secateur.models.build import build
from secateur.models.fresh import renewed
from secateur.pruning import channels, groups, widths
from secateur.records import Choice, Measured, Parity, Profile, Rival, Sizes, Way
from secateur.steps import agreeing
from secateur.steps.context import Context
from secateur.steps.photos import snapshot

QUICK = Effort(rounds=100, processes=4, seconds=90)
SIDES = 5  # input sizes that are timed
PARTS = (0.7, 0.85, 1.0, 1.2, 1.45)  # of the chosen network's multiply-adds: narrower networks that are timed
LEAST_PX = 16
REFERENCE = "chosen"
SAME, NEAR = 0.02, 0.05  # of parameters: one shape for two; as small


def find(ctx: Context) -> None:
    """rival.json; tolerant: targets whose networks failed are no choice."""
    p = ctx.params
    choice = read(Choice, ctx.inputs["choice"] / "choice.json")
    why = _not_worth_it(ctx, choice)
    rival = Rival(p["backbone"], p["method"], choice.config, why, timed=p.get("timed") is not False)
    if not why and rival.timed:
        rival = _as_fast(ctx, rival)
    if not why and p["narrow"]:
        rival = _as_small(ctx, rival)
    dump(rival, ctx.out / "rival.json")


def _size(ctx: Context, config: str) -> tuple[Profile, Sizes]:
    folder = ctx.inputs[SIZE + config]
    return read(Profile, folder / "profile.json"), read(Sizes, folder / "sizes.json")


def _as_fast(ctx: Context, rival: Rival) -> Rival:
    """With the dense network on smaller photos, and a narrower one, that take as long as what was chosen."""
    p = ctx.params
    part = _size(ctx, rival.config)[0].macs / _size(ctx, p["dense"])[0].macs
    with tempfile.TemporaryDirectory(dir=ctx.work) as folder:
        lost: list[str] = []
        made = dict(_candidates(p, list(snapshot(ctx).classes), part, Path(folder), lost))
        files = [entry(ctx.inputs[FILE + rival.config] / "model.onnx", REFERENCE)]
        files += [entry(file, name) for name, file in made.items()]
        ctx.progress(1, 2, f"{len(made)} of them")
        found = bench(files, REFERENCE, [Way(1, 1)], effort=QUICK)
    ratios = {t.model: t.speedup for t in found.timings}
    px, px_ratio = _nearest(ratios, "px")
    narrow, narrow_ratio = _nearest(ratios, "narrow")
    return replace(
        rival,
        px=int(px),
        px_ratio=px_ratio,
        narrow=narrow,
        narrow_ratio=narrow_ratio,
        doubts=(*found.doubts, *lost),
    )


def _as_small(ctx: Context, rival: Rival) -> Rival:
    """With the uniformly narrower network of as many parameters as a cut one has; of as many as a network with zeros is
    worth, by what both weigh after zstd. None of its own where another rival is as small."""
    p, (mine, bytes_of), (dense, all_bytes) = ctx.params, _size(ctx, rival.config), _size(ctx, ctx.params["dense"])
    part = mine.parameters / dense.parameters if rival.timed else bytes_of.zstd / all_bytes.zstd
    model, px = build(p["backbone"], len(snapshot(ctx).classes), p["input_px"], 0, p["options"]), p["input_px"]
    traced = channels.trace(model, torch.zeros(1, 3, px, px))
    found = groups.cuttable(traced, (), False)
    try:
        goal = widths.reach(traced, found, min(part, 0.98), "params", 1)
    except UserError:
        return rival  # no uniform network is as small
    if rival.timed and _alike(goal.params, mine.parameters, SAME) and _alike(goal.macs, mine.macs, SAME):
        return replace(rival, small_like="scratch")  # it was cut uniformly, and has that very shape
    if rival.narrow:
        other = widths.reach(traced, found, rival.narrow, "macs", p["multiple"])
        if _alike(other.params, part * dense.parameters, NEAR):
            return replace(rival, small_like="narrow")
    return replace(rival, small=round(goal.params / goal.params_dense + 5e-7, 6))


def _alike(one: float, other: float, within: float) -> bool:
    return abs(one / other - 1) <= within


def fresh(ctx: Context) -> None:
    """A saved model: the shape of another, its weights drawn anew."""
    loaded = saved.load(ctx.inputs["model"])
    try:
        model = renewed(loaded.model, ctx.params["seed"])
    except ValueError as error:
        raise StepFailed(str(error)) from error
    a = loaded.architecture
    saved.save(
        model,
        ctx.out,
        backbone=a.backbone,
        labels=loaded.labels,
        input_px=a.input_px,
        made={"params": dict(ctx.params)},
        kept=a.kept,
        options=a.options,
        preprocess=loaded.preprocess,
    )


def _not_worth_it(ctx: Context, choice: Choice) -> str:
    """A network that validation sees below dense needs no further control to be turned down."""
    dense = [read(Parity, f / "parity.json").val_accuracy.value for r, f in ctx.inputs.items() if r.startswith("0/")]
    if FILE + choice.config not in ctx.inputs or SIZE + choice.config not in ctx.inputs:
        return "was not exported"
    mine = dict(choice.candidates)[choice.target]
    margin = float(ctx.params["margin"])
    if dense and mine < sum(dense) / len(dense) - margin / 100:
        return f"is more than {margin:g} point{'' if margin == 1 else 's'} below dense on validation already"
    return ""


def _candidates(p: Any, classes: list[str], part: float, folder: Path, lost: list[str]) -> Iterator[tuple[str, Path]]:
    """Name → file: "px/96", the dense network there; "narrow/0.4", one that keeps so much of its multiply-adds. How
    long a network takes does not depend on its weights. One that cannot be written costs itself, and is told `lost`."""
    options = p["options"]
    for px in sides(p["input_px"], part):
        try:
            model = build(p["backbone"], len(classes), px, 0, options)
        except UserError:
            continue  # too small for this network
        yield from _written(f"px/{px}", model, px, classes, folder / f"px{px}.onnx", lost)
    if not p["narrow"]:
        return
    px, seen = p["input_px"], set()
    traced = channels.trace(build(p["backbone"], len(classes), px, 0, options), torch.zeros(1, 3, px, px))
    found = groups.cuttable(traced, (), False)
    for times in PARTS:
        model = build(p["backbone"], len(classes), px, 0, options)
        try:
            goal = widths.reach(traced, found, min(part * times, 0.98), "macs", p["multiple"])
        except UserError:
            continue  # no narrow network is as small
        if goal.macs in seen:
            continue
        seen.add(goal.macs)
        kept = {g.name: list(range(goal.counts[g.name])) for g in found}
        agreeing.cut(model, found, kept, agreeing.noise(px))
        share = round(goal.macs / goal.macs_dense + 5e-7, 6)  # asked for again, the same widths meet it
        yield from _written(f"narrow/{share}", model, px, classes, folder / f"narrow{len(seen)}.onnx", lost)


def sides(px: int, part: float) -> list[int]:
    """The input sizes, in steps of 8 or of 4, that are nearest to where work falls to `part`; each below `px`."""
    step = 8 if px >= 96 else 4
    guess = px * part**0.5
    below = range(-(-LEAST_PX // step) * step, px, step)
    return sorted(sorted(below, key=lambda s: abs(s - guess))[:SIDES])


def _written(
    name: str, model: nn.Module, px: int, classes: list[str], file: Path, lost: list[str]
) -> Iterator[tuple[str, Path]]:
    try:
        onnx.export(model, saved.preprocess_for(px), classes, file, {})
    except StepFailed as error:
        lost.append(f"{name} could not be timed: {error}")
        return
    yield name, file


def _nearest(ratios: dict[str, Measured], kind: str) -> tuple[float, Measured | None]:
    """The candidate of a kind whose time is nearest to the chosen network's, and the ratio of both."""
    own = {float(n.split("/")[1]): r for n, r in ratios.items() if n.startswith(f"{kind}/")}
    if not own:
        return 0, None
    best = min(own, key=lambda value: abs(own[value].value - 1))
    return best, own[best]
