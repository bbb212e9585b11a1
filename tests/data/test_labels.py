"""Labels from a CSV or COCO-CameraTraps: the same Snapshot as folders give, and every mismatch listed."""

from __future__ import annotations

import json

import pytest

import traps
from secateur.data.labelled import list_labelled
from secateur.data.scan import listed, scan
from secateur.errors import UserError
from secateur.records import Reading

CLASSES = {"cat": 5, "dog": 4}


def table(root, text, name="labels.csv", **more):
    file = root.parent / name
    file.write_text(text, **more)
    return str(file)


def kinds(found):
    return sorted((p.path, p.what) for p in found.problems)


def test_a_table_and_coco_give_the_snapshot_of_the_folders(photos_112px, tmp_path):
    root = traps.season(photos_112px / "raw-img", tmp_path / "photos", classes=2, triggers=4)
    by_folder = scan(root)
    by_csv = scan(root, reading=Reading(labels=str(traps.as_csv(root, tmp_path / "labels.csv"))))
    by_coco = scan(root, reading=Reading(labels=str(traps.as_coco(root, tmp_path / "labels.json"))))
    assert len(by_folder.photos) == 2 * 4 * traps.BURST
    assert by_csv == by_coco == by_folder and by_csv.digest == by_folder.digest


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_headers_as_people_write_them(folder_of, mark):
    root = folder_of(CLASSES)
    rows = [["Common Name", "File Name", "note"]]
    rows += [[p.parent.name, f"{p.parent.name}\\{p.name}", "a"] for p in sorted(root.rglob("*.jpg"))]
    labels = table(root, "\n".join(mark.join(row) for row in rows), encoding="utf-8-sig")
    found = list_labelled(root, Reading(labels=labels))
    assert len(found.files) == 9 and found.problems == ()
    assert found.notes["cat/000.jpg"].columns["note"] == "a"


def test_timelapse_writes_folder_and_file_apart(folder_of):
    root = folder_of(CLASSES)
    rows = [f"{p.name},{p.parent.name},{p.parent.name},2026-05-01 06:00:00" for p in sorted(root.rglob("*.jpg"))]
    labels = table(root, "\n".join(["File,RelativePath,Species,DateTime", *rows]))
    found = list_labelled(root, Reading(labels=labels))
    assert [path for path, _, _ in found.files] == sorted(p.relative_to(root).as_posix() for p in root.rglob("*.jpg"))
    assert found.notes["dog/000.jpg"].time == "2026-05-01 06:00:00"


def test_what_does_not_match_is_listed(folder_of):
    root = folder_of(CLASSES)
    lines = [
        "path,label",
        "cat/000.jpg,cat",
        "cat/000.jpg,cat",  # twice, agreeing
        "cat/001.jpg,cat",
        "cat/001.jpg,dog",  # twice, quarrelling
        "cat/002.jpg,",  # no label
        "cat/gone.jpg,cat",
        "CAT/003.jpg,cat",  # another case
        "../secret.jpg,cat",
        "/etc/passwd,cat",
        "C:\\photos\\a.jpg,cat",
        "dog/000.jpg,dog,too,many",
        ",dog",
        "dog/001.jpg,dog",
        "",
        "dog/002.jpg,dog",
    ]
    found = list_labelled(root, Reading(labels=table(root, "\n".join(lines))))
    assert found.files == (("cat/000.jpg", "cat", ""), ("dog/001.jpg", "dog", ""), ("dog/002.jpg", "dog", ""))
    assert kinds(found) == sorted(
        [
            ("cat/000.jpg", "named twice"),
            ("cat/001.jpg", "two labels"),
            ("cat/002.jpg", "no label"),
            ("cat/gone.jpg", "no file"),
            ("CAT/003.jpg", "no file"),
            ("../secret.jpg", "outside"),
            ("/etc/passwd", "outside"),
            ("C:\\photos\\a.jpg", "outside"),
            ("labels.csv, line 12", "odd row"),
            ("labels.csv, line 13", "odd row"),
            ("cat/003.jpg", "no row"),
            ("cat/004.jpg", "no row"),
            ("dog/000.jpg", "no row"),
            ("dog/003.jpg", "no row"),
        ]
    )
    by_path = {(p.path, p.what): p for p in found.problems}
    assert by_path["cat/001.jpg", "two labels"].why == "line 4 and line 5: 'cat' and 'dog'"
    assert "there is cat/003.jpg" in by_path["CAT/003.jpg", "no file"].why
    assert not by_path["cat/000.jpg", "named twice"].left_out and by_path["cat/002.jpg", "no label"].left_out


