"""Sides: exact counts, whole groups, one seed one split, and errors that name the class."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secateur.data.dealing import subset
from secateur.data.split import RULES, SIDES, digest, split, straddling, study_transfer
from secateur.errors import NotKnown, UserError
from secateur.records import Photo, Snapshot


def photo(n, label, group, part=""):
    sha = hashlib.sha256(f"{n}".encode()).hexdigest()
    return Photo(f"{label}/{n}.jpg", label, sha, "0" * 16, 8, 8, 10, group, part)


def snapshot(sizes, part=lambda i: ""):
    """sizes: for each class the sizes of its groups."""
    photos, group = [], 0
    for label, groups in enumerate(sizes):
        for size in groups:
            photos += [photo(len(photos) + k, label, group, part(len(photos) + k)) for k in range(size)]
            group += 1
    photos.sort(key=lambda p: (p.label, p.sha256))
    return Snapshot("root", tuple(f"class {i}" for i in range(len(sizes))), tuple(photos))


def per_class(shot, positions):
    return [Counter(shot.photos[i].label for i in positions)[c] for c in range(len(shot.classes))]


def sides(made):
    return [getattr(made, name) for name in SIDES]


@pytest.mark.parametrize("rule", ["stratified", "study-cnn", "study-transfer"])
def test_every_photo_is_on_one_side(rule):
    shot = snapshot([[1] * 40 + [3] * 5, [1] * 20, [2] * 30])
    made = split(shot, rule=rule)
    assert sorted(sum(sides(made), ())) == list(range(len(shot.photos)))
    assert all(list(side) == sorted(side) for side in sides(made))


def test_stratified_meets_its_fractions_exactly_where_photos_are_single():
    shot = snapshot([[1] * 100, [1] * 200])
    made = split(shot)
    assert [per_class(shot, side) for side in sides(made)] == [[70, 140], [15, 30], [15, 30]]


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.lists(st.integers(1, 6), min_size=3, max_size=40), min_size=2, max_size=4),
    seed=st.integers(0, 1000),
)
def test_groups_stay_whole_every_class_is_everywhere_and_fractions_are_close(sizes, seed):
    shot = snapshot(sizes)
    made = split(shot, seed=seed)
    assert straddling(shot, made) == ()
    for side, fraction in zip(sides(made), made.fractions, strict=True):
        for count, total in zip(per_class(shot, side), shot.counts(), strict=True):
            assert count >= 1 and abs(count - fraction * total) <= 13  # two of the largest groups, and one


def test_groups_that_span_classes_stay_whole():
    shot = snapshot([[1] * 30, [1] * 30])
    tied = tuple(replace(p, group=p.group % 30) for p in shot.photos)  # photo k of both classes
    shot = replace(shot, photos=tied)
    made = split(shot)
    assert straddling(shot, made) == ()
    assert [len(side) for side in sides(made)] == pytest.approx([42, 9, 9], abs=3)


def test_three_bursts_make_three_sides():
    shot = snapshot([[10, 10, 10], [2, 2, 2]])
    assert [per_class(shot, s) for s in sides(split(shot))] == [[10, 2]] * 3


def test_big_groups_are_not_all_kept_for_training():
    shot = snapshot([[5] * 200, [5] * 200])
    made = split(shot)
    assert [len(side) for side in sides(made)] == pytest.approx([1400, 300, 300], abs=20)


def test_seeds():
    shot = snapshot([[1] * 60, [2] * 30])
    assert split(shot, seed=3) == split(shot, seed=3) != split(shot, seed=4)
    assert digest(split(shot, seed=3)) == digest(split(shot, seed=3)) != digest(split(shot, seed=4))
    assert len(digest(split(shot))) == 64


def test_one_new_photo_moves_few_others():
    shot = snapshot([[1] * 100, [1] * 100])
    more = Snapshot(
        "root", shot.classes, tuple(sorted((*shot.photos, photo(999, 0, 999)), key=lambda p: (p.label, p.sha256)))
    )
    before = {shot.photos[i].sha256: n for n, side in enumerate(sides(split(shot))) for i in side}
    after = {more.photos[i].sha256: n for n, side in enumerate(sides(split(more))) for i in side}
    assert sum(before[s] != after[s] for s in before) <= 10


def test_the_studys_counts_are_exact():
    train, val, test = study_transfer(28_098, 42)
    assert (len(train), len(val), len(test)) == (17_983, 4_495, 5_620)
    assert sorted(train + val + test) == list(range(28_098))


def test_the_studys_shuffle_is_scikit_learns():
    from sklearn.model_selection import train_test_split

    rest, test = train_test_split(np.arange(1003), test_size=0.2, random_state=42)
    mine = study_transfer(1003, 42)
    assert set(mine[2]) == set(test.tolist())
    assert mine[1] == rest[: len(rest) // 5].tolist() and mine[0] == rest[len(rest) // 5 :].tolist()


def test_the_studys_rules_leak_and_that_is_listed():
    shot = snapshot([[2] * 60, [2] * 60])
    for rule in ("study-cnn", "study-transfer"):
        found = straddling(shot, split(shot, rule=rule))
        assert len(found) > 10 and not any(p.left_out for p in found)
    assert per_class(shot, split(shot, rule="study-cnn").test) == [18, 18]


def test_folders_are_respected_and_what_straddles_is_listed():
    part = lambda i: ("train", "val", "test")[i % 3]  # noqa: E731
    shot = snapshot([[1] * 30 + [2], [1] * 30], part)
    made = split(shot, rule="folders")
    for name, side in zip(SIDES, sides(made), strict=True):
        assert {shot.photos[i].part for i in side} == {name}
    assert len(straddling(shot, made)) == 1


@pytest.mark.parametrize("missing", ["val", "test"])
def test_a_missing_part_is_carved_out_of_train(missing):
    other = "test" if missing == "val" else "val"
    shot = snapshot([[1] * 100, [2] * 50], lambda i: other if i % 5 == 0 else "train")
    made = split(shot, rule="folders")
    assert {shot.photos[i].part for i in getattr(made, other)} == {other}
    carved = getattr(made, missing)
    assert {shot.photos[i].part for i in carved} == {"train"}
    assert len(carved) == pytest.approx(160 * 0.15 / 0.85, abs=3)
    inside = {shot.photos[i].group for i in carved} & {shot.photos[i].group for i in made.train}
    assert inside == set()


def test_folders_without_parts():
    with pytest.raises(UserError, match="train/"):
        split(snapshot([[1] * 9, [1] * 9]), rule="folders")


@pytest.mark.parametrize("sizes", [[[1] * 20, [1]], [[1] * 20, [1, 1]], [[1] * 20, [9, 9]]])
def test_too_few_photos_name_the_class_and_its_count(sizes):
    n = sum(sizes[1])
    with pytest.raises(UserError, match=f"class 'class 1' has {n}") as caught:
        split(snapshot(sizes))
    assert "\n" not in str(caught.value)


def test_a_rule_misspelt():
    with pytest.raises(NotKnown, match="did you mean 'stratified'"):
        split(snapshot([[1] * 9, [1] * 9]), rule="stratifed")
    assert set(RULES) == {"stratified", "folders", "random", "study-transfer", "study-cnn"}


@pytest.mark.parametrize("fractions", [(0.7, 0.3, 0.0), (0.7, 0.2, 0.2), (1.2, -0.1, -0.1), (float("nan"), 0.5, 0.5)])
def test_fractions(fractions):
    with pytest.raises(UserError, match="sum 1"):
        split(snapshot([[1] * 9, [1] * 9]), fractions=fractions)


def test_subset_is_exact_stratified_and_keeps_groups():
    shot = snapshot([[1] * 300, [2] * 50 + [1] * 100, [1] * 4])
    few = subset(shot, 101, seed=1)
    assert len(few.photos) == 101 and few.counts() == pytest.approx((49, 34, 3), abs=16)
    assert few.counts()[2] >= 3 and few.classes == shot.classes
    assert few == subset(shot, 101, seed=1) != subset(shot, 101, seed=2)
    sizes = Counter(p.group for p in shot.photos)
    torn = [g for g, n in Counter(p.group for p in few.photos).items() if n < sizes[g]]
    assert len(torn) <= 1
    assert [p for p in shot.photos if p in set(few.photos)] == list(few.photos)
    split(few)


def test_subset_of_all_or_too_few():
    shot = snapshot([[1] * 10, [1] * 10])
    assert subset(shot, 20, 0) is shot and subset(shot, 999, 0) is shot
    with pytest.raises(UserError, match="6 to 20"):
        subset(shot, 5, 0)
