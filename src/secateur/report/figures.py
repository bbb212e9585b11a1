"""Vega-Lite specifications of the report's charts, from its story alone; pure.

A chart says what it shows in words too (`description`), and takes the width of the box it is put into.
"""

from __future__ import annotations

import math

from secateur.report.compared import compared
from secateur.report.curves import accuracy_against_sparsity, recall_per_class, training_curves
from secateur.report.formats import percent, size
from secateur.report.latency import accuracy_against_time
from secateur.report.layers import loss_of_layers
from secateur.report.palette import MUTED, PAGE, looks, marked
from secateur.report.vega import Spec, Story, as_is, chart, ends, number, of_classes, span, tip, wrapped
from secateur.report.worse import accuracy_against_strength, reliability_diagrams

SIZE_TITLES = {"onnx": "ONNX file, as it is deployed", "zstd": "Weights after zstd"}
PARTS = {"train": "var(--p1)", "val": "var(--p2)", "test": "var(--p3)"}  # one hue, three depths


def figures(story: Story) -> dict[str, Spec]:
    """Every chart by its id, in the order of the page."""
    drawn = {f"size-{kind}": accuracy_against_size(story, kind) for kind in ("onnx", "zstd")}
    drawn |= {f"speed-{i}": accuracy_against_time(story, bench) for i, bench in enumerate(story["speeds"])}
    drawn |= {
        f"compared-{i}-{name}": spec for i, c in enumerate(story["compared"]) for name, spec in compared(story, c)
    }
    drawn |= {f"scan-{i}": loss_of_layers(scan) for i, scan in enumerate(story["scans"])}
    drawn["labels"] = label_distribution(story)
    drawn |= {f"curve-{i}": spec for i, spec in enumerate(training_curves(story))}
    drawn |= {f"sparsity-{i}": spec for i, spec in enumerate(accuracy_against_sparsity(story))}
    drawn["recall"] = recall_per_class(story)
    for i, harm in enumerate(story["harm"]):
        drawn |= {f"worse-{i}-{k}": spec for k, spec in enumerate(accuracy_against_strength(story, harm))}
        drawn |= {f"sure-{i}-{k}": spec for k, spec in enumerate(reliability_diagrams(story, harm))}
    return {name: spec for name, spec in drawn.items() if spec}


# ------------------------------------------------------------- accuracy against size


def _size_points(story: Story, kind: str) -> list[Spec]:
    styles, points = looks(story), []
    used = {a["use"] for a in story["answers"]}
    for row in story["models"]:
        if not row["test_accuracy"] or not row["sizes"][kind]:
            continue
        low, high = ends(row["test_accuracy"])
        points.append(
            {
                "name": row["name"],
                "method": f"{row['method'] or row['config']} {row['form']}",
                "target": row["target"],
                "mb": row["sizes"][kind] / 1e6,
                "accuracy": 100 * row["test_accuracy"]["value"],
                "low": low,
                "high": high,
                "said": f"{percent(row['test_accuracy']['value'])} [{low:.1f}, {high:.1f}]",
                "size": size(row["sizes"][kind]),
                "seeds": len(row["seeds"]),
                "dense": row["reference"],
                "used": row["config"] in used and bool(row["method"]),
                "front": row["config"] in story["pareto"][kind],
                "random": row["random"],
                **marked(styles[row["method"]], row),
            }
        )
    return points


def accuracy_against_size(story: Story, kind: str) -> Spec:
    """Test accuracy with its interval against size on a log axis; the front, validation's, is a line; dense is marked.

    The axis spans what is not random: a random control below it would squeeze the rest, and is left out.
    """
    every = {k: _size_points(story, k) for k in SIZE_TITLES}
    kept = [p for points in every.values() for p in points if not p["random"]]
    if not kept:
        return {}
    low, high = span(v for p in kept for v in (p["low"], p["high"]))
    room_for_names = (high - low) * 0.1
    y = number("accuracy", "Test accuracy, %", scale={"domain": [low, high + room_for_names], "nice": False})
    points = sorted((p for p in every[kind] if p["low"] >= low), key=lambda p: not p["random"])  # controls below
    sizes = [p["mb"] for ps in every.values() for p in ps]
    domain = [min(sizes) / 1.25, max(sizes) * 1.35]
    x_scale = {"type": "log", "domain": domain, "nice": False}
    x = number("mb", "MB, log scale", scale=x_scale, axis={"format": "~g", "values": _round(*domain), "grid": False})
    front = sorted((p for p in points if p["front"]), key=lambda p: float(p["mb"]))
    best = ", ".join(f"{p['name']} {p['said']} at {p['size']}" for p in front)
    text = f"{SIZE_TITLES[kind]}, against test accuracy. On the front, by validation: {best}. "
    text += "All values stand in the table above."
    layers = _size_layers(points, front, x, y)
    return chart(text, 340, layers, SIZE_TITLES[kind]) | {"data": {"values": points}}


