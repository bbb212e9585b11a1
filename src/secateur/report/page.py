"""One self-contained HTML file from a story; pure but for reading its own templates.

No network: a content security policy lets run only the scripts written here, each by its hash, so that a
class called `<script>` could not run even if an escape were forgotten. Vega evaluates its expressions with
its interpreter, which needs no eval. Autoescape is on; JSON inside the page escapes `<`, `>` and `&`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from secateur.report import cards, formats
from secateur.report.figures import PARTS, figures
from secateur.report.palette import SHAPES, looks

TEMPLATES = Path(__file__).parent / "template"
MOST_CLASSES = 30  # above this a confusion matrix cannot be read; the commonest mistakes stay
MOST_MATRICES = 12  # classes up to which every network's matrix is drawn, not only the chosen ones'


def vega_bundle() -> str:
    """Vega, Vega-Lite and vega-embed as one script (0.9 MB; about 2 s, so keep it)."""
    import vl_convert

    return str(vl_convert.javascript_bundle())  # type: ignore[call-arg]  # its stub forgets the default


def page(story: dict[str, Any], vega_js: str) -> str:
    """The report as one HTML text, from `secateur.report.story.tell` and `vega_bundle()`."""
    charts = figures(story)
    scripts = [_script_text(vega_js), (TEMPLATES / "page.js").read_text(encoding="utf-8")]
    return (
        _environment()
        .get_template("page.html")
        .render(
            story=story,
            charts=charts,
            charts_json=json_in_html(charts),
            looks=looks(story),
            shapes=SHAPES,
            parts=PARTS,
            used={a["use"] for a in story["answers"]},
            reach=_reach(story),
            reach_of_classes=_reach_of_classes(story),
            matrices=_matrices(story),
            css=(TEMPLATES / "page.css").read_text(encoding="utf-8") + cards.css(),
            scripts=scripts,
            script_hashes=[_csp_hash(s) for s in scripts],
        )
    )


def json_in_html(value: Any) -> str:
    """JSON that may stand inside a script element: no text of it can end the element or open another."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _script_text(script: str) -> str:
    """A script that cannot close its own element, whatever strings it holds."""
    return re.sub(r"<(?=/script|!--)", r"\\x3c", script, flags=re.IGNORECASE)


def _csp_hash(script: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() + "'"


@cache
def _environment() -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= formats.FILTERS
    found.filters |= {"fitted": cards.fitted, "called": lambda method, labels: labels.get(method, method)}
    found.filters["breakable"] = breakable
    found.globals["forest"] = forest
    return found


def breakable(name: str) -> Markup:
    """A name whose lines may end after an underscore, a dot or a slash."""
    return Markup(re.sub(r"([_./])(?=\w)", r"\1<wbr>", str(escape(name))))


def _reach(story: dict[str, Any]) -> float:
    """Points to either side of 0 that the small interval drawings hold: what lies further is cut, and marked."""
    margins = [c["margin"] for c in story["claims"]]
    return 4 * max(margins, default=1.0)


def _reach_of_classes(story: dict[str, Any]) -> float:
    """The same for classes: the largest change, and no less than for whole networks."""
    changes = [c["change"]["difference"] for h in story["harm"] for p in h["paid"] for c in p["classes"]]
    ends = [abs(x) for d in changes for x in (d["value"], d["low"], d["high"]) if x is not None]
    return float(max([_reach(story), *ends]))


def forest(compared: dict[str, Any], reach: float, width: int = 72) -> dict[str, Any]:
    """Where the parts of a small interval drawing stand, in pixels from its left; `cut` names a cut side."""
    measured = compared["difference"]

    def at(points: float) -> float:
        return round((max(-reach, min(reach, points)) + reach) / (2 * reach) * width, 1)

    low = measured["value"] if measured["low"] is None else measured["low"]
    high = measured["value"] if measured["high"] is None else measured["high"]
    return {
        "low": at(low),
        "high": at(high),
        "value": at(measured["value"]),
        "zero": at(0.0),
        "margin": at(-compared["margin"]),
        "off": measured["value"] < -reach or measured["value"] > reach,
        "width": width,
    }


def _matrices(story: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Confusion matrices to draw at once, and those behind a fold."""
    count = len(story["data"]["labels"])
    if count > MOST_CLASSES:
        return {"shown": [], "folded": []}
    shown = [c for c in story["confusions"] if c["form"] == "fp32" and (c["reference"] or c["chosen"])]
    others = [c for c in story["confusions"] if c not in shown]
    return {"shown": shown or others[:1], "folded": others if count <= MOST_MATRICES else []}
