"""Do photos from elsewhere look like those that a model was tested on? Its figures here beside those of its study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from secateur.measure.apart import apart
from secateur.records import ClassRow, ClassShift, Evaluation, Shift, Trained


def shift(here: Evaluation, before: Trained) -> Shift:
    """Differences in points, here − there, with the intervals that follow from both.

    What another mix of classes explains is the accuracy that the study's recalls give with the shares that the classes
    have here, less the study's own accuracy (label shift alone; Lipton, Wang, Smola 2018, arXiv:1802.03916, §2). The
    rest is photos that look different.
    """
    recalls = {row.name: row for row in before.classes if row.n}
    there = {name: row.n / max(1, sum(r.n for r in recalls.values())) for name, row in recalls.items()}
    share = {row.name: row.n / here.n for row in here.classes}
    known = [row for row in here.classes if row.n and row.name in recalls]
    explained = _explained(share, recalls, before)
    accuracy = apart(here.accuracy, before.accuracy)
    rows = [
        ClassShift(r.name, r.recall, recalls[r.name].recall, apart(r.recall, recalls[r.name].recall)) for r in known
    ]
    mix = sum(abs(share.get(name, 0.0) - there.get(name, 0.0)) for name in share.keys() | there.keys()) / 2
    verdict = _verdict(accuracy.low, accuracy.high)
    return Shift(
        verdict,
        accuracy,
        apart(here.balanced_accuracy, before.balanced_accuracy),
        explained,
        mix,
        tuple(sorted(rows, key=lambda row: row.difference.value)),
        _said(verdict, accuracy.value, explained),
    )


def _explained(share: dict[str, float], recalls: Mapping[str, ClassRow], before: Trained) -> float:
    rows = [row for row in before.classes if row.name in recalls]
    weight = sum(share.get(row.name, 0.0) for row in rows)
    if not weight:
        return 0.0
    expected = sum(share.get(row.name, 0.0) * row.recall.value for row in rows) / weight
    return 100 * (expected - before.accuracy.value)


def _verdict(low: float | None, high: float | None) -> Literal["lower", "higher", "not shown"]:
    if high is not None and high < 0:
        return "lower"
    return "higher" if low is not None and low > 0 else "not shown"


def _said(verdict: str, points: float, explained: float) -> str:
    if verdict == "not shown":
        return "No difference to the study's test photos is shown; with more photos there might be one."
    rest = round(points - explained, 1) + 0.0  # no −0.0
    way = "lower" if verdict == "lower" else "higher"
    return (
        f"Accuracy is {abs(points):.1f} points {way} than on the study's own test photos: {explained:+.1f} from "
        f"another mix of classes, {rest:+.1f} from photos that look different."
    ).replace("-", "−")
