"""A Snapshot's photos on three sides: training, validation, test."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict

import numpy as np

from secateur.data.dealing import deal
from secateur.errors import NotKnown, UserError
from secateur.records import Problem, Snapshot, Split

Fractions = tuple[float, float, float]
Sides = tuple[list[int], list[int], list[int]]
SIDES = ("train", "val", "test")
OVER = 1.1  # times its quota that a side may hold of a class before it is said


def split(
    snapshot: Snapshot,
    *,
    rule: str = "stratified",
    fractions: Fractions = (0.70, 0.15, 0.15),
    seed: int = 0,
) -> Split:
    """The photos on three sides, by a rule of RULES.

    stratified: each class in the given fractions, near-duplicate groups on one side.
    folders: the folder's own train/val/test; a side that is missing is taken out of train, as `stratified`.
    random: as `stratified`, but photos that belong together are torn apart: it claims too much.
    study-transfer: the original study's 80/20, shuffled, then the first fifth of the rest (rounded down) is
    validation; `fractions` and groups play no part. study-cnn: the same as `random`, as the study did.

    Raises NotKnown for the rule; UserError: fractions not positive with sum 1, a class with too few photos
    for three sides, no parts in the folder.
    """
    if rule not in RULES:
        raise NotKnown("split rule", rule, RULES)
    if min(fractions) <= 0 or not math.isclose(sum(fractions), 1, abs_tol=1e-6):
        raise UserError(f"split fractions {fractions} are not allowed; three positive numbers with sum 1 are")
    train, val, test = (tuple(sorted(side)) for side in RULES[rule](snapshot, fractions, seed))
    made = Split(train, val, test, rule, seed, fractions)
    _check(snapshot, made)
    return made


def digest(split: Split) -> str:
    """sha256 over the positions, the rule, its seed and fractions."""
    return hashlib.sha256(json.dumps(asdict(split), sort_keys=True).encode()).hexdigest()


def study_transfer(n: int, seed: int) -> Sides:
    """Positions of n photos by the study's transfer rule: 28,098 → 17,983 / 4,495 / 5,620.

    The shuffle is NumPy's frozen legacy stream, as scikit-learn's train_test_split uses it.
    """
    order = np.random.RandomState(seed).permutation(n).tolist()
    test = -(-n // 5)  # rounded up, as scikit-learn does
    val = (n - test) // 5
    return order[test + val :], order[test : test + val], order[:test]


def straddling(snapshot: Snapshot, split: Split) -> tuple[Problem, ...]:
    """Photos that belong together and stand on several sides: they leak. None under `stratified`."""
    side = {i: name for name in SIDES for i in getattr(split, name)}
    members: dict[int, list[int]] = {}
    for i in side:
        members.setdefault(snapshot.photos[i].group, []).append(i)
    found = []
    for group in members.values():
        first, *others = sorted(group)
        if len({side[i] for i in group}) > 1:
            where = ", ".join(f"{snapshot.photos[i].path} ({side[i]})" for i in others)
            why = f"in {side[first]}, what belongs with it on other sides too: {where}"
            found.append(Problem(snapshot.photos[first].path, "straddles", why, left_out=False))
    return tuple(found)


def oversized(snapshot: Snapshot, split: Split) -> tuple[Problem, ...]:
    """Sides that hold more of a class than they should, since a group is larger than a side is; the group is named by
    its first photo."""
    side = {i: name for name in SIDES for i in getattr(split, name)}
    members: dict[int, list[int]] = {}
    for i in sorted(side):
        members.setdefault(snapshot.photos[i].group, []).append(i)
    held: dict[tuple[int, str], list[list[int]]] = {}
    for group in members.values():
        if len({side[i] for i in group}) > 1:
            continue  # torn apart: see `straddling`
        for label in {snapshot.photos[i].label for i in group}:
            held.setdefault((label, side[group[0]]), []).append([i for i in group if snapshot.photos[i].label == label])
    counts = snapshot.counts()
    found = []
    for (label, name), groups in sorted(held.items()):
        n, quota = sum(map(len, groups)), counts[label] * split.fractions[SIDES.index(name)]
        largest = max(groups, key=len)
        if len(largest) > counts[label] * min(split.fractions) and n > quota * OVER + 1:
            why = (
                f"{len(largest)} of the {counts[label]} photos of class '{snapshot.classes[label]}' belong together, "
                f"so {name} holds {n} of them instead of about {quota:.0f}"
            )
            found.append(Problem(snapshot.photos[largest[0]].path, "large group", why, left_out=False))
    return tuple(found)


def _stratified(snapshot: Snapshot, fractions: Fractions, seed: int) -> Sides:
    return deal(snapshot, range(len(snapshot.photos)), fractions, seed)


def _ungrouped(snapshot: Snapshot, fractions: Fractions, seed: int) -> Sides:
    return deal(snapshot, range(len(snapshot.photos)), fractions, seed, keep_groups=False)


def _study_transfer(snapshot: Snapshot, fractions: Fractions, seed: int) -> Sides:
    return study_transfer(len(snapshot.photos), seed)


def _folders(snapshot: Snapshot, fractions: Fractions, seed: int) -> Sides:
    sides: dict[str, list[int]] = {name: [] for name in SIDES}
    for i, photo in enumerate(snapshot.photos):
        if photo.part in sides:
            sides[photo.part].append(i)
    if not sides["train"] or sum(map(len, sides.values())) < len(snapshot.photos):
        raise UserError(
            f"split rule 'folders' needs train/ beside val/ or test/ under {snapshot.root}, with every photo in one"
        )
    missing = [not sides[name] for name in SIDES]
    if any(missing):
        share = [f if i == 0 or missing[i] else 0.0 for i, f in enumerate(fractions)]
        carved = deal(snapshot, sides["train"], [f / sum(share) for f in share], seed)
        sides["train"] = carved[0]
        for i in (1, 2):
            sides[SIDES[i]] = carved[i] if missing[i] else sides[SIDES[i]]
    return sides["train"], sides["val"], sides["test"]


RULES: dict[str, Callable[[Snapshot, Fractions, int], Sides]] = {
    "stratified": _stratified,
    "folders": _folders,
    "random": _ungrouped,
    "study-transfer": _study_transfer,
    "study-cnn": _ungrouped,
}


def _check(snapshot: Snapshot, split: Split) -> None:
    """Every class on every side: a class that was never trained, or never tested, makes every figure a lie."""
    for name in SIDES:
        there = {snapshot.photos[i].label for i in getattr(split, name)}
        for label, n in enumerate(snapshot.counts()):
            if label not in there:
                _too_few(snapshot, label, n, name)


def _too_few(snapshot: Snapshot, label: int, n: int, side: str) -> None:
    groups = {p.group for p in snapshot.photos if p.label == label}
    near = f" in {len(groups)} groups" if len(groups) > 1 else " in one group"
    near = near if len(groups) < n else ""
    raise UserError(
        f"too few photos to split: class '{snapshot.classes[label]}' has {n}{near}, none of them would be in "
        f"{side}; at least 3 different photos a class are needed, better 20"
    )
