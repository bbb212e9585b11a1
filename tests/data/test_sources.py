"""Without a package or a network the user reads one line that says what to do by hand."""

from __future__ import annotations

import sys
import types

import pytest

from secateur.data.sources import ANIMALS10, fetch_animals10
from secateur.errors import UserError


def hub(download):
    return types.SimpleNamespace(dataset_download=download)


def test_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(UserError, match=r"secateur\[kaggle\].*by hand") as caught:
        fetch_animals10(tmp_path / "new")
    assert "\n" not in str(caught.value) and list(tmp_path.iterdir()) == []


def test_without_a_network(tmp_path, monkeypatch):
    def fails(name):
        raise ConnectionError("no route\nto host")

    monkeypatch.setitem(sys.modules, "kagglehub", hub(fails))
    with pytest.raises(UserError, match=r"no route to host.*by hand") as caught:
        fetch_animals10(tmp_path / "new")
    assert "\n" not in str(caught.value) and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("exists", [True, False])
def test_a_download_ends_in_the_folder_asked_for(tmp_path, monkeypatch, exists):
    cache = tmp_path / "cache"
    (cache / "raw-img" / "cane").mkdir(parents=True)
    (cache / "raw-img" / "cane" / "1.jpeg").write_bytes(b"x")
    asked = []
    monkeypatch.setitem(sys.modules, "kagglehub", hub(lambda name: asked.append(name) or str(cache)))
    target = tmp_path / "animals"
    if exists:
        target.mkdir()
    assert fetch_animals10(target) == target and asked == [ANIMALS10]
    assert (target / "raw-img/cane/1.jpeg").read_bytes() == b"x" and cache.exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["animals", "cache"]


def test_what_is_there_is_not_overwritten(tmp_path):
    (tmp_path / "mine.jpg").write_bytes(b"x")
    for target in (tmp_path, tmp_path / "mine.jpg"):
        with pytest.raises(UserError, match="exists already"):
            fetch_animals10(target)
