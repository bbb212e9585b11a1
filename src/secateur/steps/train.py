"""Steps that train: the dense network, and a pruned one again."""

from __future__ import annotations

import io
import math
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from secateur import catalogue
from secateur.errors import StepFailed, UserError
from secateur.files import dump, read
from secateur.models import prunable, saved, weights
from secateur.models.build import build
from secateur.models.transfer import Transfer
from secateur.pruning.masks import count
from secateur.pruning.penalties import PENALTIES, Penalty
from secateur.pruning.regimes import Course, Held
from secateur.records import Epoch, History
from secateur.steps.batches import Normal, drawn
from secateur.steps.context import Context
from secateur.steps.lessons import open_lessons
from secateur.steps.photos import snapshot
from secateur.training.fit import Fit, Tick
from secateur.training.memory import MemoryPlan, plan_memory
from secateur.training.recipes import Recipe


def train(ctx: Context) -> None:
    """A saved model and history.json: the dense network. The CNN from fresh weights; of a timm network the head, on
    the features of the frozen backbone."""
    p = ctx.params
    photos = snapshot(ctx)
    labels = photos.classes
    options = p.get("options")
    model = build(p["backbone"], len(labels), p["input_px"], p["seed"], options)
    about = saved.preprocess_for(p["input_px"], depth=photos.depth)
    made: dict[str, Any] = {"params": dict(p)}
    if options:
        assert isinstance(model, Transfer)
        origin = weights.load(model.body, ctx.inputs["weights"])
        about = saved.preprocess_for(p["input_px"], origin.mean, origin.std, photos.depth)
        made |= {"weights": asdict(origin)}
    history = _fit(ctx, _head_of(model) or model if options else model, None, saved.normal(about))
    kind = Kind(p["backbone"], labels, p["input_px"], about, dict(options or {}), made)
    _write(ctx, model, history, kind, None, None)


def begin(ctx: Context) -> None:
    """A saved model: the weights that `train` of the same seed begins with."""
    p, photos = ctx.params, snapshot(ctx)
    labels = photos.classes
    model = build(p["backbone"], len(labels), p["input_px"], p["seed"])
    kind = {"backbone": p["backbone"], "labels": labels, "input_px": p["input_px"], "made": {"params": dict(p)}}
    saved.save(model, ctx.out, preprocess=saved.preprocess_for(p["input_px"], depth=photos.depth), **kind)


def adopt(ctx: Context) -> None:
    """A saved model and history.json: somebody's model, its classes in the order of this study's photos."""
    loaded = saved.load(ctx.inputs["start"])
    photos = snapshot(ctx)
    labels = photos.classes
    if sorted(labels) != sorted(loaded.labels):
        odd = sorted(set(labels) ^ set(loaded.labels))[0]
        where = "the photos" if odd in labels else "the model"
        raise UserError(f"the model to begin from has other classes: '{odd}' is known to {where} only")
    _reorder(loaded.model, [loaded.labels.index(name) for name in labels])
    history = History((), 0, False, "none", "fp32", "cpu", 0, converged=True)
    a = loaded.architecture
    about = saved.deep(loaded.preprocess, photos.depth)
    kind = Kind(a.backbone, labels, a.input_px, about, a.options, loaded.made)
    hooks = Held(prunable.weights_named(loaded.model, loaded.masks), loaded.masks) if loaded.masks else None
    _write(ctx, loaded.model, history, kind, hooks, a.kept)


def _reorder(model: nn.Module, rows: list[int]) -> None:
    last = dict(prunable.layers(model))[prunable.classifier(model)]
    with torch.no_grad():
        last.weight.copy_(last.weight[rows].clone())
        if last.bias is not None:
            last.bias.copy_(last.bias[rows].clone())


def retrain(ctx: Context) -> None:
    """A saved model and history.json: a pruned network trained on, its zeros held; or, with a regime, a network
    that is pruned while it trains, or kept under a penalty; or neither, which is the control."""
    loaded = saved.load(ctx.inputs["model"])
    model = loaded.model.to(ctx.params["device"])
    head = ctx.params.get("tune") == "head"
    trained = _head_of(model) if head else model
    assert trained is not None
    regime: dict[str, Any] | None = ctx.params["regime"]
    hooks: Held | Penalty | None = None
    if regime:
        hooks = _hooks(ctx, model, regime)
    elif loaded.masks:
        hooks = Held(prunable.weights_named(model, loaded.masks), loaded.masks)
    history = _fit(ctx, trained, hooks, saved.normal(loaded.preprocess))
    history = replace(history, epochs_before=ctx.params.get("epochs_before") or 0)
    if regime and "spare" in regime:
        history = replace(history, spared=(*regime["spare"], *_first(model, regime)))
    if hooks:
        history = replace(history, notes=history.notes + _emptied(hooks))
        _check(hooks, regime.get("target") if regime else None, regime.get("scope", "") if regime else "")
    a = loaded.architecture
    made = {"params": dict(ctx.params)} | {k: v for k, v in loaded.made.items() if k == "weights"}
    kind = Kind(a.backbone, loaded.labels, a.input_px, loaded.preprocess, a.options, made)
    _write(ctx, model, history, kind, hooks, a.kept)


