"""study.toml → Study, and back: every mistake is one line that says where it stands."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError

from secateur.choice import MethodChoice
from secateur.errors import NotKnown, UserError
from secateur.safe_names import safe_name
from secateur.settings import SOURCES, Study
from secateur.texts import read_text

PLAIN = {  # pydantic's kinds of mistake in words for people
    "int_parsing": "a whole number is needed",
    "int_type": "a whole number is needed",
    "int_from_float": "a whole number is needed",
    "float_parsing": "a number is needed",
    "float_type": "a number is needed",
    "bool_parsing": "true or false is needed",
    "bool_type": "true or false is needed",
}


def make(values: dict[str, Any], where: str) -> Study:
    """A Study out of plain values; `where` names their source. Raises UserError in one line."""
    try:
        return Study(**values)
    except NotKnown as error:
        raise UserError(f"{where}: {error}") from error
    except ValidationError as error:
        raise UserError(f"{where}: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    """The first mistake, with the nearest name for a misspelt key."""
    mistake = error.errors()[0]
    place = ".".join(str(p) for p in mistake["loc"] if "(" not in str(p))  # pydantic names its validators, too
    if mistake["type"] == "extra_forbidden":
        table = MethodChoice if len(mistake["loc"]) > 1 else Study
        return str(NotKnown("key", place.rsplit(".", 1)[-1], table.model_fields, see="secateur study --help"))
    message = PLAIN.get(mistake["type"]) or mistake["msg"].removeprefix("Value error, ")
    got = "" if "got" in message or isinstance(mistake["input"], dict) else f"; got {mistake['input']!r}"
    return f"{place}: {message}{got}" if place else f"{message}"


def read(path: Path) -> Study:
    """The Study of a TOML file; a relative `folder`, `labels`, `start` or file of weights is relative to the
    file, and so is `published` where it names another TOML file. Raises UserError."""
    values = _toml(path)
    if isinstance(values.get("published"), str):
        values["published"] = _toml(path.parent / values["published"])
    study = make(values, str(path))
    here = {}
    if study.folder and study.folder != "demo":
        here["folder"] = study.folder
    if study.labels:
        here["labels"] = study.labels
    if study.start:
        here["start"] = study.start
    if study.weights not in ("", *SOURCES):
        here["weights"] = study.weights
    full = {k: str((path.parent / Path(v).expanduser()).resolve()) for k, v in here.items()}
    study = study.model_copy(update=full)
    if not study.name:
        study = study.model_copy(update={"name": safe_name(path.stem)})
    return study


def _toml(path: Path) -> dict[str, Any]:
    text = read_text(path, "TOML is UTF-8: save it so")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        hint = "; write paths with /, or between single quotes: 'C:\\photos'" if "\\" in text else ""
        raise UserError(f"{path} is not TOML: {error}{hint}") from error


def demo() -> dict[str, Any]:
    """The embedded study, as plain values."""
    return tomllib.loads(resources.files("secateur").joinpath("studies/demo.toml").read_text(encoding="utf-8"))


def to_toml(study: Study) -> str:
    """Every field that is not at its default."""
    return tomli_w.dumps(study.model_dump(mode="json", exclude_defaults=True))