def test_blank_labels_become_a_class_of_empty_frames(folder_of):
    root = folder_of(CLASSES)
    rows = [f"{p.relative_to(root).as_posix()},{'' if p.parent.name == 'dog' else 'cat'}" for p in root.rglob("*.jpg")]
    labels = table(root, "\n".join(["path,label", *rows]))
    assert scan(root, reading=Reading(labels=labels, empty="nobody")).classes == ("cat", "nobody")
    with pytest.raises(UserError, match="only class 'cat' is left"):
        scan(root, reading=Reading(labels=labels))


def test_coco_of_real_camera_traps_has_gaps(folder_of):
    root = folder_of(CLASSES)
    content = {
        "categories": [{"id": 0, "name": "empty"}, {"id": 1, "name": "cat"}, {"id": 7, "name": "dog"}],
        "images": [
            {"id": "a", "file_name": "cat/000.jpg", "location": 3, "datetime": "2026-05-01 06:00:00"},
            {"id": "b", "file_name": "cat/001.jpg"},
            {"id": "c", "file_name": "cat/002.jpg"},
            {"id": "d", "file_name": "dog/000.jpg"},
            {"id": "e", "file_name": "dog/001.jpg"},
        ],
        "annotations": [
            {"id": 1, "image_id": "a", "category_id": 1, "bbox": [1, 2, 3, 4]},
            {"id": 2, "image_id": "a", "category_id": 1},  # two cats
            {"id": 3, "image_id": "b", "category_id": 1},
            {"id": 4, "image_id": "b", "category_id": 7},  # a cat and a dog
            {"id": 5, "image_id": "d", "category_id": 7},
            {"id": 6, "image_id": "e", "category_id": 0},
            {"id": 7, "image_id": "z", "category_id": 0},
        ],
    }
    found = list_labelled(root, Reading(labels=table(root, json.dumps(content), "labels.json")))
    assert found.files == (("cat/000.jpg", "cat", ""), ("dog/000.jpg", "dog", ""), ("dog/001.jpg", "empty", ""))
    assert found.notes["cat/000.jpg"].columns["location"] == "3"
    assert found.notes["cat/000.jpg"].time == "2026-05-01 06:00:00"
    listed_as = {p.path: p.what for p in found.problems}
    assert listed_as["cat/001.jpg"] == "two labels" and listed_as["cat/002.jpg"] == "no label"
    assert listed_as["labels.json, image z"] == "no image"
    assert "cat/000.jpg" not in listed_as  # two animals of one kind are no quarrel


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("labels.csv", "", "no column that looks like a path"),
        ("labels.csv", "a,b\n1,2\n", "it has a, b"),
        ("labels.csv", "path,label\n", "names no photos"),
        ("labels.csv", "path,label\nelsewhere/a.jpg,cat\n", "none of the 1 rows"),
        ("labels.csv", 'path,label\n"cat/000.jpg,cat\n', "is no CSV"),
        ("labels.json", "{", "is no JSON"),
        ("labels.json", "[]", "needs a list of objects called 'images'"),
        ("labels.json", '{"images": [1], "annotations": [], "categories": []}', "called 'images'"),
        ("labels.json", '{"images": [{"id": 1}], "annotations": [], "categories": []}', "has no 'file_name'"),
        (
            "labels.json",
            '{"images": [{"id": 1, "file_name": "a"}], "annotations": [{"image_id": 1, "category_id": 5}], '
            '"categories": []}',
            "category 5, which is not listed",
        ),
    ],
)
def test_files_that_are_no_labels(folder_of, name, text, words):
    root = folder_of(CLASSES)
    with pytest.raises(UserError, match=words) as raised:
        list_labelled(root, Reading(labels=table(root, text, name)))
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_and_one_in_another_encoding(folder_of):
    root = folder_of(CLASSES)
    with pytest.raises(UserError, match="cannot be read: No such file"):
        list_labelled(root, Reading(labels=str(root / "none.csv")))
    labels = table(root, "path,label\ncat/000.jpg,Bär\n", encoding="cp1252")
    with pytest.raises(UserError, match="is not UTF-8"):
        list_labelled(root, Reading(labels=labels))


