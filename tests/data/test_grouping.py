"""Photos that belong together by a rule: tied as the rule says, joined with near-duplicates, never torn apart."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import traps
from secateur.data.grouping import _joined
from secateur.data.scan import scan
from secateur.data.split import SIDES, oversized, split, straddling
from secateur.errors import UserError
from secateur.grouped import parse, separated
from secateur.records import Reading

NEAR = "near-duplicates"


@pytest.fixture(scope="module")
def season(photos_112px, tmp_path_factory):
    return traps.season(photos_112px / "raw-img", tmp_path_factory.mktemp("traps") / "photos", classes=3, triggers=16)


def together(snapshot):
    """Group number → the paths in it."""
    found = {}
    for photo in snapshot.photos:
        found.setdefault(photo.group, set()).add(photo.path)
    return found


def bursts(snapshot):
    found = {}
    for photo in snapshot.photos:
        found.setdefault(traps.burst(photo.path), set()).add(photo.group)
    return found


def torn(snapshot, made):
    side = {i: name for name in SIDES for i in getattr(made, name)}
    sides = {}
    for i, photo in enumerate(snapshot.photos):
        sides.setdefault(traps.burst(photo.path), set()).add(side[i])
    return sum(len(s) > 1 for s in sides.values())


@pytest.mark.parametrize(
    "rule", ["burst:30s", "exif:30s", "burst:30s within folder:2", "regex:(.*)_", "column:sequence"]
)
def test_no_burst_is_torn_apart(season, tmp_path, rule):
    labels = str(traps.as_csv(season, tmp_path / "labels.csv")) if rule.startswith("column") else ""
    snapshot = scan(season, reading=Reading(labels=labels, group_by=(rule,)))
    assert all(len(groups) == 1 for groups in bursts(snapshot).values())
    assert torn(snapshot, split(snapshot)) == 0
    assert torn(snapshot, split(snapshot, rule="random")) > 10  # a test that could fail
    tie = snapshot.ties[1]
    assert tie.rule == rule.replace("exif", "burst") and (tie.groups, tie.largest) == (48, traps.BURST)
    assert tie.photos == len(snapshot.photos) == 48 * traps.BURST
    assert snapshot.ties[0].rule == NEAR and snapshot.ties[0].photos < tie.photos


def test_a_camera_stays_on_one_side(season):
    snapshot = scan(season, reading=Reading(group_by=(r"regex:cam\d",)))
    assert snapshot.ties[1].groups == traps.CAMERAS
    made = split(snapshot)
    cameras = [{snapshot.photos[i].path.split("/")[1] for i in getattr(made, name)} for name in SIDES]
    assert sum(map(len, cameras)) == traps.CAMERAS == len(set.union(*cameras))
    large = oversized(snapshot, made)
    assert large and all(p.what == "large group" and not p.left_out for p in large)
    assert "belong together" in large[0].why


def test_groups_of_the_usual_size_are_no_problem(season):
    snapshot = scan(season, reading=Reading(group_by=("burst:30s",)))
    assert oversized(snapshot, split(snapshot)) == ()


def test_gaps_chain_and_cameras_do_not_mix(season):
    wide = scan(season, reading=Reading(group_by=(f"burst:{traps.APART * 5}s",)))
    assert wide.ties[1].groups == traps.CAMERAS  # every trigger follows the last of its camera within the gap
    narrow = scan(season, reading=Reading(group_by=("burst:0.5s",)))
    assert narrow.ties[1].groups == 0


def test_rules_are_joined(season):
    one = scan(season, reading=Reading(group_by=("burst:30s",)))
    both = scan(season, reading=Reading(group_by=("burst:30s", "folder:1")))
    assert [t.rule for t in both.ties] == [NEAR, "burst:30s", "folder:1"]
    assert len(together(one)) > len(together(both)) and both.digest != one.digest


@given(st.lists(st.lists(st.integers(0, 5), min_size=8, max_size=8), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_joining_is_the_finest_that_holds_every_tie(numberings):
    made = _joined([np.array(n) for n in numberings])
    own = list(range(8))  # by hand: merge until nothing moves
    moved = True
    while moved:
        moved = False
        for numbers in numberings:
            for i in range(8):
                for j in range(8):
                    if numbers[i] == numbers[j] and own[i] != own[j]:
                        low = min(own[i], own[j])
                        own[i] = own[j] = low
                        moved = True
    assert [[own[i] == own[j] for j in range(8)] for i in range(8)] == (made[:, None] == made[None, :]).tolist()


def test_photos_that_a_rule_says_nothing_of_stay_alone_and_are_listed(folder_of):
    root = folder_of({"cat": 4, "dog": 4})
    (root / "cat" / "cam1").mkdir()
    for i in (2, 3):
        (root / "cat" / f"00{i}.jpg").rename(root / "cat" / "cam1" / f"00{i}.jpg")
    for rule, why in (("folder:2", "no folder 2"), ("regex:cam1", "matches nothing")):
        snapshot = scan(root, reading=Reading(group_by=(rule,)))
        assert {p.path for p in snapshot.problems if p.what == "no group" and why in p.why} == {
            "cat/000.jpg",
            "cat/001.jpg",
            *(f"dog/00{i}.jpg" for i in range(4)),
        }
        assert (snapshot.ties[1].groups, snapshot.ties[1].photos) == (1, 2)


def test_folders_of_one_name_under_different_ones_are_two(folder_of):
    root = folder_of({"cat": 3, "dog": 3})
    for name in ("cat", "dog"):
        (root / name / "cam1").mkdir()
        for i in range(3):
            (root / name / f"00{i}.jpg").rename(root / name / "cam1" / f"00{i}.jpg")
    assert scan(root, reading=Reading(group_by=("folder:-1",))).ties[1].groups == 2
    assert scan(root, reading=Reading(group_by=("regex:cam1",))).ties[1].groups == 1


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("regex:elephant", "says nothing of any photo; the first is"),
        ("folder:7", "its path has no folder 7"),
        ("burst:60s", "no photo says when it was taken"),
        ("column:camera", "needs a file of labels"),
    ],
)
def test_rules_that_say_nothing(folder_of, rule, words):
    with pytest.raises(UserError, match=words):
        scan(folder_of({"cat": 3, "dog": 3}), reading=Reading(group_by=(rule,)))


def test_a_column_that_is_not_there(folder_of, tmp_path):
    root = folder_of({"cat": 3, "dog": 3})
    rows = [f"{p.relative_to(root).as_posix()},{p.parent.name},{p.name[2]}" for p in root.rglob("*.jpg")]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label,station", *rows]))
    with pytest.raises(UserError, match="column in `group_by` 'statoin' is not known; did you mean 'station'"):
        scan(root, reading=Reading(str(tmp_path / "labels.csv"), group_by=("column:statoin",)))


def test_photos_without_times_are_listed(season, tmp_path):
    root = tmp_path / "photos"
    shutil.copytree(season, root)
    stripped = sorted(root.rglob("*.jpg"))[0]
    with Image.open(stripped) as image:
        image.copy().save(stripped, quality=88)
    snapshot = scan(root, reading=Reading(group_by=("burst:30s",)))
    assert [p.path for p in snapshot.problems if p.what == "no time"] == [stripped.relative_to(root).as_posix()]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("camera", "needs a value"),
        ("fold:1", "grouping rule 'fold' is not known; did you mean 'folder'"),
        ("folder:x", "needs a folder's number"),
        ("folder:0", "needs a folder's number"),
        ("regex:(", "no regular expression"),
        ("burst:", "needs a time"),
        ("burst:fast", "a time is written like"),
        ("column: ", "names no column"),
        ("burst:3s within burst:4s", "not in another burst"),
    ],
)
def test_rules_that_are_none(text, words):
    with pytest.raises((ValueError, UserError), match=words):
        parse(text)


def test_rules_of_one_line():
    assert separated(r"regex:cam\d{1,2}, burst:60s within folder:1,folder:2") == (
        r"regex:cam\d{1,2}",
        "burst:60s within folder:1",
        "folder:2",
    )
    assert str(parse("exif: 60s within regex:(a|b)")) == "burst:60s within regex:(a|b)"


def test_parts_that_tear_groups_are_said(season, tmp_path):
    """A column of parts by chance: what belongs together stands on several sides."""
    rows = ["path,label,split"]
    for i, path in enumerate(sorted(season.rglob("*.jpg"))):
        rows.append(
            f"{path.relative_to(season).as_posix()},{path.parts[-3]},{('train', 'train', 'val', 'test')[i % 4]}"
        )
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    snapshot = scan(season, reading=Reading(str(tmp_path / "labels.csv"), group_by=("burst:30s",)))
    made = split(snapshot, rule="folders")
    assert len(straddling(snapshot, made)) >= 48 and oversized(snapshot, made) == ()
    assert straddling(snapshot, split(snapshot)) == ()
