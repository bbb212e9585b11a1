"""--help that a person reads: of `study` the ten flags that matter first, the rest by what it is about."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Literal, get_args, get_origin

import pytest
from typer.testing import CliRunner

from secateur.cli import app
from secateur.cli.helped import MATTERING, SHORT, looks, matters, panel
from secateur.panels import TITLES
from secateur.settings import Study

NO_FLAG = ("published", "also")  # tables of a study file
COMMANDS = [c.name or c.callback.__name__ for c in app().registered_commands if c.callback] + [
    "import keras",
    "import timm",
]


def said(*words: str, columns: int = 80) -> str:
    done = CliRunner().invoke(app(), list(words), prog_name="secateur", env={"COLUMNS": str(columns)})
    assert done.exit_code == 0, done.output
    return done.output


def sections(text: str) -> dict[str, list[str]]:
    """Title → the flags that stand under it, in their order."""
    found: dict[str, list[str]] = {}
    title = ""
    for line in text.splitlines():
        if re.match(r"\S.*:$", line):
            title = line[:-1]
        elif title and (flag := re.match(r"  (?:-\w, )?(--[\w-]+)", line)):
            found.setdefault(title, []).append(flag[1])
    return found


@pytest.mark.parametrize("name", Study.model_fields)
def test_every_field_says_where_help_shows_it(name: str):
    field = Study.model_fields[name]
    assert panel(field) in TITLES
    if field.annotation is not bool and name not in NO_FLAG:
        assert looks(field), name


def test_ten_matter_and_stand_first():
    told = sections(said("study", "--help"))
    fields = [f"--{n.replace('_', '-')}" for n, field in Study.model_fields.items() if matters(field)]
    assert next(iter(told)) == SHORT and len(told[SHORT]) == 10 == len(MATTERING)
    assert set(told[SHORT]) == {*fields, "--plan", "--jobs"}


def test_help_all_shows_every_flag_once_in_its_panel():
    told = sections(said("study", "--help-all"))
    assert list(told) == list(TITLES)
    flags = [flag for own in told.values() for flag in own]
    assert len(flags) == len(set(flags))
    for name, field in Study.model_fields.items():
        if name not in NO_FLAG:
            assert f"--{name.replace('_', '-')}" in told[panel(field)]
    short = said("study", "--help")
    assert all(re.search(rf"{flag}\b", short) for flag in flags if flag != "--help"), "each is at least named"


def test_choices_and_types_are_those_of_the_record():
    text = said("study", "--help-all", columns=100)
    for name, field in Study.model_fields.items():
        if get_origin(field.annotation) is Literal:
            choices = "|".join(str(c) for c in get_args(field.annotation) if c)
            assert f"--{name.replace('_', '-')} {choices}" in text
    for words in ("--seeds INTEGER,…", "--margin NUMBER", "--device cpu|cuda", "--budget TIME", "--labels FILE"):
        assert words in text
    assert "--split stratified|folders|" in text and "--recipe fast|" in text
    assert "FOLDER|STUDY.toml|demo" in text.splitlines()[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_no_help_speaks_python(command: str):
    for columns in (80, 120):
        text = said(*command.split(), "--help", columns=columns)
        assert not re.search(r"<[a-z][\w \[\]]*>", text.replace("<class>", ""))
        assert max(len(line) for line in text.splitlines()) <= columns
        assert "\x1b" not in text


def test_a_terminal_with_few_characters_ends_no_command():
    """There is no ² in ASCII: it is written as its number."""
    words = [sys.executable, "-m", "secateur", "methods", "lamp"]
    done = subprocess.run(words, capture_output=True, env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0 and rb"\xb2" in done.stdout, done.stderr
