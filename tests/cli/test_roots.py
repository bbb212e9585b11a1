"""Photos of several places below one folder: cards of one name, places named twice, and what is said of all of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import secateur
from test_predict import colours, photo

from secateur.cli.roots import below, told_apart
from secateur.data import suffixes
from secateur.data.seen import find
from secateur.errors import UserError
from secateur.prepare import glance
from secateur.settings import Study


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    """Two cards that are both called DCIM, with two photos of the same names each."""
    colours(tmp_path / "m.onnx", ["fox", "fox too"])
    for n in (1, 2):
        for i in range(2):
            photo(tmp_path / f"card{n}/DCIM/100RECNX/IMG_{i}.JPG", (200, 30, 30 * n + i))
    return tmp_path


def there(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_two_cards_of_one_name_are_both_copied_and_counted(cards: Path):
    words = ("predict", "m.onnx", "card1/DCIM", "card2/DCIM", "--copy-to", "sorted")
    done = secateur(*words, cwd=cards)
    assert there(cards / "sorted") == [f"fox/card{n}/DCIM/100RECNX/IMG_{i}.JPG" for n in (1, 2) for i in (0, 1)]
    for n in (1, 2):
        own = cards / f"card{n}/DCIM/100RECNX/IMG_0.JPG"
        assert (cards / f"sorted/fox/card{n}/DCIM/100RECNX/IMG_0.JPG").read_bytes() == own.read_bytes()
    assert "sorted: 4 copied" in done.stderr and "left out" not in done.stderr
    assert "sorted: 0 copied, 4 there already" in secateur(*words, cwd=cards).stderr
    (cards / "sorted/fox/card2/DCIM/100RECNX/IMG_1.JPG").write_bytes(b"mine")
    done = secateur(*words, cwd=cards, code=1)
    assert "sorted: 0 copied, 3 there already, 1 left out: another photo stands there" in done.stderr
    assert (cards / "sorted/fox/card2/DCIM/100RECNX/IMG_1.JPG").read_bytes() == b"mine"


def test_photos_that_are_named_themselves_are_told_apart(cards: Path):
    named = [f"card{n}/DCIM/100RECNX/IMG_{i}.JPG" for n in (1, 2) for i in (0, 1)]
    done = secateur("predict", "m.onnx", *named, "--copy-to", "sorted", cwd=cards)
    assert len(there(cards / "sorted")) == 4 and "sorted: 4 copied" in done.stderr
    secateur("predict", "m.onnx", *named[:2], "--copy-to", "two", cwd=cards)
    assert there(cards / "two") == ["fox/IMG_0.JPG", "fox/IMG_1.JPG"]


@pytest.mark.parametrize("again", ["card1", "./card1/", "card1/DCIM", "link"])
def test_a_place_that_is_named_twice_is_answered_once(cards: Path, again: str):
    (cards / "link").symlink_to(cards / "card1")
    done = secateur("predict", "m.onnx", "card1", again, "--json", "--copy-to", "sorted", cwd=cards)
    assert len(json.loads(done.stdout)) == 2 == len(there(cards / "sorted"))
    assert "2 photos lie in more than one of the places; each is looked at once" in done.stderr


def test_an_absolute_path_is_the_same_place(cards: Path):
    done = secateur("predict", "m.onnx", "card1", cards / "card1", "--json", "--copy-to", "sorted", cwd=cards)
    assert len(json.loads(done.stdout)) == 2 and len(there(cards / "sorted")) == 2


@pytest.mark.parametrize(
    ("folders", "ends"),
    [
        (["/a/one", "/a/two"], ["one", "two"]),
        (["/a/DCIM", "/b/DCIM"], ["a/DCIM", "b/DCIM"]),
        (["/a/DCIM", "/b/dcim"], ["a/DCIM", "b/dcim"]),
        (["/a/DCIM", "/x/a/DCIM"], ["a/DCIM", "x/a/DCIM"]),
        (["/a/F\u00fc", "/b/Fu\u0308"], ["a/F\u00fc", "b/Fu\u0308"]),
        (["/a/x", "/b/x", "/c/y"], ["a/x", "b/x", "y"]),
    ],
)
def test_folders_are_told_apart_by_as_little_as_that_takes(folders: list[str], ends: list[str]):
    assert list(told_apart([Path(f) for f in folders]).values()) == [Path(e) for e in ends]


def test_one_folder_needs_nothing_in_front(tmp_path: Path):
    (tmp_path / "a/b").mkdir(parents=True)
    assert below([tmp_path / "a"])(tmp_path / "a/b/1.jpg") == Path("b/1.jpg")


def test_what_was_passed_over_is_counted_with_its_reason(cards: Path):
    for name in ("VID_1.AVI", "VID_2.avi", "x.DNG", "notes.txt", "@eaDir/a.jpg", "._IMG_0.JPG"):
        (cards / "card1" / name).parent.mkdir(exist_ok=True)
        (cards / "card1" / name).write_bytes(b"x")
    done = secateur("predict", "m.onnx", "card1", "--json", cwd=cards)
    assert len(json.loads(done.stdout)) == 2
    for said in (
        "2 files with the suffix '.avi': AVI is a video, which is not read",
        "1 file with the suffix '.dng': DNG is a camera's raw form",
        "1 file with the suffix '.txt'",
        "1 picture, thumbnails of a Synology NAS: @eaDir",
        "1 picture, what macOS adds to a file: ._IMG_0.JPG",
    ):
        assert said in done.stderr


def test_heic_is_found_where_it_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a.HEIC").write_bytes(b"x")
    monkeypatch.setattr(suffixes, "has_heif", lambda: False)
    with pytest.raises(UserError, match=r"no photos in .*HEIC is not read here .pip install 'secateur.heif.'"):
        find([tmp_path])
    (tmp_path / "b.jpg").write_bytes(b"x")
    found, (said,) = find([tmp_path])
    assert found == [tmp_path / "b.jpg"] and (said.what, said.files) == ("not read", 1)
    monkeypatch.setattr(suffixes, "has_heif", lambda: True)
    assert find([tmp_path]) == ([tmp_path / "a.HEIC", tmp_path / "b.jpg"], [])


def test_a_plan_says_what_was_passed_over_and_where_classes_may_be_none(tmp_path: Path):
    for top in ("2019", "2020"):
        for name in ("fox/1.jpg", "hare/2.jpg", "hare/@eaDir/2.jpg", "fox/3.NEF"):
            (tmp_path / top / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / top / name).write_bytes(b"")
    asked = Study(folder=str(tmp_path))
    seen = glance(asked)
    assert seen.classes == ("2019", "2020")
    said = "\n".join(seen.remarks)
    assert "nobody's photos: 2 pictures, thumbnails of a Synology NAS: 2019/hare/@eaDir, 2020/hare/@eaDir" in said
    assert "not read: 2 files with the suffix '.nef'" in said
    assert "same subfolders: the classes are 2019, 2020" in said and "fox, hare: --label-level 2" in said
    meant = glance(asked.model_copy(update={"label_level": 2}))
    assert meant.classes == ("fox", "hare") and len(meant.remarks) == 2
