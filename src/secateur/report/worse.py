"""The charts of photos made worse, and of what probabilities are worth: small multiples on shared axes; pure."""

from __future__ import annotations

from secateur.report.formats import percent
from secateur.report.palette import INK, MUTED, looks
from secateur.report.vega import Spec, Story, as_is, chart, ends, number, span, tip

KIND_TITLES = {
    "noise": "Noise",
    "blur": "Blur",
    "brightness": "Brightness",
    "contrast": "Contrast",
    "jpeg": "JPEG",
    "occlusion": "Occlusion",
    "night": "Night",
}
FAINT, STRONG = 0.35, 1.0
DASHES = [4, 2]  # of INT8, which would lie on dense else


def accuracy_against_strength(story: Story, harm: Story) -> list[Spec]:
    """A panel a corruption: accuracy by strength, a line a network; what a reader may deploy is drawn stronger."""
    rows = harm["robustness"]
    if not rows:
        return []
    every = [r["accuracy"]["value"] for row in rows for own in row["kinds"].values() for r in own]
    spread = span(100 * v for v in [*every, *(row["clean"]["value"] for row in rows)])
    return [_panel(story, rows, kind, spread) for kind in rows[0]["kinds"]]


def _panel(story: Story, rows: list[Spec], kind: str, spread: list[float]) -> Spec:
    styles, points = looks(story), []
    for row in rows:
        look = styles[row["method"]]
        strong = row["chosen"] or row["reference"] or row["role"] == "quantized"
        dashed = row["role"] == "quantized" or row["form"] == "int8"
        for at in [{"strength": 0, "accuracy": row["clean"]}, *row["kinds"][kind]]:
            low, high = ends(at["accuracy"])
            value = 100 * at["accuracy"]["value"]
            points.append(
                {
                    "name": row["name"],
                    "strength": at["strength"],
                    "accuracy": value,
                    "said": f"{value:.1f} [{low:.1f}, {high:.1f}]",
                    "n": at["accuracy"]["n"],
                    "opacity": STRONG if strong else FAINT,
                    "width": 1.8 if strong else 1,
                    "dashed": dashed,
                    **{k: look[k] for k in ("stroke", "fill", "shape")},
                }
            )
    points.sort(key=lambda p: p["opacity"])
    x = number("strength", "Strength", axis={"values": [0, 1, 2, 3, 4, 5], "format": "d", "grid": False})
    y = number("accuracy", "Accuracy, %", scale={"domain": spread})
    tips = tip(("name", "Network"), ("strength", "Strength"), ("said", "Accuracy, %"), ("n", "Photos"))
    dashes = {"condition": {"test": "datum.dashed", "value": DASHES}, "value": [1, 0]}
    look_of_line = {"stroke": as_is("stroke"), "opacity": _amount("opacity"), "strokeWidth": _amount("width")}
    order = {"field": "strength", "type": "quantitative"}
    line = {"x": x, "y": y, "order": order, "detail": {"field": "name"}, "strokeDash": dashes, **look_of_line}
    layers: list[Spec] = [
        {"mark": {"type": "line", "clip": True}, "encoding": line},
        {
            "mark": {"type": "point", "size": 60, "opacity": 0, "clip": True},
            "encoding": {"x": x, "y": y, "tooltip": tips},
        },
    ]
    last = {p["name"]: p for p in points if p["strength"] == 5 and p["opacity"] == STRONG}
    words = ", ".join(f"{name} {p['accuracy']:.1f} %" for name, p in last.items())
    title = KIND_TITLES.get(kind, kind)
    return chart(f"{title}: accuracy at the greatest strength: {words}.", 180, layers, title) | {
        "data": {"values": points}
    }


def _amount(field: str) -> Spec:
    return {"field": field, "type": "quantitative", "scale": None, "legend": None}


def reliability_diagrams(story: Story, harm: Story) -> list[Spec]:
    """A panel a network: the share of right answers against the probability that was given with them. On the line
    probabilities mean what they say; the area of a point is its number of photos."""
    return [_diagram(story, row) for row in harm["calibration"]]


def _diagram(story: Story, row: Spec) -> Spec:
    look = looks(story)[row["method"]]
    points = []
    for b in row["bins"]:
        low, high = ends(b["accuracy"])
        points.append(
            {
                "confidence": 100 * b["confidence"],
                "accuracy": 100 * b["accuracy"]["value"],
                "low": low,
                "high": high,
                "n": b["n"],
                "said": f"{percent(b['accuracy']['value'])} right, {percent(b['confidence'])} said",
            }
        )
    scale = {"domain": [0, 100], "nice": False}
    axis = {"values": [0, 25, 50, 75, 100]}
    x = number("confidence", "Probability given, %", scale=scale, axis=axis | {"grid": False})
    y = number("accuracy", "Right, %", scale=scale, axis=axis)
    diagonal = [{"confidence": 0, "accuracy": 0}, {"confidence": 100, "accuracy": 100}]
    size = {"field": "n", "type": "quantitative", "scale": {"range": [12, 160]}, "legend": None}
    whisker = {"x": x, "y": number("low", "Right, %", scale=scale, axis=axis), "y2": {"field": "high"}}
    layers: list[Spec] = [
        {
            "data": {"values": diagonal},
            "mark": {"type": "line", "stroke": MUTED, "strokeWidth": 1, "strokeDash": [3, 3]},
            "encoding": {"x": x, "y": y},
        },
        {"mark": {"type": "rule", "opacity": 0.6, "stroke": look["stroke"] or INK}, "encoding": whisker},
        {
            "mark": {"type": "point", "opacity": 1, "stroke": look["stroke"], "fill": look["fill"]},
            "encoding": {"x": x, "y": y, "size": size, "tooltip": tip(("said", "Of these"), ("n", "Photos"))},
        },
    ]
    error = percent(row["ece"]["value"])
    text = f"{row['name']}: expected calibration error {error}; sure of {percent(row['confidence'])} on average, "
    text += f"right in {percent(row['accuracy'])}."
    return chart(text, 220, layers, row["name"]) | {"data": {"values": points}}
