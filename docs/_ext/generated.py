"""Pages made from what the program knows of itself, so that none can be out of date: settings, catalogue, commands,
records."""

from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from secateur import backbones, catalogue, cli, records
from secateur.choice import MethodChoice
from secateur.cli.helped import panel
from secateur.methods import OWN
from secateur.panels import TITLES
from secateur.settings import Study

NOTE = "<!-- made by docs/_ext/generated.py -->\n\n"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    cells = ([cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def _default(value: Any) -> str:
    words = "" if value in ("", (), {}) else str(value)
    return f"`{words}`" if words else "–"


def settings() -> str:
    """Every key of a study file, and of a method's table."""

    def rows(kind: Any) -> list[tuple[str, ...]]:
        usual = {
            name: "must be set" if field.is_required() else _default(field.default)
            for name, field in kind.model_fields.items()
        }
        usual |= {"methods": "`magnitude`, `filter-l1`"} if "methods" in usual else {}
        return [(f"`{name}`", usual[name], field.description or "") for name, field in kind.model_fields.items()]

    head = ("key", "default", "what it says")
    panels: dict[str, list[tuple[str, ...]]] = {title: [] for title in TITLES}
    for row, field in zip(rows(Study), Study.model_fields.values(), strict=True):
        panels[panel(field)].append(row)
    return (
        NOTE + "# Settings of a study\n\nEach is a key of a study file, a flag of `secateur study` (`--input-px` for "
        "`input_px`), and a keyword of `secateur.study` and `secateur.train`.\n\n"
        + "\n\n".join(f"## {title}\n\n{_table(head, own)}" for title, own in panels.items())
        + "\n\n## A method's table\n\nAn entry of `methods`, and the options of `secateur.prune`.\n\n"
        + _table(head, rows(MethodChoice))
        + "\n"
    )


def known() -> str:
    """The catalogue: everything that can be asked for by name."""
    parts = [NOTE + "# The catalogue\n\nEverything that can be asked for by name.\n"]

    def add(title: str, words: str, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        parts.append(f"\n## {title}\n\n{words}\n\n{_table(head, rows)}\n")

    methods = [(f"[`{m.name}`](../methods.md)", m.family, m.kind, m.help) for m in OWN]
    add("Methods", "`methods`; `secateur methods NAME` teaches one.", ("name", "family", "kind", ""), methods)
    for title, key, rows in (
        ("Recipes", "recipe", catalogue.RECIPES),
        ("Augmentations", "augment", catalogue.AUGMENTATIONS),
        ("Splits", "split", catalogue.SPLITS),
        ("Trackers", "--track", catalogue.TRACKERS),
    ):
        add(title, f"`{key}`.", ("name", ""), [(f"`{r.name}`", r.help) for r in rows])
    forms = [(f"`{e.name}`", f"`{e.file}`", e.runtime, e.parity, e.help) for e in catalogue.EXPORTS]
    add("Forms of files", "`exports`, `secateur export --to`.", ("name", "file", "run-time", "parity", ""), forms)
    nets = [(f"`{b.name}`", str(b.default_px or "any"), b.licence, b.help) for b in backbones.BACKBONES]
    add("Backbones", "`backbone`: these, and any of timm's.", ("name", "px", "licence of the weights", ""), nets)
    return "\n".join(parts)


def commands() -> str:
    """What each command's --help prints."""
    made = cli.app()

    def helped(*words: str) -> str:
        flag = "--help-all" if words == ("study",) else "--help"
        done = CliRunner().invoke(made, [*words, flag], prog_name="secateur", env={"COLUMNS": "100"})
        assert done.exit_code == 0, done.output
        return str(done.output).strip()

    def below(*words: str) -> list[tuple[str, ...]]:
        """The commands of one, and theirs."""
        names = re.findall(r"^  ([\w-]+) {2,}\S", helped(*words).partition("Commands:")[2], re.M)
        return [own for name in names for own in ((*words, name), *below(*words, name))]

    said = helped()
    parts = [NOTE + f"# Commands\n\n```text\n{said}\n```\n"]
    parts += [f"\n## secateur {' '.join(own)}\n\n```text\n{helped(*own)}\n```\n" for own in below()]
    return "".join(parts)


def typed() -> str:
    """Every record, with its fields as they stand in the source, comments and all."""
    parts = [
        NOTE + "# Records\n\nWhat functions return, and what lies in `results.json` and the other files of a run.\n"
    ]
    for name in sorted(records.__all__):
        kind = getattr(records, name)
        if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):  # constants stand there as well
            continue
        source = inspect.getsource(kind).replace("@dataclass(frozen=True, slots=True)\n", "")
        parts.append(f"\n## {name}\n\n```py\n{source.strip()}\n```\n")
    return "".join(parts)


PAGES = {"settings.md": settings, "catalogue.md": known, "commands.md": commands, "records.md": typed}


def write(app: Any) -> None:
    """Into docs/reference; a page that says the same stays as it is, so that a second build is quick."""
    for name, page in PAGES.items():
        file = Path(app.srcdir) / "reference" / name
        text = page()
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls it."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}
