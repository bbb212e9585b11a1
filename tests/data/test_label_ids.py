"""Keys of a file of labels that must mean one thing: where they mean two, photos or the file are refused by name."""

from __future__ import annotations

import json

import pytest

from secateur.data.labelled import list_labelled
from secateur.errors import UserError
from secateur.records import Reading
from secateur.study_file import make

CATEGORIES = [{"id": 1, "name": "fox"}, {"id": 2, "name": "hare"}]


@pytest.fixture
def root(folder_of):
    return folder_of({"fox": 4, "hare": 4})


def coco(root, images, annotations, categories=CATEGORIES):
    content = {"images": images, "annotations": annotations, "categories": categories}
    return written(root, json.dumps(content))


def written(root, text, name="labels.json", **more):
    file = root.parent / name
    file.write_text(text, encoding="utf-8")
    return list_labelled(root, Reading(labels=str(file), **more))


def image(id, path, **more):
    return {"id": id, "file_name": path, **more}


def said(of, category):
    return {"id": 0, "image_id": of, "category_id": category}


def problems(found, *without):
    return {(p.path, p.what): p for p in found.problems if p.what not in ("no row", *without)}


def test_an_image_id_of_two_photos_labels_neither(root):
    """Two surveys joined by hand: the second's empty frame was "fox" by the id of the first one's fox."""
    images = [image(0, "fox/000.jpg"), image(1, "fox/001.jpg"), image(0, "hare/000.jpg"), image(5, "hare/001.jpg")]
    found = coco(root, images, [said(0, 1), said(1, 1), said(5, 2)])
    assert found.files == (("fox/001.jpg", "fox", ""), ("hare/001.jpg", "hare", ""))
    listed = problems(found)
    assert set(listed) == {("fox/000.jpg", "one id"), ("hare/000.jpg", "one id")}
    assert "image 0 of labels.json is hare/000.jpg, too" in listed["fox/000.jpg", "one id"].why
    assert not [p for p in found.problems if p.what == "no row" and p.path.endswith("000.jpg") and "id" in p.why]
    assert ("fox/000.jpg", "no row") not in {(p.path, p.what) for p in found.problems}


@pytest.mark.parametrize("other", ["7", 7.0, " 7"])
def test_ids_are_the_same_as_words_and_as_numbers(root, other):
    found = coco(root, [image(7, "fox/000.jpg"), image(other, "hare/000.jpg"), image(8, "hare/001.jpg")], [said(8, 2)])
    assert {what for _, what in problems(found)} == {"one id"} and len(found.files) == 1
    found = coco(root, [image(7, "fox/000.jpg"), image(8, "hare/001.jpg")], [said(other, 1), said(8, "2")])
    assert [name for _, name, _ in found.files] == ["fox", "hare"]


def test_one_image_twice_under_its_id_is_one(root):
    images = [image(1, "fox/000.jpg"), image(1, "fox\\000.jpg"), image(2, "hare/000.jpg")]
    found = coco(root, images, [said(1, 1), said(2, 2)])
    assert len(found.files) == 2 and not problems(found)


def test_one_photo_under_two_ids(root):
    images = [image(1, "fox/000.jpg"), image(2, "fox/000.jpg"), image(3, "hare/000.jpg"), image(4, "hare/000.jpg")]
    images += [image(5, "hare/001.jpg"), image(6, "hare/001.jpg")]
    found = coco(root, images, [said(1, 1), said(2, 2), said(3, 2), said(4, 2), said(5, 2)])
    assert found.files == (("hare/000.jpg", "hare", ""),)
    listed = problems(found)
    assert listed["fox/000.jpg", "two labels"].why == "image 1 and image 2: 'fox' and 'hare'"
    assert not listed["hare/000.jpg", "named twice"].left_out
    assert listed["hare/001.jpg", "two labels"].why == "image 5 and image 6: 'hare' and none"


def test_a_category_id_with_two_names_is_refused(root):
    images, names = [image(1, "fox/000.jpg"), image(2, "hare/000.jpg")], [*CATEGORIES, {"id": "2", "name": "owl"}]
    with pytest.raises(UserError, match="category 2 is both 'hare' and 'owl'"):
        coco(root, images, [said(1, 1), said(2, 2)], names)
    again = coco(root, images, [said(1, 1), said(2, 2)], [*CATEGORIES, CATEGORIES[1]])
    assert again.classes == ("fox", "hare") and not problems(again)


def test_a_name_of_two_categories_is_one_class_and_said(root):
    found = coco(
        root,
        [image(1, "fox/000.jpg"), image(2, "fox/001.jpg"), image(3, "hare/000.jpg")],
        [said(1, 1), said(2, 9), said(3, 2)],
        [*CATEGORIES, {"id": 9, "name": "fox "}],
    )
    assert found.classes == ("fox", "hare") and len(found.files) == 3
    assert problems(found)["fox", "two ids"].why.startswith("categories 1 and 9 are called so")


def test_a_name_twice_in_one_object(root):
    text = '{"images": [], "images": [{"id": 1, "file_name": "fox/000.jpg"}], "annotations": [], "categories": []}'
    with pytest.raises(UserError, match="'images' stands twice in one object"):
        written(root, text)


@pytest.mark.parametrize("text", ['{"images": [{"file": "a.jpg", "detections": []}], "detection_categories": {}}'])
def test_megadetectors_output_is_called_what_it_is(root, text):
    with pytest.raises(UserError, match="is MegaDetector's output: it says where animals are"):
        written(root, text)


def test_columns_are_of_tables(root):
    text = json.dumps({"images": [image(1, "fox/000.jpg")], "annotations": [], "categories": CATEGORIES})
    with pytest.raises(UserError, match="label_column is for tables"):
        written(root, text, label_column="species")


def test_times_of_coco(root):
    images = [image(1, "fox/000.jpg", date_captured="03/05/2021 10:00"), image(2, "hare/000.jpg", date_captured="")]
    found = coco(root, images, [said(1, 1), said(2, 2)])
    assert found.notes["fox/000.jpg"].time == "2021-05-03 10:00:00" and found.notes["hare/000.jpg"].time == ""
    assert found.taken.time == "date_captured" and found.taken.label == "categories.name"


def test_a_photo_twice_in_a_table(root):
    """By another spelling of its path, too."""
    text = "file,label\nfox/000.jpg,fox\nfox\\000.jpg,hare\n./fox/001.jpg,fox\nfox//001.jpg,fox\nhare/000.jpg,hare\n"
    found = written(root, text, "labels.csv")
    assert [path for path, _, _ in found.files] == ["fox/001.jpg", "hare/000.jpg"]
    listed = problems(found)
    assert listed["fox/000.jpg", "two labels"].why == "line 2 and line 3: 'fox' and 'hare'"
    assert listed["fox/001.jpg", "named twice"].why.startswith("line 4 and line 5 say the same")


def test_a_class_that_is_renamed_to_two_names():
    with pytest.raises(UserError, match="class 'hare' stands twice: as 'lagomorph' and as 'rabbit'"):
        make({"classes": "hare=lagomorph,hare=rabbit"}, "here")
    assert make({"classes": "hare=x,hare=x"}, "here").classes == {"hare": "x"}
