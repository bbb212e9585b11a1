"""The grammar that the charts share: one look, one way to write a field; pure. Vega-Lite, as dicts."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable
from typing import Any

from secateur.report.palette import INK, MUTED

Spec = dict[str, Any]
Story = dict[str, Any]
FONT = "system-ui, sans-serif"
LINE = "var(--line)"

CONFIG: Spec = {
    "background": "transparent",
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "titleFontWeight": "normal",
        "titleFontSize": 12,
        "labelFontSize": 11,
        "gridColor": LINE,
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
        "labelLimit": 130,
    },
    "text": {"color": INK, "fontSize": 11},
}


def chart(description: str, height: int | Spec, layers: list[Spec], title: str = "") -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": description,
        "usermeta": {"title": title},
        "width": "container",
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "config": CONFIG,
        "layer": layers,
    }


LINE_OF_LABEL, LINES = 20, 4  # characters of a line, and lines, of a class's name beside an axis; what is cut says so
LINE_PX, BREAK = 13, r"\n"  # a new line, as an expression of Vega writes it


def wrapped(words: str, width: int = 26) -> list[str]:
    """A name beside a point, in lines."""
    return textwrap.wrap(words, width, break_on_hyphens=False) or [""]


def of_classes(names: Iterable[str], least: int) -> tuple[Spec, int]:
    """(axis that writes classes' names in lines, height of each in px, `least` or what the longest takes). Lines end
    at spaces, hyphens and underscores where there are any; a name of fewer lines than others stands as high as they."""
    n, longest = LINE_OF_LABEL, max(map(len, names), default=0)
    axis: Spec = {"labelColor": INK}
    if longest <= n:
        return axis, least
    most = min(LINES, -(-longest // n) + 1)
    broken = f"replace(datum.label, regexp('(.{{1,{n}}}[ _-]|.{{{n}}})(?=.)', 'g'), '$1{BREAK}')"
    text = f"(length(datum.label) > {n} ? {broken} : datum.label)"
    lines = f"split({text}, '{BREAK}')"
    above = f"slice('{LINES * BREAK}', 0, floor(({most} - min({most}, length({lines}))) / 2))"
    cut = f"split(join(slice({lines}, 0, {most}), '{BREAK}') + '…', '{BREAK}')"
    expression = f"length({lines}) > {most} ? {cut} : split({above} + {text}, '{BREAK}')"
    axis |= {"labelExpr": expression, "labelLimit": 150, "labelOffset": -LINE_PX * (most - 1) / 2}
    return axis, max(least, LINE_PX * most + 6)


def number(field: str, title: str | None = None, **more: Any) -> Spec:
    return {"field": field, "type": "quantitative", "title": title, **more}


def as_is(field: str) -> Spec:
    """The value itself is the colour or shape."""
    return {"field": field, "type": "nominal", "scale": None, "legend": None}


def tip(*fields: tuple[str, str]) -> list[Spec]:
    return [{"field": name, "title": title, "type": "nominal"} for name, title in fields]


def span(values: Iterable[float | None], pad: float = 0.08) -> list[float]:
    """An axis that holds all values, with some air; percent stay within 0 and 100."""
    known = [v for v in values if v is not None and math.isfinite(v)]
    if not known:
        return [0.0, 100.0]
    low, high = min(known), max(known)
    air = max(pad * (high - low), 0.5)
    return [max(0.0, low - air), min(100.0, high + air)]


def ends(measured: Spec) -> tuple[float, float]:
    low = measured["value"] if measured["low"] is None else measured["low"]
    high = measured["value"] if measured["high"] is None else measured["high"]
    return 100 * low, 100 * high
