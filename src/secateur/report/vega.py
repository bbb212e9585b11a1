"""The grammar that the charts share: one look, one way to write a field; pure. Vega-Lite, as dicts."""

from __future__ import annotations

import math
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