def _round(low: float, high: float) -> list[float]:
    """1, 2 and 5 of every decade between two sizes, or closer where the two are close: marks of a log axis."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    marks = [
        [step * 10.0**d for d in decades for step in steps if low <= step * 10.0**d <= high]
        for steps in ((1, 2, 5), (1, 1.5, 2, 3, 5, 7))
    ]
    return next((m for m in marks if len(m) >= 4), marks[-1])


def _size_layers(points: list[Spec], front: list[Spec], x: Spec, y: Spec) -> list[Spec]:
    whisker = {"x": x, "y": number("low", y["title"], scale=y["scale"]), "y2": {"field": "high"}}
    path = {"x": x, "y": y, "detail": {"field": "method"}, "order": {"field": "target", "type": "quantitative"}}
    tips = tip(("name", "Network"), ("said", "Test accuracy, %"), ("size", "Size"), ("seeds", "Seeds"))
    style = {"stroke": as_is("stroke"), "fill": as_is("fill"), "shape": as_is("shape")}
    dotted = {"type": "line", "interpolate": "step-after", "stroke": MUTED, "strokeDash": [2, 3], "strokeWidth": 1.5}
    layers: list[Spec] = [
        {"data": {"values": front}, "mark": dotted, "encoding": {"x": x, "y": y}},
        {
            "transform": [{"filter": "!datum.random"}],
            "mark": {"type": "line", "strokeWidth": 1, "opacity": 0.45},
            "encoding": path | {"stroke": as_is("stroke")},
        },
        {"mark": {"type": "rule", "opacity": 0.7}, "encoding": whisker | {"stroke": as_is("stroke")}},
        {
            "mark": {"type": "point", "size": 70, "opacity": 1, "strokeWidth": 1.5},
            "encoding": {"x": x, "y": y, "tooltip": tips, **style},
        },
    ]
    named = sorted((p for p in points if p["dense"] or p["used"]), key=lambda p: -float(p["accuracy"]))
    domain = x["scale"]["domain"]
    return layers + [_label(p, above=p is named[0], domain=domain, x=x, y=y) for p in named]


def _label(point: Spec, above: bool, domain: list[float], x: Spec, y: Spec) -> Spec:
    """A name above the highest point, below others, turned towards the middle so that it stays inside the chart."""
    left = point["mb"] > math.sqrt(domain[0] * domain[1])
    lines = wrapped(point["name"])
    up = -12 - 13 * (len(lines) - 1)
    shift = {"align": "right" if left else "left", "dx": -9 if left else 9, "dy": up if above else 16}
    words = {"fontWeight": 600, "fill": point["stroke"], "lineBreak": "\n", "lineHeight": 13}
    return {
        "data": {"values": [point | {"name": "\n".join(lines)}]},
        "mark": {"type": "text", **words, **shift},
        "encoding": {"x": x, "y": y, "text": {"field": "name", "type": "nominal"}},
    }


# ------------------------------------------------------------- photos


def label_distribution(story: Story) -> Spec:
    """Photos a class, by part of the split, most first."""
    rows = story["data"]["labels"]
    order = [r["name"] for r in sorted(rows, key=lambda r: -(r["train"] + r["val"] + r["test"]))]
    values = [
        {"name": r["name"], "part": part, "rank": i, "photos": r[part], "fill": colour}
        for r in rows
        for i, (part, colour) in enumerate(PARTS.items())
    ]
    totals = [{"name": r["name"], "photos": r["train"] + r["val"] + r["test"]} for r in rows]
    most = max((t["photos"] for t in totals), default=1)
    scale = {"domain": [0, most * 1.25], "nice": False}
    axis, band = of_classes(order, 26)
    y = {"field": "name", "type": "nominal", "sort": order, "title": None, "axis": axis}
    x = number("photos", "Photos", scale=scale, stack="zero", axis={"tickCount": 4, "format": ",d"})
    bars = {
        "data": {"values": values},
        "mark": {"type": "bar", "height": {"band": 0.68}, "stroke": PAGE, "strokeWidth": 1},
        "encoding": {
            "x": x,
            "y": y,
            "fill": as_is("fill"),
            "order": {"field": "rank", "type": "ordinal"},
            "tooltip": tip(("name", "Class"), ("part", "Part"), ("photos", "Photos")),
        },
    }
    totals_text = {
        "data": {"values": totals},
        "mark": {"type": "text", "align": "left", "dx": 5, "fill": MUTED},
        "encoding": {
            "x": number("photos", scale=scale),
            "y": y,
            "text": {"field": "photos", "type": "quantitative", "format": ","},
        },
    }
    words = ", ".join(f"{t['name']} {t['photos']}" for t in sorted(totals, key=lambda t: -int(t["photos"]))[:20])
    return chart(f"Photos a class: {words}.", band * len(rows) + 44, [bars, totals_text])
