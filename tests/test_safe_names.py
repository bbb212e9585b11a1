"""Names that Windows, macOS and Linux all take; ordinary ones stay."""

from __future__ import annotations

import doctest
import unicodedata
from pathlib import Path, PurePath, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secateur import safe_names
from secateur.errors import UserError
from secateur.resolve import run_name, settle
from secateur.safe_names import MOST_BYTES, another, another_path, problem, safe_name, safe_path, same
from secateur.study_file import make

ORDINARY = (
    "fox",
    "red fox",
    "Füchsin",
    "Fu\u0308chsin",
    "IMG_0001.JPG",
    ".hidden",
    "a.b.c.webp",
    "狐.png",
    "fox (2)",
    "%",
)
ORDINARY += ("console", "auxiliary.jpg", "com10", "com", "nul-1", "filter-l1@50%+magnitude", "a, b & c!", "~tmp#1;x=y")


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_names_stay(name: str):
    assert safe_name(name) == name and not problem(name)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("CON", "CON_"),
        ("con.jpg", "con_.jpg"),
        ("nul .tar.gz", "nul _.tar.gz"),
        ("LPT9", "LPT9_"),
        ("COM¹.txt", "COM¹_.txt"),
        ("conin$", "conin$_"),
        ("species: fox", "species_ fox"),
        ('a<b>c"d|e?f*g\\h/i', "a_b_c_d_e_f_g_h_i"),
        ("tab\tbell\x07del\x7f", "tab_bell_del_"),
        ("fox.", "fox_"),
        ("fox . ", "fox___"),
        ("...", "___"),
        ("..", "__"),
        (".", "_"),
        ("", "_"),
        (" ", "_"),
        ("f\udcff.jpg", "f_.jpg"),  # a byte of a name that is no UTF-8
    ],
)
def test_what_some_system_refuses(name: str, safe: str):
    assert safe_name(name) == safe and not problem(safe)
    assert problem(name)


@given(st.text(max_size=300))
def test_a_safe_name_is_safe_and_stays(name: str):
    made = safe_name(name)
    assert not problem(made), made
    assert safe_name(made) == made


@pytest.mark.parametrize("letter", ["x", "ü", "u\u0308", "狐", "🦊"])
def test_bytes_are_counted_not_letters(letter: str):
    whole = letter * ((MOST_BYTES - 4) // len(letter.encode())) + ".jpg"
    assert len(whole.encode()) <= MOST_BYTES and safe_name(whole) == whole
    long = letter * 300 + ".jpg"
    made = safe_name(long)
    assert len(made.encode()) <= MOST_BYTES < len(long.encode()) and made.endswith(".jpg")
    assert "\ufffd" not in made and unicodedata.normalize("NFC", made[0]) == made[0]
    assert safe_name(letter * 300 + "y.jpg") != made, "two long names with one beginning are two"


def test_names_that_some_system_takes_for_one():
    names = ["fox", "Fox", "FOX", "F\u00fcchse", "FU\u0308CHSE", "a:", "a?", "a_", "CON", "con_"]
    made = safe_names.safe_names(names)
    assert list(made) == names and len({same(m) for m in made.values()}) == len(names)
    assert made["fox"] == "fox" and made["Fox"] == "Fox (2)" and made["FOX"] == "FOX (3)"
    assert made["a_"] == "a_" and made["con_"] == "con_", "what is safe already keeps its name"
    assert {made["a:"], made["a?"]} == {"a_ (2)", "a_ (3)"} and made["CON"] == "CON_ (2)"


def test_a_number_that_is_taken_is_no_way_out():
    made = safe_names.safe_names(["Fox", "fox (2)", "fox"])
    assert made["fox (2)"] == "fox (2)" and made["fox"] == "fox (3)"
    long = "x" * MOST_BYTES
    two = safe_names.safe_names([long, long.upper()])
    assert {len(n.encode()) for n in two.values()} == {MOST_BYTES} and two[long.upper()].endswith(" (2)")


def test_paths_below_a_folder():
    taken: dict[str, str] = {}
    first = another_path(PurePath("one/IMG.JPG"), taken)
    assert first == PurePosixPath("one/IMG.JPG")
    assert another_path(PurePath("One/img.jpg"), taken) == PurePosixPath("One/img (2).jpg")
    assert another_path(PurePath("two/IMG.JPG"), taken) == PurePosixPath("two/IMG.JPG")
    assert another_path(PurePath("one/IMG.JPG"), taken) == first, "asked for again"
    assert another_path(PurePath("one/IMG.JPG"), taken, "another card's") == PurePosixPath("one/IMG (3).JPG")
    assert another("one/IMG.JPG", {}) == "one_IMG.JPG" and another("", {}) == "_"
    assert safe_path("/etc/../x/./aux") == PurePosixPath("etc/__/x/aux_")
    assert not safe_path(PurePath("/etc/passwd")).is_absolute()


def test_the_examples_are_true():
    assert doctest.testmod(safe_names).failed == 0


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("/data/photos", "photos"),
        ("/data/Fallen 2021", "Fallen 2021"),
        ("/data/2021: spring", "2021_ spring"),
        ("/data/aux", "aux_"),
        ("/data/.hidden", "hidden"),
        ("/", "study"),
    ],
)
def test_a_study_is_called_as_its_folder(folder: str, name: str):
    assert run_name(Path(folder)) == name
    assert settle(make({"folder": folder, "backbone": "cnn"}, "here")).name == name


@pytest.mark.parametrize("name", ["aux", "a:b", "end.", "x" * 256])
def test_a_study_cannot_be_called_what_some_system_refuses(name: str):
    with pytest.raises(UserError, match=r"the study cannot be called so: .* would do") as said:
        settle(make({"folder": "demo", "name": name, "backbone": "cnn"}, "here"))
    assert f"'{safe_name(name)}'" in str(said.value)
