"""The page: package data, filled in once."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from secateur import __version__
from secateur.report import cards
from secateur.report.formats import FILTERS
from secateur.serving.models import Served
from secateur.serving.photos import SPOKEN
from secateur.serving.terms import Terms
from secateur.serving.uploads import too_large


def parts(models: Sequence[Served], terms: Terms) -> dict[str, tuple[bytes, str]]:
    """Path → content and its type. The report's style sheet comes first: both pages look alike."""
    house = files("secateur.report") / "template" / "page.css"
    own = files("secateur.serving") / "template"
    css = house.read_text(encoding="utf-8") + cards.css() + (own / "page.css").read_text(encoding="utf-8")
    return {
        "/": (_html(models, terms).encode(), "text/html"),
        "/page.css": (css.encode(), "text/css"),
        "/page.js": ((own / "page.js").read_bytes(), "text/javascript"),
    }


def _html(models: Sequence[Served], terms: Terms) -> str:
    environment = Environment(
        loader=PackageLoader("secateur.serving", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS | {"fitted": cards.fitted}
    return environment.get_template("page.html").render(
        models=models, terms=terms, kinds=SPOKEN, too_large=too_large(terms.max_upload), version=__version__
    )
