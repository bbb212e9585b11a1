"""Steps that train: the dense network, and a pruned one again."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from secateur.data import batches as loading
from secateur.errors import StepFailed
from secateur.files import dump
from secateur.models import prunable, saved
from secateur.models.build import build
from secateur.pruning.masks import count
from secateur.pruning.regimes import Gradual, Held
from secateur.records import Epoch, History
from secateur.steps.context import Context
from secateur.steps.photos import Part, part, snapshot
from secateur.training.fit import Fit, Photos, Tick
from secateur.training.recipes import Recipe

VAL_BATCH = 256


def train(ctx: Context) -> None:
    """A saved model and history.json: the dense network from fresh weights."""
    p = ctx.params
    labels = snapshot(ctx).classes
    model = build(p["backbone"], len(labels), p["input_px"], p["seed"])
    history = _fit(ctx, model, None)
    _write(ctx, model, history, p["backbone"], labels, p["input_px"], None, None)


def retrain(ctx: Context) -> None:
    """A saved model and history.json: a pruned network trained on, its zeros held; or, with a regime, a dense
    network that is pruned while it trains on; or neither, which is the control."""
    loaded = saved.load(ctx.inputs["model"])
    model = loaded.model.to(ctx.params["device"])
    regime: dict[str, Any] | None = ctx.params["regime"]
    hooks: Held | None = None
    if regime:
        hooks = _gradual(ctx, model, regime)
    elif loaded.masks:
        hooks = Held(prunable.weights_named(model, loaded.masks), loaded.masks)
    history = _fit(ctx, model, hooks)
    if regime:
        history = replace(history, spared=tuple(regime["spare"]))
    if hooks:
        _check(hooks, regime["target"] if regime else None, regime["scope"] if regime else "")
    a = loaded.architecture
    _write(ctx, model, history, a.backbone, loaded.labels, a.input_px, hooks, a.kept)


def _check(hooks: Held, target: float | None, scope: str) -> None:
    """What was pruned is zero, and as much was pruned as was asked for; a figure that lies is worse than none."""
    for name, mask in hooks.masks.items():
        if bool((hooks.parameters[name] * ~mask).any()):
            raise StepFailed(f"'{name}' has weights that were pruned and are not zero")
    if target is None:
        return
    pools = [list(hooks.masks.values())] if scope == "global" else [[m] for m in hooks.masks.values()]
    for pool in pools:
        n = sum(m.numel() for m in pool)
        dropped = n - sum(int(m.sum()) for m in pool)
        if dropped != count(target, n):
            raise StepFailed(f"{dropped} of {n} weights were pruned, {count(target, n)} were asked for")


def _gradual(ctx: Context, model: nn.Module, regime: dict[str, Any]) -> Gradual:
    """Rises over the first half of the steps; the second half trains at the target, as Zhu & Gupta advise."""
    steps = ctx.params["epochs"] * _photos(ctx).train_batches
    return Gradual(
        prunable.weights(model, regime["spare"]),
        regime["target"],
        begin=0,
        end=min(steps // 2, steps - 1),
        frequency=min(regime["frequency"], max(1, steps // 20)),
        scope=regime["scope"],
    )


def _photos(ctx: Context) -> Photos:
    p = ctx.params
    train, val = part(ctx, "train"), part(ctx, "val")
    size = int(p["recipe"]["batch_size"])
    device = p["device"]

    def batches(epoch: int, start: int) -> Any:
        return loading.batches(
            train.pixels,
            train.positions,
            train.labels,
            batch_size=size,
            seed=p["seed"],
            epoch=epoch,
            start=start,
            augment=p["augment"],
            device=device,
        )

    n = len(train.positions)
    return Photos(batches, lambda: plain(val, device), loading.batch_count(n, size), n)


def plain(side: Part, device: str = "cpu") -> Iterator[Any]:
    """Batches of a part in its own order, as they are."""
    return loading.batches(
        side.pixels,
        side.positions,
        side.labels,
        batch_size=VAL_BATCH,
        seed=0,
        epoch=0,
        shuffle=False,
        device=device,
    )


def _fit(ctx: Context, model: nn.Module, hooks: Held | None) -> History:
    p = ctx.params
    torch.set_num_threads(p["threads"])
    torch.use_deterministic_algorithms(True, warn_only=p["device"] != "cpu")
    fit = Fit(
        model,
        Recipe(**p["recipe"]),
        _photos(ctx),
        epochs=p["epochs"],
        seed=p["seed"],
        precision=p["precision"],
        device=p["device"],
        hooks=hooks,
    )
    _resume(fit, ctx.work)
    at_end, inside = ctx.checkpoint_seconds()
    last = time.monotonic()
    accuracy = fit.rows[-1].val_accuracy if fit.rows else math.nan
    for event in fit.run():
        passed = time.monotonic() - last
        if isinstance(event, Epoch):
            accuracy = event.val_accuracy
            if not math.isfinite(event.train_loss):
                raise StepFailed(f"training diverged: the loss of epoch {event.epoch} is {event.train_loss}")
        if passed >= (at_end if isinstance(event, Epoch) else inside):
            _checkpoint(fit, ctx.work)
            last = time.monotonic()
        if isinstance(event, Tick):
            done = event.epoch - 1 + event.batch / event.batches
            words = f"epoch {event.epoch}/{p['epochs']}"
            if math.isfinite(accuracy):
                words += f", validation {accuracy:.1%}"
            ctx.progress(done, p["epochs"], words)
    return fit.history()


def _checkpoint(fit: Fit, work: Path) -> None:
    """Written whole beside the last one, which stays until the new one is there: two at most."""
    existing = sorted(work.glob("*.ckpt"))
    number = int(existing[-1].stem) + 1 if existing else 0
    scratch = work / "writing.tmp"
    content = io.BytesIO()
    torch.save(fit.state_dict(), content)
    scratch.write_bytes(content.getbuffer())  # torch's own writer hides a full disk behind another error
    scratch.replace(work / f"{number:08d}.ckpt")
    for old in existing[:-1]:
        old.unlink()


def _resume(fit: Fit, work: Path) -> None:
    """From the newest checkpoint that is whole."""
    for path in sorted(work.glob("*.ckpt"), reverse=True):
        try:
            state = torch.load(path, weights_only=True, map_location=fit.device)
        except Exception:  # torch raises many kinds for a torn file; the one before it is whole
            path.unlink()
            continue
        fit.load_state_dict(state)
        return


def _write(
    ctx: Context,
    model: nn.Module,
    history: History,
    backbone: str,
    labels: tuple[str, ...],
    input_px: int,
    hooks: Held | None,
    kept: dict[str, list[int]] | None,
) -> None:
    model.cpu().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    made = {"params": dict(ctx.params), "epochs": len(history.epochs)}
    masks = {name: mask.cpu() for name, mask in hooks.masks.items()} if hooks else None
    saved.save(model, ctx.out, backbone=backbone, labels=labels, input_px=input_px, made=made, masks=masks, kept=kept)
    dump(history, ctx.out / "history.json")
