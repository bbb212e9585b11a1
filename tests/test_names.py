"""Names that look the same are the same, and names that are nobody's photos are known."""

from __future__ import annotations

import unicodedata

import pytest

from secateur.names import OTHERS, by_nfc, nfc, nobodys, plain

APART = unicodedata.normalize("NFD", "Füchsin")


def test_one_form_for_what_looks_the_same():
    assert APART != "Füchsin" and nfc(APART) == nfc("Füchsin") == "Füchsin"
    assert nfc("한글") == nfc(unicodedata.normalize("NFD", "한글"))
    assert nfc("Å") == "Å"  # the sign of a unit, and the letter
    assert nfc("m²") == "m²" != nfc("m2")  # another sign is another name
    assert by_nfc([APART, "Füchsin", "Uhu"]) == {"Füchsin": (APART, "Füchsin"), "Uhu": ("Uhu",)}


@pytest.mark.parametrize("name", [APART, "füchsin ", " FÜCHSIN", "Füch\u200bsin", "\ufeffFüchsin", "Füch\u00adsin"])
def test_what_is_probably_the_same(name: str):
    assert plain(name) == plain("Füchsin") != plain("Fuchsin")
    assert plain("red_fox") == plain("Red-Fox") == plain("red\u00a0fox")


PASSED = """
@eaDir @EADIR #recycle #snapshot $RECYCLE.BIN $Recycle.Bin lost+found LOST.DIR .Trash .Trash-1000 .Trashes .thumbnails
__MACOSX .AppleDouble .Spotlight-V100 .fseventsd Thumbs.db desktop.ini ._IMG_0001.JPG .dtrash .picasaoriginals .stfolder
.@__thumb @Recycle @Recently-Snapshot FOUND.000 .ipynb_checkpoints .hidden.jpg System?Volume?Information
Fotos?Previews.lrdata Network?Trash?Folder
"""
LOOKED_AT = "fox recycled trash eaDir snapshot thumbnails $ #1 _x found"


@pytest.mark.parametrize("name", [name.replace("?", " ") for name in PASSED.split()])
def test_what_is_nobodys(name: str):
    assert nobodys(name)


@pytest.mark.parametrize("name", LOOKED_AT.split())
def test_what_a_class_may_be_called(name: str):
    assert not nobodys(name)


def test_the_list_is_written_as_it_is_compared():
    assert all(name == name.casefold() == nfc(name) and why for name, why in OTHERS.items())