def test_a_column_that_is_named_must_be_there(folder_of):
    root = folder_of(CLASSES)
    labels = table(root, "where,what\ncat/000.jpg,cat\ndog/000.jpg,dog\n")
    assert len(list_labelled(root, Reading(labels, "where", "what")).files) == 2
    with pytest.raises(UserError, match=r"path column of labels\.csv 'wher' is not known; did you mean 'where'"):
        list_labelled(root, Reading(labels, "wher", "what"))


def test_classes_are_merged_renamed_and_dropped(folder_of):
    root = folder_of({"hare": 3, "rabbit": 4, "human": 2, "fox": 3})
    reading = Reading(classes=(("hare", "lagomorph"), ("human", ""), ("rabbit", "lagomorph")))
    found = scan(root, reading=reading)
    assert found.classes == ("fox", "lagomorph") and found.counts() == (3, 7)
    assert [(p.path, p.what, p.why) for p in found.problems] == [
        ("human", "dropped", "2 photos, as the table of classes says")
    ]
    with pytest.raises(UserError, match="class in `classes` 'hair' is not known; did you mean 'hare'"):
        listed(root, Reading(classes=(("hair", "x"),)))
    with pytest.raises(UserError, match="only class 'x' is left"):
        listed(root, Reading(classes=tuple((name, "x") for name in ("hare", "rabbit", "human", "fox"))))


def test_names_that_are_probably_the_same(folder_of):
    root = folder_of({"Red fox": 3, "red_fox": 3, "red  fox ": 3, "hare": 3})
    found = scan(root)
    assert len(found.classes) == 4
    same = [(p.path, p.why.split(";")[0], p.left_out) for p in found.problems if p.what == "two names"]
    assert same == [
        ("red  fox ", "probably the same class as 'Red fox'", False),
        ("red_fox", "probably the same class as 'Red fox'", False),
    ]


def test_rare_classes_are_listed_and_left_out_on_request(folder_of):
    root = folder_of({"cat": 6, "dog": 5, "lynx": 2})
    kept = scan(root, reading=Reading(rare_below=5))
    assert kept.classes == ("cat", "dog", "lynx")
    assert [(p.path, p.what, p.left_out) for p in kept.problems] == [("lynx", "rare class", False)]
    left = scan(root, reading=Reading(rare_below=5, keep_rare=False))
    assert left.classes == ("cat", "dog")
    listed_as = [(p.path, p.what, p.left_out) for p in left.problems]
    assert ("lynx", "rare class", True) in listed_as


def test_the_parts_of_a_table_are_those_of_folders(folder_of):
    root = folder_of(CLASSES)
    parts = ["train", "Val", "test", "training", "unknown", "train", "val", "test", "train"]
    photos = sorted(root.rglob("*.jpg"))
    rows = [f"{p.relative_to(root).as_posix()},{p.parent.name},{part}" for p, part in zip(photos, parts, strict=True)]
    found = list_labelled(root, Reading(labels=table(root, "\n".join(["path,label,split", *rows]))))
    wanted = ["train", "val", "test", "train", "", "train", "val", "test", "train"]
    assert [part for _, _, part in found.files] == wanted
