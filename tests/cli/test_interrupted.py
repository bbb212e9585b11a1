"""Ctrl-C ends each command with what is true of it: only some of them go on where they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from secateur import catalogue, cli
from secateur.cli.interrupted import ANEW, KEPT, left

GOES_ON = "nothing finished is lost: the same command goes on from here"


@pytest.mark.parametrize(
    "words, said",
    [
        (["study", "photos", "--jobs", "2"], GOES_ON),
        (["study", "photos", "--track-to", "--csv"], GOES_ON),
        (["scan", "photos"], "the same command reads only the photos that are left"),
        (["scan", "photos", "--csv=a.csv"], f"{KEPT['scan']}; nothing was written to --csv"),
        (["predict", "model.onnx", "photos"], ANEW),
        (["predict", "model.onnx", "photos", "--copy-to", "sorted"], KEPT["predict"]),
        (["bench", "models", "--out", "pi.json"], f"no time is kept: {ANEW}; nothing was written to --out"),
        (["export", "photos", "--out", "there"], f"no folder was made: {ANEW}"),
        (["import", "keras", "model.h5"], f"no folder was made: {ANEW}"),
        (["runs"], ""),
        (["--help"], ""),
        ([], ""),
    ],
)
def test_each_command_says_what_is_there(words: list[str], said: str):
    assert left(words) == said


def test_words_are_of_commands_that_are_there_and_one_alone_goes_on():
    names = {c.name or c.callback.__name__ for c in cli.app().registered_commands if c.callback}
    names |= {group.name for group in cli.app().registered_groups if group.name}
    assert set(KEPT) <= names
    assert [name for name, said in KEPT.items() if "goes on" in said] == ["study"]


@pytest.mark.parametrize("command", ["scan", "evaluate", "bench"])
def test_it_is_what_the_command_line_prints(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """And a file that stood there stays as it was."""

    def interrupted(where: str) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(catalogue, "load", interrupted)
    kept = tmp_path / "kept.csv"
    kept.write_text("mine")
    folder = {"scan": [], "evaluate": ["model.onnx"], "bench": []}[command]
    option = "--out" if command == "bench" else "--csv"
    assert cli._run([command, *folder, str(tmp_path), option, str(kept)]) == cli.EXIT_INTERRUPTED
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"secateur: interrupted; {KEPT[command]}")
    assert kept.read_text() == "mine" and [p.name for p in tmp_path.iterdir()] == ["kept.csv"]
