"""Which colour and shape a method has, in every chart and table of a report.

Colours are CSS custom properties, so that one drawing serves light and dark; the six hues stay apart for
the common colour-blindnesses (after Okabe & Ito, 2008), and shape says the same a second time.
"""

from __future__ import annotations

from typing import Any

SHAPES = {  # Vega's name → an SVG path in a box of 12, for keys outside the charts
    "circle": "M6 1.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9z",
    "square": "M2 2h8v8h-8z",
    "triangle-up": "M6 1.2l5 9h-10z",
    "diamond": "M6 .6l4.6 5.4l-4.6 5.4l-4.6-5.4z",
    "triangle-down": "M6 10.8l5-9h-10z",
    "cross": "M4.2 1h3.6v3.2h3.2v3.6h-3.2v3.2h-3.6v-3.2h-3.2v-3.6h3.2z",
}
HUES = 6
PAGE, INK, MUTED = "var(--page)", "var(--ink)", "var(--muted)"


def looks(story: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Method → {label, stroke, fill, shape, dash}; "" is the dense network. Random controls are hollow."""
    labels = {row["method"]: row.get("label", row["method"]) for row in story["models"]}
    found: dict[str, dict[str, str]] = {"": _look("dense", INK, INK, "circle")}
    hollow = {row["method"]: row["structured"] for row in story["models"] if row["random"]}
    methods = dict.fromkeys(row["method"] for row in story["models"] if row["method"] and not row["random"])
    shapes = list(SHAPES)
    for i, method in enumerate(methods):
        hue = f"var(--c{i % HUES + 1})"
        turn = i // HUES  # with the hues used up the shapes move on: 36 methods look different
        found[method] = _look(labels[method], hue, hue, shapes[(i + 1 + turn) % len(shapes)])
    for method, structured in hollow.items():
        found[method] = _look(f"{labels[method]} (control)", MUTED, PAGE, "square" if structured else "circle")
    return found


def marked(look: dict[str, str], row: dict[str, Any]) -> dict[str, str]:
    """How a network's point is drawn: hollow where it is the INT8 file of a network that has a point of its own."""
    hollow = row["form"] == "int8" and row["role"] != "quantized"
    return {"stroke": look["stroke"], "fill": PAGE if hollow else look["fill"], "shape": look["shape"]}


def _look(label: str, stroke: str, fill: str, shape: str) -> dict[str, str]:
    return {"label": label, "stroke": stroke, "fill": fill, "shape": shape, "path": SHAPES[shape]}
