"""The catalogue's ways to prune, and those of packages that are installed beside it. Standard library only.

A package adds a method by an entry point of the group `secateur.methods` that names a `Method`:

    [project.entry-points."secateur.methods"]
    mine = "my_package:ROW"
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from secateur.errors import UserError
from secateur.methods.filters import FILTERS
from secateur.methods.row import Begins, Method
from secateur.methods.weights import WEIGHTS

__all__ = ["FILTERS", "GROUP", "OWN", "WEIGHTS", "Begins", "Method", "all_methods", "page"]
GROUP = "secateur.methods"
OWN: tuple[Method, ...] = (*WEIGHTS, *FILTERS)
_PAGES = Path(__file__).parent / "pages"


@cache
def all_methods() -> tuple[Method, ...]:
    """Our rows, then those of other packages. Raises UserError for one that is no row, or takes another's name."""
    rows = list(OWN)
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        where = f"the method '{point.name}' of {point.dist.name if point.dist else point.value}"
        try:
            row = point.load()
        except Exception as error:  # somebody else's module may raise anything
            raise UserError(f"{where} does not load: {type(error).__name__}: {error}") from error
        if not isinstance(row, Method):
            raise UserError(f"{where} is no secateur.methods.Method")
        if row.name in {r.name for r in rows}:
            raise UserError(f"{where} is called '{row.name}', as another is")
        rows.append(row)
    return tuple(rows)


def page(row: Method) -> str:
    """Markdown that teaches a method: the idea, the equation, when to use it, where it hurts."""
    if row.page:
        return row.page
    file = _PAGES / f"{row.name}.md"
    return file.read_text(encoding="utf-8") if file.is_file() else ""
