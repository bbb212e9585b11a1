"""Does a file answer as it should? On validation photos, for every file that is made; where these are few, logits are
compared on training photos, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from secateur import catalogue
from secateur.errors import StepFailed
from secateur.files import dump
from secateur.forms import runtime
from secateur.forms.int8 import PHOTOS, WEIGHTS
from secateur.forms.parity import (
    FP16_ALIKE,
    FP16_LOSES,
    INT8_LOSES,
    TOLERANCE_FP32,
    Agreement,
    agreement,
    error,
    gate,
)
from secateur.measure.accuracy import proportion
from secateur.measure.lost import change
from secateur.measure.runtimes import open_model
from secateur.measure.tables import mean_of
from secateur.models import saved
from secateur.records import Measured, Parity
from secateur.steps.batches import plain
from secateur.steps.context import Context
from secateur.steps.photos import Part, part

BATCH = 64
LOOKED = 200  # photos whose logits are compared, at least, where there are as many
Logits = npt.NDArray[np.float32]  # (n, classes)
Report = Callable[[float, float, str], None]


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """The photos that are looked at: validation first, then training ones."""

    photos: Part
    n: int  # of validation
    true: npt.NDArray[np.int64]  # (n,)
    groups: npt.NDArray[np.int64]  # (n,)


def parity(ctx: Context) -> None:
    """parity.json: photos through both, the network and its ONNX file, or that and another file that was made of it.
    Raises StepFailed with the figure when they are shown to differ by more than the form allows."""
    if "format" not in ctx.params:
        _network_parity(ctx)
        return
    row = catalogue.export(ctx.params["format"])
    seen = _seen(ctx)
    files = (ctx.inputs["float"] / "model.onnx", "onnxruntime"), (ctx.inputs["export"] / row.file, row.runtime)
    before, after = (_answers(file, kind, seen.photos, ctx.progress) for file, kind in files)
    _same_shape(before, after)
    if not np.isfinite(after).all():
        raise StepFailed(f"the {row.name} file answers with numbers that are none")
    weights = _weights(ctx.inputs["export"] / row.file) if row.of == "photos" else ""
    _dump(ctx, before, after, seen, *_allowed(row, before, after, seen), _doubts(ctx, row), weights)


def _seen(ctx: Context) -> _Seen:
    """All of validation, and as many training photos as are wanting; the last in the order whose first calibrate."""
    val, train = part(ctx, "val"), part(ctx, "train")
    n = len(val.positions)
    order = np.random.default_rng(0).permutation(len(train.positions))[::-1]
    more = np.sort(train.positions[order[: max(LOOKED - n, 0)]])
    photos = replace(val, positions=np.concatenate([val.positions, more]))
    return _Seen(photos, n, val.labels[val.positions], val.groups[val.positions])


def _weights(file: Path) -> str:
    told: str = runtime.load(file).session.get_modelmeta().custom_metadata_map.get(WEIGHTS, "")
    return told


def _doubts(ctx: Context, row: catalogue.Export) -> tuple[str, ...]:
    photos = len(part(ctx, "train").positions) if row.of == "photos" else PHOTOS
    return (f"calibrated with {photos} photos, not {PHOTOS}",) if photos < PHOTOS else ()


def _allowed(
    row: catalogue.Export, before: Logits, after: Logits, seen: _Seen
) -> tuple[float, Measured | None, tuple[str, ...]]:
    """The tolerance, the change that it bounds, and what the photos leave open. Raises StepFailed with the figure where
    the file is shown to change more."""
    if row.parity == "fp32":
        if not (agreed := agreement(before, after)).ok:
            raise StepFailed(f"the {row.name} file does not answer as the ONNX file: {_differ(agreed)}")
        return TOLERANCE_FP32, None, ()
    first, second = before[: seen.n].argmax(1), after[: seen.n].argmax(1)
    if row.parity == "int8":
        right = first == seen.true, second == seen.true
        moved, allowed, what = change(*right, seen.groups), INT8_LOSES, "loses at most 1 point"
        said = f"INT8 loses {_lost(moved)} on {seen.n:,} validation photos (allowed 1): "
        said += f"{right[0].mean():.1%} to {right[1].mean():.1%}"
    else:
        moved = change(np.ones(seen.n, bool), first == second, seen.groups)
        allowed, what = FP16_LOSES, f"decides as the FP32 file at least {FP16_ALIKE:.1%}"
        said = (
            f"the {row.name} file decides {(first == second).mean():.2%} of {seen.n:,} validation photos as the FP32 "
        )
        said += f"file does (allowed {FP16_ALIKE:.1%}): {_lost(moved)} fewer"
    judged = gate(moved, allowed)
    if judged == "fails":
        raise StepFailed(said)
    groups = len(np.unique(seen.groups))
    of = f" in {groups:,} groups" if groups < seen.n else ""
    doubt = f"{seen.n:,} validation photos{of} do not show that {row.name} {what}: {_changed(moved)}"
    return allowed, moved, (doubt,) if judged == "not shown" else ()


def _lost(moved: Measured) -> str:
    """'3.0 points [1.9, 4.1]', of what went."""
    assert moved.low is not None and moved.high is not None
    return f"{-moved.value + 0:.1f} points [{-moved.high + 0:.1f}, {-moved.low + 0:.1f}]"


def _changed(moved: Measured) -> str:
    return f"{moved.value:+.1f} points [{moved.low:+.1f}, {moved.high:+.1f}]".replace("-", "\u2212")


def _differ(agreed: Agreement) -> str:
    return (
        f"logits differ by {agreed.relative_difference:.2g} of the largest (allowed {TOLERANCE_FP32:g}), "
        f"decisions equal: {agreed.decisions_equal}"
    )


def _same_shape(before: Logits, after: Logits) -> None:
    if before.shape != after.shape:
        raise StepFailed(f"the file answers with {after.shape[1:]} numbers a photo, not {before.shape[1:]}")


def _answers(file: Path, kind: str, photos: Part, progress: Report) -> Logits:
    """(n, classes) of the photos, as many at a time as the file takes."""
    n, size = len(photos.positions), BATCH
    if kind == "onnxruntime":
        answer: Callable[[Any], Any] = runtime.load(file).logits
    elif kind == "torch":
        answer = catalogue.load("secateur.measure.program:open_program")(file).call
    else:
        opened = open_model(file, kind, threads=0)
        answer, size = opened.call, opened.fixed_batch or BATCH
    found = []
    for i in range(0, n, size):
        found.append(np.array(answer(photos.pixels[photos.positions[i : i + size]])))
        progress(i, n, f"photos through {file.name}")
    return np.concatenate(found)


@torch.no_grad()
def _network_parity(ctx: Context) -> None:
    seen = _seen(ctx)
    photos = seen.photos
    loaded = saved.load(ctx.inputs["model"])
    exported = runtime.load(ctx.inputs["export"] / "model.onnx")
    said: list[Logits] = []
    answered: list[Logits] = []
    for x, _ in plain(photos, normal=saved.normal(loaded.preprocess), size=BATCH):
        at = sum(map(len, said))
        said.append(loaded.model(x).numpy())
        answered.append(exported.logits(photos.pixels[photos.positions[at : at + len(x)]]))
        ctx.progress(at, len(photos.positions), "photos")
    network, file = np.concatenate(said), np.concatenate(answered)
    if not (agreed := agreement(network, file)).ok:
        raise StepFailed(f"the ONNX file does not answer as the network: {_differ(agreed)}")
    _dump(ctx, network, file, seen, TOLERANCE_FP32, None, (), ())


def _dump(
    ctx: Context,
    before: Logits,
    after: Logits,
    seen: _Seen,
    tolerance: float,
    moved: Measured | None,
    open: tuple[str, ...],
    doubts: tuple[str, ...],
    weights: str = "",
) -> None:
    agreed = agreement(before, after)
    decided = after[: seen.n].argmax(1)
    alike = float((before[: seen.n].argmax(1) == decided).mean())
    equal = agreed.decisions_equal if tolerance == TOLERANCE_FP32 else alike == 1.0
    dump(
        Parity(
            n=seen.n,
            relative_logit_difference=agreed.relative_difference,
            tolerance=tolerance,
            decisions_equal=equal,
            near_ties=agreed.near_ties,
            val_accuracy=proportion(mean_of(decided == seen.true, seen.groups), "no validation photos"),
            ok=True,
            equal_decisions=alike,
            looked=len(after),
            error=error(before, after),
            change=moved,
            doubts=(*open, *doubts),
            weights=weights,
        ),
        ctx.out / "parity.json",
    )
