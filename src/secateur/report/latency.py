"""The chart of accuracy against measured time; pure."""

from __future__ import annotations

import math

from secateur.report.formats import milliseconds, percent
from secateur.report.palette import looks, marked
from secateur.report.vega import Spec, Story, as_is, chart, ends, number, span, tip


def accuracy_against_time(story: Story, bench: Story) -> Spec:
    """Test accuracy against the median of a call, one photo on one thread, both with their intervals; log axis."""
    rows = {row["config"]: row for row in story["models"]}
    styles, points = looks(story), []
    for timed in bench["rows"]:
        row, one = rows[timed["config"]], timed["ways"][0] if timed["ways"] else None
        if not row["test_accuracy"] or not one or row["random"]:
            continue
        low, high = ends(row["test_accuracy"])
        points.append(
            {
                "name": row["name"],
                "ms": one["median"]["value"],
                "from": one["median"]["low"],
                "to": one["median"]["high"],
                "accuracy": 100 * row["test_accuracy"]["value"],
                "low": low,
                "high": high,
                "said": percent(row["test_accuracy"]["value"]),
                "time": milliseconds(one["median"]["value"]),
                "verdict": one["verdict"],
                **marked(styles[row["method"]], row),
            }
        )
    if not points:
        return {}
    y = number("accuracy", "Test accuracy, %", scale={"domain": span(v for p in points for v in (p["low"], p["high"]))})
    ends_of_axis = [min(p["from"] for p in points) / 1.1, max(p["to"] for p in points) * 1.1]
    scale = {"type": "log", "domain": ends_of_axis, "nice": False}
    x = number(
        "ms",
        "ms a photo, one thread, log scale",
        scale=scale,
        axis={"format": "~g", "values": _marks(*ends_of_axis), "grid": False},
    )
    tips = tip(("name", "Network"), ("said", "Test accuracy"), ("time", "Median"), ("verdict", "Against dense"))
    style = {"stroke": as_is("stroke"), "fill": as_is("fill"), "shape": as_is("shape")}
    stroke = {"stroke": as_is("stroke")}
    layers: list[Spec] = [
        {
            "mark": {"type": "rule", "opacity": 0.7},
            "encoding": {"x": x, "y": number("low", y["title"], scale=y["scale"]), "y2": {"field": "high"}} | stroke,
        },
        {
            "mark": {"type": "rule", "opacity": 0.7},
            "encoding": {"x": number("from", x["title"], scale=scale), "x2": {"field": "to"}, "y": y} | stroke,
        },
        {
            "mark": {"type": "point", "size": 70, "opacity": 1, "strokeWidth": 1.5},
            "encoding": {"x": x, "y": y, "tooltip": tips, **style},
        },
    ]
    words = ", ".join(f"{p['name']} {p['said']} in {p['time']}" for p in points)
    text = f"Test accuracy against the time of one photo: {words}."
    return chart(text, 300, layers, f"Accuracy against time on {bench['label']}") | {"data": {"values": points}}


def _marks(low: float, high: float) -> list[float]:
    """Round numbers of a log axis, four or more where there are as many."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9)):
        marks = [round(s * 10.0**d, 6) for d in decades for s in steps if low <= s * 10.0**d <= high]
        if len(marks) >= 4:
            break
    return marks
