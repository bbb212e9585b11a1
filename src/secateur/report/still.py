"""A chart of the report as a picture that needs no page: its own colours, a size of its own."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from secateur.report.page import TEMPLATES

WIDTH = 640  # pixels


@cache
def _colours() -> dict[str, str]:
    """Name → colour, as the page has them in the light."""
    css = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    light = css[css.index(":root {") : css.index("}")]
    return dict(re.findall(r"(--[\w-]+): (#\w+);", light))


def still(chart: dict[str, Any]) -> dict[str, Any]:
    """The Vega-Lite specification with the page's colours put in, on its background."""
    colours = _colours()
    text = re.sub(r"var\((--[\w-]+)\)", lambda m: colours[m[1]], json.dumps(chart))
    made: dict[str, Any] = json.loads(text)
    made["config"] = made.get("config", {}) | {"background": colours["--page"]}
    return made | ({"width": WIDTH} if made.get("width") == "container" else {})


def png(chart: dict[str, Any], scale: float = 2.0) -> bytes:
    """Drawn by the library that the page inlines."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(json.dumps(still(chart)), scale=scale))
