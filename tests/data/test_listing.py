"""Names alone: which files are photos of which class, and what the user must be told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from secateur.data.listing import ENGLISH, list_folder
from secateur.errors import UserError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


def problems(listing, what):
    return [p.path for p in listing.problems if p.what == what]


def test_class_folders_in_any_spelling_survive(tmp_path):
    names = ["big cat", "C++", "naïve 猫", "<script>alert(1)<", "dog & 'cow'"]
    listing = list_folder(touch(tmp_path, *(f"{n}/a b.jpg" for n in names)))
    assert listing.classes == tuple(sorted(names))
    assert {(p, c) for p, c, _ in listing.files} == {(f"{n}/a b.jpg", n) for n in names}
    assert listing.problems == ()


def test_raw_img_is_shown_in_english(tmp_path):
    touch(tmp_path, "raw-img/cane/1.jpeg", "raw-img/gatto/2.jpeg", "translate.py")
    for folder in (tmp_path, tmp_path / "raw-img"):
        listing = list_folder(folder)
        assert listing.classes == ("cat", "dog")
        assert listing.files == (("cane/1.jpeg", "dog", ""), ("gatto/2.jpeg", "cat", ""))


def test_all_ten_italian_names_are_enough_but_a_few_stay_as_they_are(tmp_path):
    listing = list_folder(touch(tmp_path / "all", *(f"{n}/1.jpg" for n in ENGLISH)))
    assert listing.classes == tuple(sorted(ENGLISH.values()))
    assert list_folder(touch(tmp_path / "two", "cane/1.jpg", "gatto/1.jpg")).classes == ("cane", "gatto")


def test_the_names_never_merge_two_classes(tmp_path):
    listing = list_folder(touch(tmp_path, "raw-img/cane/1.jpg", "raw-img/dog/1.jpg"))
    assert listing.classes == ("cane", "dog")


@pytest.mark.parametrize("val", ["val", "valid", "validation", "dev", "Val"])
def test_parts(tmp_path, val):
    touch(tmp_path, "train/cat/1.jpg", "train/dog/1.jpg", f"{val}/cat/2.jpg", "test/dog/3.jpg", "x/cat/4.jpg")
    listing = list_folder(tmp_path)
    assert listing.files == tuple(
        sorted(
            [
                ("train/cat/1.jpg", "cat", "train"),
                ("train/dog/1.jpg", "dog", "train"),
                (f"{val}/cat/2.jpg", "cat", "val"),
                ("test/dog/3.jpg", "dog", "test"),
            ]
        )
    )
    assert problems(listing, "no part") == ["x/cat/4.jpg"]


def test_a_class_called_train_is_a_class(tmp_path):
    assert list_folder(touch(tmp_path, "train/1.jpg", "bus/1.jpg")).classes == ("bus", "train")


def test_nested_hidden_junk_and_other_files(tmp_path):
    touch(tmp_path, "cat/a/b/1.JPG", "dog/2.png", ".git/x.jpg", "cat/.hidden.jpg", "cat/Thumbs.db")
    touch(tmp_path, "cat/notes.txt", "dog/more.txt", "loose.jpg")
    listing = list_folder(tmp_path)
    assert listing.files == (("cat/a/b/1.JPG", "cat", ""), ("dog/2.png", "dog", ""))
    assert problems(listing, "no class") == ["loose.jpg"]
    (text,) = [p for p in listing.problems if p.what == "not a photo"]
    assert text.why.startswith("2 files")


def test_links_are_followed_once_and_loops_never(tmp_path):
    touch(tmp_path / "else", "far/9.jpg")
    root = touch(tmp_path / "photos", "cat/1.jpg", "dog/1.jpg")
    (root / "cat" / "loop").symlink_to(root)
    (root / "cat" / "up").symlink_to(tmp_path)
    (root / "aaa").symlink_to(root / "dog")  # met before dog by its name, yet dog keeps its photos
    (root / "fox").symlink_to(tmp_path / "else" / "far")
    (root / "dog" / "gone.jpg").symlink_to(root / "nowhere")
    listing = list_folder(root)
    assert [p for p, _, _ in listing.files] == ["cat/1.jpg", "dog/1.jpg", "fox/9.jpg"]
    assert problems(listing, "link") == ["aaa", "cat/loop", "cat/up"]
    assert problems(listing, "broken link") == ["dog/gone.jpg"]


def test_a_name_that_is_not_utf8_is_listed(tmp_path):
    touch(tmp_path, "cat/1.jpg", "dog/1.jpg")
    try:
        (tmp_path / "cat" / os.fsdecode(b"\xff.jpg")).touch()
    except OSError:
        pytest.skip("this file system keeps names as UTF-8")
    listing = list_folder(tmp_path)
    assert len(listing.files) == 2 and problems(listing, "unreadable name") == ["cat/\\xff.jpg"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (None, "no such folder"),
        ([], "no photos"),
        (["cat/notes.txt"], "no photos"),
        (["1.jpg", "2.jpg"], "2 stand in no class folder"),
        (["cat/1.jpg", "dog/readme.txt"], "only one class"),
    ],
)
def test_what_cannot_be_used_is_one_line(tmp_path, names, message):
    root = tmp_path / "photos"
    if names is not None:
        root.mkdir()
        touch(root, *names)
    with pytest.raises(UserError, match=message) as caught:
        list_folder(root)
    assert "\n" not in str(caught.value) and str(root) in str(caught.value)


def test_a_file_is_no_folder(tmp_path):
    with pytest.raises(UserError, match="is a file"):
        list_folder(touch(tmp_path, "a.jpg") / "a.jpg")
