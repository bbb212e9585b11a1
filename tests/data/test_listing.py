"""Names alone: which files are photos of which class, and what the user must be told."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from secateur.data import seen, suffixes
from secateur.data.levels import part_of
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


# ------------------------------------------------------------ names that look the same


def test_two_forms_of_one_name_are_one_class_and_open_their_own_files(tmp_path):
    apart = unicodedata.normalize("NFD", "Füchsin")
    touch(tmp_path, f"{apart}/1.jpg", "Füchsin/2.jpg", "Uhu/3.jpg")
    if len(list(tmp_path.iterdir())) < 3:
        pytest.skip("this file system keeps one form")
    listing = list_folder(tmp_path)
    assert listing.classes == ("Füchsin", "Uhu")
    assert {(p, c) for p, c, _ in listing.files} == {
        (f"{apart}/1.jpg", "Füchsin"),
        ("Füchsin/2.jpg", "Füchsin"),
        ("Uhu/3.jpg", "Uhu"),
    }
    assert all((tmp_path / p).is_file() for p, _, _ in listing.files)
    assert problems(listing, "two spellings") == ["Füchsin"]


def test_parts_of_decomposed_classes_are_joined(tmp_path):
    apart = unicodedata.normalize("NFD", "Häsin")
    listing = list_folder(touch(tmp_path, "train/Häsin/1.jpg", "train/Uhu/2.jpg", f"test/{apart}/3.jpg"))
    assert listing.classes == ("Häsin", "Uhu") and len(listing.files) == 3


# ------------------------------------------------------------ folders that are no classes


def test_what_is_nobodys_photo_is_no_class_and_doubles_nothing(tmp_path):
    for name in ("fox", "hare"):
        touch(tmp_path, f"{name}/1.jpg", f"{name}/@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg", f"{name}/._1.jpg")
    touch(tmp_path, "$Recycle.Bin/$R1.jpg", "$Recycle.Bin/S-1-5/$R2.jpg", "#recycle/3.HEIC", "lost+found/4.jpg")
    touch(tmp_path, "fox/Thumbs.db", "System Volume Information/IndexerVolumeGuid", "Cat Previews.lrdata/A/x.jpg")
    listing = list_folder(tmp_path)
    assert listing.files == (("fox/1.jpg", "fox", ""), ("hare/1.jpg", "hare", ""))
    passed = {p.why.split(", ", 1)[1]: p.files for p in listing.problems}
    assert {p.what for p in listing.problems} == {"nobody's photos"} and all(p.left_out for p in listing.problems)
    assert passed == {
        "thumbnails of a Synology NAS: fox/@eaDir, hare/@eaDir": 2,
        "what macOS adds to a file: fox/._1.jpg, hare/._1.jpg": 2,
        "the bin of Windows: $Recycle.Bin": 2,
        "the bin of a Synology NAS: #recycle": 1,
        "what a repair of the disk found: lost+found": 1,
        "previews of Lightroom: Cat Previews.lrdata": 1,
    }


def test_a_folder_that_is_named_itself_is_read_whatever_it_is_called(tmp_path):
    listing = list_folder(touch(tmp_path, "#recycle/fox/1.jpg", "#recycle/hare/2.jpg") / "#recycle")
    assert listing.classes == ("fox", "hare")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("training_set", "test_set"),
        ("Training Data", "Validation Data"),
        ("trainset", "testset"),
        ("TrainingSet", "TestSet"),
        ("train", "holdout"),
        ("seg_train", "seg_test"),
        ("val", "test"),
        ("train2017", "val2017"),
        ("train/train", "test/test"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("training_set/training_set", "test_set/test_set"),
    ],
)
def test_parts_are_never_two_classes(tmp_path, one, other):
    listing = list_folder(touch(tmp_path, *(f"{part}/{c}/1.jpg" for part in (one, other) for c in ("fox", "hare"))))
    assert listing.classes == ("fox", "hare") and len({part for _, _, part in listing.files}) == 2


def test_parts_without_class_folders_are_an_error(tmp_path):
    with pytest.raises(UserError, match="2 stand in no class folder"):
        list_folder(touch(tmp_path, "training_set/1.jpg", "test_set/2.jpg"))


@pytest.mark.parametrize("names", [("valid", "invalid"), ("test", "control"), ("train", "bus"), ("trainer", "tester")])
def test_classes_that_sound_like_parts_stay_classes(tmp_path, names):
    assert list_folder(touch(tmp_path, *(f"{name}/a/1.jpg" for name in names))).classes == tuple(sorted(names))


def test_a_class_called_train_inside_of_parts(tmp_path):
    touch(tmp_path, *(f"{part}/{name}/cam/1.jpg" for part in ("train", "test") for name in ("train", "bus")))
    assert list_folder(tmp_path).classes == ("bus", "train")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("Test", "test"),
        ("training-set", "train"),
        ("DEV", "val"),
        ("test_train", ""),
        ("traintrack", ""),
        ("test1", ""),
    ],
)
def test_what_a_part_is_called(name, part):
    assert part_of(name) == part


@pytest.mark.parametrize("tops", [("Station1", "Station2", "Station3"), ("2019", "2020"), ("North", "South")])
def test_subfolders_that_recur_are_said_and_their_level_can_be_named(tmp_path, tops):
    touch(tmp_path, *(f"{top}/{name}/1.jpg" for top in tops for name in ("fox", "hare")), f"{tops[0]}/owl/2.jpg")
    listing = list_folder(tmp_path)
    (said,) = [p for p in listing.problems if p.what == "same subfolders"]
    assert listing.classes == tops and not said.left_out
    assert "fox, hare: --label-level 2" in said.why and "--label-level 1 says so" in said.why
    meant = list_folder(tmp_path, label_level=2)
    assert meant.classes == ("fox", "hare", "owl") and not meant.problems
    assert list_folder(tmp_path, label_level=-1).files == meant.files
    assert list_folder(tmp_path, label_level=1).classes == tops and not list_folder(tmp_path, label_level=1).problems


def test_every_level_that_recurs_is_said(tmp_path):
    touch(tmp_path, *(f"{y}/{s}/{c}/1.jpg" for y in ("2019", "2020") for s in ("hill", "lake") for c in ("fox", "owl")))
    (said,) = list_folder(tmp_path).problems
    assert "hill, lake: --label-level 2; fox, owl: --label-level 3" in said.why
    assert list_folder(tmp_path, label_level=3).classes == ("fox", "owl")


@pytest.mark.parametrize("below", [("cam1", "cam2"), ("2021-05-03", "2021-05-04"), ("100RECNX", "101RECNX"), ("a",)])
def test_cameras_and_days_below_a_class_are_usual(tmp_path, below):
    assert not list_folder(touch(tmp_path, *(f"{c}/{b}/1.jpg" for c in ("fox", "hare") for b in below))).problems


def test_a_level_that_a_path_does_not_have_is_listed(tmp_path):
    listing = list_folder(touch(tmp_path, "A/fox/1.jpg", "A/hare/2.jpg", "A/3.jpg"), label_level=2)
    assert listing.classes == ("fox", "hare") and problems(listing, "no class") == ["A/3.jpg"]


def test_one_folder_around_all_classes_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"only one class .* if fox, hare are the classes: --label-level 2"):
        list_folder(touch(tmp_path, "images/fox/1.jpg", "images/hare/2.jpg"))


def test_parts_count_as_a_level(tmp_path):
    touch(
        tmp_path, *(f"{part}/{s}/{c}/1.jpg" for part in ("train", "test") for s in ("x", "y") for c in ("fox", "owl"))
    )
    (said,) = list_folder(tmp_path).problems
    assert "fox, owl: --label-level 3" in said.why
    listing = list_folder(tmp_path, label_level=3)
    assert listing.classes == ("fox", "owl") and {part for _, _, part in listing.files} == {"train", "test"}
    assert list_folder(tmp_path, label_level=1).classes == ("test", "train")


# ------------------------------------------------------------ files that are not read


def test_what_is_not_read_is_counted_by_suffix_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(suffixes, "has_heif", lambda: False)
    touch(tmp_path, "fox/1.jpg", "hare/2.jpg", "fox/3.HEIC", "hare/4.heic", "fox/5.NEF", "VID_1.AVI", "x.DNG")
    touch(tmp_path, "fox/notes.txt", "fox/more.xyz")
    found = [(p.what, p.files, p.why) for p in list_folder(tmp_path).problems]
    assert found == [
        ("not read", 2, "2 files with the suffix '.heic': HEIC is not read here (pip install 'secateur[heif]')"),
        ("not read", 1, "1 file with the suffix '.avi': AVI is a video, which is not read: take pictures out of it"),
        (
            "not read",
            1,
            "1 file with the suffix '.dng': DNG is a camera's raw form, which is not read: save it as JPEG",
        ),
        (
            "not read",
            1,
            "1 file with the suffix '.nef': NEF is a camera's raw form, which is not read: save it as JPEG",
        ),
        ("not a photo", 1, "1 file with the suffix '.txt'"),
        ("not a photo", 1, "1 file with the suffix '.xyz'"),
    ]
    monkeypatch.setattr(suffixes, "has_heif", lambda: True)
    assert len(list_folder(tmp_path).files) == 4


def test_a_folder_of_nothing_but_heic_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(suffixes, "has_heif", lambda: False)
    with pytest.raises(UserError, match=r"no photos .* 2 files with the suffix '.heic': HEIC is not read here"):
        list_folder(touch(tmp_path, "fox/1.HEIC", "hare/2.heic"))


def test_where_all_lies_in_places_that_are_passed_over_the_error_says_so(tmp_path):
    touch(tmp_path, "@eaDir/a.jpg", "#recycle/b.jpg", "lost+found/c.jpg")
    for find in (list_folder, lambda folder: seen.find([folder])):
        with pytest.raises(UserError, match=r"passed over: .*1 picture, thumbnails of a Synology NAS: @eaDir"):
            find(tmp_path)


def test_what_a_stereo_camera_wrote_is_a_photo(tmp_path):
    listing = list_folder(touch(tmp_path, "fox/a.mpo", "hare/b.MPO"))
    assert len(listing.files) == 2 and listing.problems == ()
