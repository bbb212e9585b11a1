"""What a random split would have claimed, of a network whose answers are known: it remembers what it was trained on.

What a training learns is a matter of its processor's rounding; this is not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from results_builder import results

from secateur.data.split import split
from secateur.measure.accuracy import evaluate
from secateur.measure.apart import apart
from secateur.records import Claim, Evaluation, Photo, Snapshot
from secateur.report.page import page
from secateur.report.story import tell

CLASSES = ("cat", "dog", "elk")
BURSTS, FRAMES = 40, 5  # of each class
STUB = "window.vegaEmbed = () => Promise.resolve();"


def season() -> Snapshot:
    photos = []
    for label in range(len(CLASSES)):
        for i in range(BURSTS * FRAMES):
            group = label * BURSTS + i // FRAMES
            name, sha = f"{CLASSES[label]}/{i:03d}.jpg", f"{label:02x}{i:062x}"
            photos.append(Photo(name, label, sha, "0" * 16, 64, 64, 1000, group))
    return Snapshot("x", CLASSES, tuple(photos))


def answered(rule: str, remembers: bool) -> tuple[Evaluation, int]:
    """A network that knows a burst of which it has seen a photo, and calls all else a cat; and the test photos that it
    knows so."""
    photos = season().photos
    dealt = split(season(), rule=rule, seed=0)
    seen = {photos[i].group for i in dealt.train}
    labels = np.array([photos[i].label for i in dealt.test])
    groups = np.array([photos[i].group for i in dealt.test])
    known = np.isin(groups, list(seen))
    said = np.where(known & remembers, labels, 0)
    return evaluate(labels, said, CLASSES, "digest", groups), int(known.sum())


def claimed(remembers: bool) -> tuple[dict[str, Any], str]:
    (random, torn), (grouped, kept) = answered("random", remembers), answered("stratified", remembers)
    assert kept == 0  # no burst stands on two sides
    claim = Claim("cnn", 0, random.accuracy, grouped.accuracy, apart(random.accuracy, grouped.accuracy), torn)
    story = tell(replace(results(), claims=(claim,)))
    (row,) = story["random_split"]
    return row, page(story, STUB)


def test_a_network_that_remembers_is_flattered_by_a_random_split():
    row, text = claimed(True)
    assert row["flatters"] and row["gap"]["low"] > 30
    torn = row["torn"] / row["random"]["n"]
    assert 0.9 < torn <= row["random"]["value"]  # it remembers these; of the others the cats are right by chance
    assert row["grouped"]["value"] == pytest.approx(1 / 3, abs=0.02)
    assert "It flatters: the split of this report is the one to believe." in text


def test_of_one_that_learns_nothing_no_difference_is_shown():
    row, text = claimed(False)
    assert not row["flatters"] and row["gap"]["low"] < 0 < row["gap"]["high"]
    assert "No difference is shown here." in text and "It flatters" not in text