def _emptied(hooks: Held | Penalty) -> tuple[str, ...]:
    """A threshold over the whole network may take all of a layer: no training brings that back."""
    gone = [name.removesuffix(".weight") for name, mask in hooks.masks.items() if not bool(mask.any())]
    return (f"every weight of {', '.join(gone)} was pruned; spare it, or prune by layer",) if gone else ()


def _check(hooks: Held | Penalty, target: float | None, scope: str) -> None:
    """What was pruned is zero, and as much was pruned as was asked for; a figure that lies is worse than none."""
    for name, mask in hooks.masks.items():
        if bool((hooks.parameters[name] * ~mask).any()):
            raise StepFailed(f"'{name}' has weights that were pruned and are not zero")
    if target is None:
        return
    pools = [list(hooks.masks.values())] if scope in ("global", "erk") else [[m] for m in hooks.masks.values()]
    for pool in pools:
        n = sum(m.numel() for m in pool)
        dropped = n - sum(int(m.sum()) for m in pool)
        if dropped != count(target, n):
            raise StepFailed(f"{dropped} of {n} weights were pruned, {count(target, n)} were asked for")


def _first(model: nn.Module, regime: dict[str, Any]) -> tuple[str, ...]:
    """The first layer, where a method keeps it whole and nobody asked for that."""
    name = prunable.first(model)
    return (name,) if regime.get("whole_first") and name not in regime["spare"] else ()


def _hooks(ctx: Context, model: nn.Module, regime: dict[str, Any]) -> Held | Penalty:
    """What moves or holds weights while it trains."""
    if "penalty" in regime:
        return PENALTIES[regime["penalty"]](model)
    weights = prunable.weights(model, regime["spare"], regime.get("part") or "all", bool(regime.get("whole_first")))
    steps = ctx.params["epochs"] * drawn(ctx).train_batches
    course = Course(steps, regime["frequency"], regime["scope"], ctx.params["seed"])
    hooks: Held = catalogue.load(catalogue.method(regime["method"]).where)(weights, regime["target"], course)
    return hooks


def _fit(ctx: Context, model: nn.Module, hooks: Held | Penalty | None, normal: Normal) -> History:
    p = ctx.params
    torch.set_num_threads(p["threads"])
    torch.use_deterministic_algorithms(True, warn_only=p["device"] != "cpu")
    # deterministic mode would fill memory that nothing reads, at every step
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    recipe = Recipe(**p["recipe"])
    if "features" in ctx.inputs:
        recipe = replace(recipe, bn="live")  # a new head alone: its batch norms have no statistics to hold
    plan = _within(ctx, model, recipe) if p.get("memory") else None
    fit = Fit(
        model,
        recipe,
        drawn(ctx, normal),
        epochs=p["epochs"],
        seed=p["seed"],
        precision=p["precision"],
        device=p["device"],
        hooks=hooks,
        lessons=open_lessons(ctx.inputs["lessons"]) if "lessons" in ctx.inputs else None,
        distil=p.get("distil") or 0.0,
        micro_batch=plan.micro_batch if plan else 0,
        eval_batch=plan.eval_batch if plan else 0,
        checkpointing=plan.checkpointing if plan else False,
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
    notes = (*((plan.words,) if plan else ()), *fit.notes())
    return replace(fit.history(), notes=notes)


def _within(ctx: Context, model: nn.Module, recipe: Recipe) -> MemoryPlan:
    """How to stay under the study's memory; a training that goes on keeps the way that it began with."""
    p, file = ctx.params, ctx.work / "memory.json"
    if file.is_file():
        return read(MemoryPlan, file)
    px = saved.load(ctx.inputs["model"]).architecture.input_px
    plan = plan_memory(model, recipe, px, p["memory"], precision=p["precision"], device=p["device"])
    dump(plan, file)
    return plan


def _head_of(model: nn.Module | None) -> nn.Module | None:
    head: Any = model.head if model is not None else None
    return head  # type: ignore[no-any-return]


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


@dataclass(frozen=True, slots=True)
class Kind:
    """What of a saved model is not its weights."""

    backbone: str
    labels: tuple[str, ...]
    input_px: int
    preprocess: dict[str, Any]
    options: dict[str, str]
    made: dict[str, Any]


def _write(
    ctx: Context,
    model: nn.Module,
    history: History,
    kind: Kind,
    hooks: Held | Penalty | None,
    kept: dict[str, list[int]] | None,
) -> None:
    model.cpu().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    masks = {name: mask.cpu() for name, mask in hooks.masks.items()} if hooks and hooks.masks else None
    saved.save(
        model,
        ctx.out,
        backbone=kind.backbone,
        labels=kind.labels,
        input_px=kind.input_px,
        made=kind.made | {"epochs": len(history.epochs)},
        masks=masks,
        kept=kept,
        options=kind.options,
        preprocess=kind.preprocess,
    )
    dump(history, ctx.out / "history.json")
