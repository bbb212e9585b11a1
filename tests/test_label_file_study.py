"""What was taken of a file of labels stands in the plan, in a study's notes before it begins, and in the store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

import forked
from secateur import studying
from secateur.engine import Silent
from secateur.errors import UserError
from secateur.files import read
from secateur.records import Snapshot
from secateur.study_file import make
from secateur.study_file import read as read_study

SAID = (
    "labels.csv: paths from 'File'; labels from 'Genus + species' (--label-column for 'Genus' 2 classes, 'class' 2 "
    "classes); times from 'DateTime' (day first: 03/05/2021 10:00 is 3 May 2021 (and month first they would all be "
    "dates, too)); groups from 'site'"
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """`photos/`, and labels as Excel saves them."""
    (tmp_path / "photos").mkdir()
    rows = ["sep=;", "File;site;class;Genus;species;DateTime"]
    for i in range(24):
        Image.effect_noise((24, 24), 60 + i).convert("RGB").save(tmp_path / "photos" / f"{i}.png")
        taxon = "Mammalia;Vulpes;vulpes" if i % 2 else "Aves;Bubo;bubo"
        rows.append(f"{i}.png;{i};{taxon};03/05/2021 10:00")
    (tmp_path / "labels.csv").write_text("\n".join(rows), encoding="utf-8-sig")
    return tmp_path


FLAGS = ("--labels", "labels.csv", "--group-by", "column:site")


def test_scan_and_plan_say_it(home: Path):
    done = forked.run("scan", "photos", *FLAGS, cwd=home)
    assert done.returncode == 0 and SAID in done.stdout, done.stdout + done.stderr
    made = json.loads(forked.run("scan", "photos", *FLAGS, "--json", cwd=home).stdout)
    assert made["taken"]["label"] == "Genus + species" and made["taken"]["others"] == [["Genus", 2], ["class", 2]]
    other = forked.run("scan", "photos", *FLAGS, "--label-column", "class", "--date-order", "month", "--json", cwd=home)
    assert json.loads(other.stdout)["classes"] == ["Aves", "Mammalia"]
    plan = forked.run("study", "photos", "--plan", "--backbone", "cnn", *FLAGS, cwd=home)
    assert plan.returncode == 0 and SAID in plan.stdout, plan.stdout + plan.stderr
    wrong = forked.run("study", "photos", "--plan", "--label-column", "speces", *FLAGS, cwd=home)
    assert wrong.returncode == 2 and "label column of labels.csv 'speces' is not known; did you mean 'species'" in (
        wrong.stderr
    )


def test_a_study_says_and_keeps_it(home: Path, monkeypatch: pytest.MonkeyPatch):
    class Stopped(Exception):
        pass

    class Watcher(Silent):
        def planned(self, study, steps, rows, notes):
            said.extend(notes)

        def began(self, what, number, of):
            if of:
                raise Stopped

    said: list[str] = []
    asked = {"name": "x", "folder": str(home / "photos"), "labels": str(home / "labels.csv"), "backbone": "cnn"}
    request = make({**asked, "group_by": ["column:site"], "input_px": 16, "seeds": [0], "epochs": 1}, "here")
    monkeypatch.setattr(studying, "sized", lambda study, *rest: (study, {}, ()))  # no probe of the machine
    monkeypatch.setattr(studying, "estimate", lambda *rest: [])
    with pytest.raises(Stopped):
        studying.run(request, home / "runs", watcher=Watcher())
    assert SAID in said
    (kept,) = (home / "runs").glob(".store/snapshot/*/snapshot.json")
    found = read(Snapshot, kept)
    assert found.taken and found.taken.said() == SAID


def test_a_study_file_as_windows_saves_it(tmp_path: Path):
    content = 'name = "x"\nfolder = "photos"\nlabel_column = "species"\ntime_column = "Date + Time"\ndate_order = "day"'
    for mark in ("\ufeff", ""):
        (tmp_path / "a.toml").write_text(mark + content + f'\npublished = "{"p" if mark else "q"}.toml"', "utf-8")
        (tmp_path / f"{'p' if mark else 'q'}.toml").write_text(f"{mark}a = 1", "utf-8")
        study = read_study(tmp_path / "a.toml")
        assert (study.label_column, study.time_column, study.date_order) == ("species", "Date + Time", "day")
        assert study.published == {"a": 1}
    (tmp_path / "b.toml").write_text(content, "utf-16")
    with pytest.raises(UserError, match=r"b\.toml cannot be read: it is UTF-16 .* TOML is UTF-8: save it so"):
        read_study(tmp_path / "b.toml")
    (tmp_path / "c.toml").write_text('folder = "D:\\survey\\photos"', "utf-8")
    with pytest.raises(UserError, match=r"c\.toml is not TOML: .*; write paths with /, or between single quotes"):
        read_study(tmp_path / "c.toml")
