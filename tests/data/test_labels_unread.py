"""Rows that name files which are there and are not read: a HEIC, a video; never "it is not there"."""

from __future__ import annotations

from pathlib import Path

import pytest

from secateur.data import suffixes
from secateur.data.labelled import list_labelled
from secateur.errors import UserError
from secateur.records import Reading

VIDEO = "is a video, which is not read: take pictures out of it"
HEIC = "HEIC is not read here (pip install 'secateur[heif]')"


@pytest.fixture(autouse=True)
def _without_heif(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(suffixes, "has_heif", lambda: False)


def survey(root: Path, *names: str) -> Path:
    """A folder, and a table that calls every file of it a fox, and one that is not there."""
    for name in names:
        (root / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "photos" / name).write_bytes(b"")
    rows = [f"{name},fox" for name in (*names, "gone.jpg")]
    (root / "photos" / "labels.csv").write_text("\n".join(["file,label", *rows]), encoding="utf-8")
    return root / "photos"


def read(root: Path) -> list[tuple[str, str]]:
    listing = list_labelled(root, Reading(labels=str(root / "labels.csv")))
    return [(p.what, p.why) for p in listing.problems]


def test_what_is_there_and_not_read_is_said_so(tmp_path: Path):
    root = survey(tmp_path, "a.jpg", "b.HEIC", "c.avi", "d.txt")
    (root / "other.MP4").write_bytes(b"")
    assert read(root) == [
        ("not read", f"line 3 of labels.csv names it: it is there, but {HEIC}"),
        ("not read", f"line 4 of labels.csv names it: it is there, but AVI {VIDEO}"),
        ("not read", "line 5 of labels.csv names it: it is there, but its suffix is none of a photo"),
        ("no file", "line 6 of labels.csv names it, it is not there"),
        ("not read", f"1 file with the suffix '.mp4': MP4 {VIDEO}"),
    ]


def test_a_bare_name_in_another_case_is_found(tmp_path: Path):
    root = survey(tmp_path, "cam/b.HEIC", "a.jpg")
    (root / "labels.csv").write_text("file,label\nB.heic,fox\na.jpg,hare", encoding="utf-8")
    assert read(root) == [("not read", f"line 2 of labels.csv names it: it is there, but {HEIC}")]


def test_where_all_are_heic_the_error_says_why(tmp_path: Path):
    with pytest.raises(UserError, match=r"not read: 2 times, .* it is there, but HEIC is not read here"):
        read(survey(tmp_path, "a.HEIC", "b.HEIC"))


def test_with_the_package_it_is_a_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    root = survey(tmp_path, "a.jpg", "b.HEIC")
    monkeypatch.setattr(suffixes, "has_heif", lambda: True)
    listing = list_labelled(root, Reading(labels=str(root / "labels.csv")))
    assert [path for path, _, _ in listing.files] == ["a.jpg", "b.HEIC"]
