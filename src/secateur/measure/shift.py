"""Do photos from elsewhere look like those that a model was tested on? Its figures here beside those of its study."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from secateur.measure.apart import HOW, apart
from secateur.records import ClassShift, Evaluation, Measured, Shift, Trained


def shift(here: Evaluation, before: Trained) -> Shift:
    """Differences in points, here − there, with the intervals that follow from both.

    What another mix of classes explains is the accuracy that the study's recalls give with the shares that the classes
    have here, less the study's own accuracy (label shift alone; Lipton, Wang, Smola 2018, arXiv:1802.03916, §2). The
    rest is photos of the same class that look different: recalls here less there, with the shares of here. Sums of
    recalls get their intervals by MOVER (see `apart`); balanced accuracy is over the classes that both have.
    """
    recalls = {row.name: row for row in before.classes if row.n}
    there = {name: row.n / max(1, sum(r.n for r in recalls.values())) for name, row in recalls.items()}
    share = {row.name: row.n / here.n for row in here.classes}
    pairs = [(r.name, r.recall, recalls[r.name].recall) for r in here.classes if r.n and r.name in recalls]
    rows = [ClassShift(name, now, then, apart(now, then)) for name, now, then in pairs]
    accuracy = apart(here.accuracy, before.accuracy)
    mix = sum(abs(share.get(name, 0.0) - there.get(name, 0.0)) for name in share.keys() | there.keys()) / 2
    weight = sum(share[row.name] for row in rows) or 1.0
    looks = _weighted(rows, [share[row.name] / weight for row in rows], here.n)
    balanced = _weighted(rows, [1 / len(rows)] * len(rows), here.n)
    if len(rows) < len(recalls):
        doubt = f"over the {len(rows)} classes that both have, of {len(recalls)}"
        balanced = replace(balanced, doubts=(*balanced.doubts, doubt))
    verdict, explained = _verdict(looks), accuracy.value - looks.value
    order = tuple(sorted(rows, key=lambda row: row.difference.value))
    return Shift(verdict, accuracy, balanced, looks, explained, mix, order, _said(accuracy, looks, explained))


def _weighted(rows: Sequence[ClassShift], weights: Sequence[float], n: int) -> Measured:
    """Σ w · (recall here − there), in points."""
    value = sum(w * row.difference.value for w, row in zip(weights, rows, strict=True))
    spans: list[tuple[float, float]] = []
    for w, row in zip(weights, rows, strict=True):
        d = row.difference
        if d.low is None or d.high is None:
            return Measured(value, "points", n=n, how=HOW)
        spans.append((w * (d.value - d.low), w * (d.high - d.value)))
    low, high = (value - math.hypot(*(s[0] for s in spans)), value + math.hypot(*(s[1] for s in spans)))
    return Measured(value, "points", low, high, n, HOW)


def _verdict(looks: Measured) -> Literal["lower", "higher", "not shown"]:
    if looks.high is not None and looks.high < 0:
        return "lower"
    return "higher" if looks.low is not None and looks.low > 0 else "not shown"


def _said(accuracy: Measured, looks: Measured, explained: float) -> str:
    verdict = _verdict(looks)
    same = {
        "lower": "photos of the same classes are harder here",
        "higher": "photos of the same classes are easier here",
        "not shown": "that photos of the same classes are harder or easier here is not shown",
    }[verdict]
    interval = f" [{looks.low:+.1f}, {looks.high:+.1f}]" if looks.low is not None and looks.high is not None else ""
    return (
        f"Accuracy changes by {_signed(accuracy.value)} points: {_signed(explained)} from another mix of classes, "
        f"{_signed(looks.value)}{interval} from how photos look; {same}."
    ).replace("-", "−")


def _signed(points: float) -> str:
    """Without a −0.0."""
    return f"{round(points, 1) + 0.0:+.1f}"
