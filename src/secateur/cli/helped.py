"""--help that a person reads: options by what they are about, and of a command with many the ten that matter first."""

from __future__ import annotations

import textwrap
import types
from itertools import zip_longest
from typing import Any, Literal, get_args, get_origin

import typer
from typer.core import TyperCommand

from secateur.panels import TITLES, Group, Matters, Says

ALL = "--help-all"
SHORT, OTHERS = "What matters most", f"More, told by {ALL}"
LEFT = "Running"  # where options without a panel of their own stand
TYPES = {"int": "INTEGER", "float": "NUMBER", "str": "TEXT", "path": "PATH"}
PLAIN = {int: "INTEGER", float: "NUMBER", str: "TEXT"}


class Grouped(TyperCommand):
    """Options under the titles that `rich_help_panel` gives them, typer's own grouping, as plain text. Of a command
    that has --help-all, --help shows those that are marked to matter, and names the others."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Called by the library to write what follows the description."""
        shown = [p for p in self.get_params(ctx) if p.get_help_record(ctx)]
        options = [p for p in shown if p.param_type_name == "option"]
        many = any(ALL in p.opts for p in options)
        panels = _by_panel(options, LEFT if many else "Options")
        first = [p for p in options if p.name in MATTERING]

        def section(title: str, own: list[Any]) -> None:
            _section(formatter, title, [_worded(*p.get_help_record(ctx)) for p in own])

        section("Arguments", [p for p in shown if p.param_type_name == "argument"])
        if not many or ctx.meta.get(ALL):
            for title, own in panels.items():
                section(title, own)
            return
        section(SHORT, first)
        known = [*first, *(p for p in options if p.is_eager)]  # --help and its like
        names = {t: [max(p.opts, key=len) for p in own if p not in known] for t, own in panels.items()}
        with formatter.section(OTHERS):
            width = max(len(title) for title in names) + 2
            for title, own in names.items():  # a flag is never broken at its hyphens
                lines = textwrap.wrap(" ".join(own), formatter.width - width - 2, break_on_hyphens=False)
                formatter.write(
                    "".join(f"  {head:<{width}}{line}\n" for head, line in zip_longest((title,), lines, fillvalue=""))
                )


MATTERING: set[str] = set()  # names of parameters; filled by the command that has many


def _section(formatter: Any, title: str, records: list[Any]) -> None:
    if records:
        with formatter.section(title):
            formatter.write_dl(records)


def _worded(flag: str, said: str) -> tuple[str, str]:
    """A type in words instead of Python's; after an argument that shows its form nothing."""
    form, _, kind = flag.rpartition(" <")
    if not form or not kind.endswith(">"):
        return flag, said
    if form == form.upper() or "|" in form:  # an argument's own words
        return form, said
    bare = kind.removesuffix(">").removeprefix("list[").removesuffix("]").split()[0].lower()
    return f"{form} {TYPES.get(bare, bare.upper())}", said


def _by_panel(options: list[Any], usual: str) -> dict[str, list[Any]]:
    """In the order of the titles; what has none stands under the usual one."""
    found: dict[str, list[Any]] = {title: [] for title in TITLES}
    for option in options:
        found.setdefault(getattr(option, "rich_help_panel", None) or usual, []).append(option)
    return {title: own for title, own in found.items() if own}


def help_all() -> Any:
    """The option that shows every panel."""

    def shown(ctx: typer.Context, value: bool) -> None:
        if value:
            ctx.meta[ALL] = True
            typer.echo(ctx.get_help())
            raise typer.Exit()

    return typer.Option(False, ALL, callback=shown, is_eager=True, help="Show every option, by what it is about.")


def panel(field: Any) -> str:
    """The title of a field's panel; "" where it names none."""
    return next((m.title for m in field.metadata if isinstance(m, Group)), "")


def matters(field: Any) -> bool:
    return any(isinstance(m, Matters) for m in field.metadata)


def looks(field: Any) -> str | None:
    """What a flag's value looks like: its own words, its choices, or its type; None for a switch."""
    own = next((m.words for m in field.metadata if isinstance(m, Says)), "")
    return own or _type(field.annotation)


def _type(kind: Any) -> str | None:
    if kind is bool:
        return None
    if get_origin(kind) is Literal:
        return "|".join(str(choice) for choice in get_args(kind) if choice != "")
    if get_origin(kind) is tuple:
        return f"{_type(get_args(kind)[0])},…"
    if isinstance(kind, types.UnionType):
        return "|".join(filter(None, (_type(k) for k in get_args(kind))))
    return PLAIN.get(kind, "TEXT")
