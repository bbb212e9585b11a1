"""Vega-Lite specifications of the report's charts, from its story alone; pure.

A chart says what it shows in words too (`description`), and takes the width of the box it is put into.
"""

from __future__ import annotations

import math

from secateur.report.curves import accuracy_against_sparsity, recall_per_class, training_curves
from secateur.report.formats import percent, size
from secateur.report.palette import INK, MUTED, looks
from secateur.report.vega import Spec, Story, as_is, chart, ends, number, span, tip

SIZE_TITLES = {"onnx": "ONNX file, as it is deployed", "zstd": "Weights after zstd"}
PARTS = {"train": "var(--c1)", "val": "var(--c5)", "test": "var(--c3)"}


def figures(story: Story) -> dict[str, Spec]:
    """Every chart by its id, in the order of the page."""
    drawn = {f"size-{kind}": accuracy_against_size(story, kind) for kind in ("onnx", "zstd")}
    drawn["labels"] = label_distribution(story)
    drawn |= {f"curve-{i}": spec for i, spec in enumerate(training_curves(story))}
    drawn |= {f"sparsity-{i}": spec for i, spec in enumerate(accuracy_against_sparsity(story))}
    drawn["recall"] = recall_per_class(story)
    return {name: spec for name, spec in drawn.items() if spec}


# ------------------------------------------------------------- accuracy against size


def _size_points(story: Story, kind: str) -> list[Spec]:
    styles, points = looks(story), []
    named = {a["use"] for a in story["answers"]} | {r["config"] for r in story["models"] if r["chosen"]}
    for row in story["models"]:
        if not row["test_accuracy"] or not row["sizes"][kind]:
            continue
        low, high = ends(row["test_accuracy"])
        points.append(
            {
                "config": row["config"],
                "name": row["name"],
                "mb": row["sizes"][kind] / 1e6,
                "accuracy": 100 * row["test_accuracy"]["value"],
                "low": low,
                "high": high,
                "said": f"{percent(row['test_accuracy']['value'])} [{low:.1f}, {high:.1f}]",
                "size": size(row["sizes"][kind]),
                "seeds": len(row["seeds"]),
                "label": row["name"] if row["config"] in named or not row["method"] else "",
                "front": row["config"] in story["pareto"][kind],
                **{k: styles[row["method"]][k] for k in ("stroke", "fill", "shape")},
            }
        )
    return points


def accuracy_against_size(story: Story, kind: str) -> Spec:
    """Test accuracy with its interval against size on a log axis; the front is a line; dense is marked."""
    points = _size_points(story, kind)
    if not points:
        return {}
    both = points + _size_points(story, "zstd" if kind == "onnx" else "onnx")
    sizes = [p["mb"] for p in both]
    x_scale = {"type": "log", "domain": [min(sizes) / 1.25, max(sizes) * 1.25], "nice": False}
    y = number("accuracy", "Test accuracy, %", scale={"domain": span(v for p in both for v in (p["low"], p["high"]))})
    x = number("mb", "MB, log scale", scale=x_scale, axis={"format": "~g", "tickCount": 5, "grid": False})
    front = [p for p in points if p["front"]]
    shown = tip(("name", "Network"), ("said", "Test accuracy, %"), ("size", "Size"), ("seeds", "Seeds"))
    style = {"stroke": as_is("stroke"), "fill": as_is("fill"), "shape": as_is("shape")}
    best = ", ".join(f"{p['name']} {p['said']} at {p['size']}" for p in front)
    layers = [
        {
            "data": {"values": sorted(front, key=lambda p: float(p["mb"]))},
            "mark": {"type": "line", "interpolate": "step-after", "stroke": MUTED, "strokeDash": [2, 3]},
            "encoding": {"x": x, "y": y},
        },
        {
            "mark": {"type": "rule", "strokeWidth": 1.2, "opacity": 0.7},
            "encoding": {
                "x": x,
                "y": number("low", y["title"], scale=y["scale"]),
                "y2": {"field": "high"},
                "stroke": as_is("stroke"),
            },
        },
        {
            "mark": {"type": "point", "size": 70, "opacity": 1, "strokeWidth": 1.5},
            "encoding": {"x": x, "y": y, "tooltip": shown, **style},
        },
    ]
    text = f"{SIZE_TITLES[kind]}, against test accuracy. On the front: {best}. All values stand in the table above."
    return chart(text, 320, [*layers, *_labels(points, x, y)], SIZE_TITLES[kind]) | {"data": {"values": points}}


def _labels(points: list[Spec], x: Spec, y: Spec) -> list[Spec]:
    """Names beside the points they belong to, on the side where there is room, and never one on another."""
    middle = math.sqrt(min(p["mb"] for p in points) * max(p["mb"] for p in points))
    low, high = y["scale"]["domain"]
    taken: list[tuple[bool, float]] = []
    layers = []
    for p in sorted((p for p in points if p["label"]), key=lambda p: -float(p["accuracy"])):
        left = p["mb"] >= middle
        at = p["accuracy"]
        while any(side == left and abs(other - at) < (high - low) * 0.05 for side, other in taken):
            at -= (high - low) * 0.01
        taken.append((left, at))
        shift = (p["accuracy"] - at) / (high - low) * 270
        mark = {"type": "text", "align": "right" if left else "left", "dx": -9 if left else 9, "dy": shift}
        layers.append(
            {
                "data": {"values": [p]},
                "mark": mark | {"baseline": "middle", "fill": p["stroke"], "fontWeight": 600},
                "encoding": {"x": x, "y": y, "text": {"field": "label", "type": "nominal"}},
            }
        )
    return layers


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
    scale = {"domain": [0, most * 1.12], "nice": False}
    y = {"field": "name", "type": "nominal", "sort": order, "title": None, "axis": {"labelColor": INK}}
    x = number("photos", "Photos", scale=scale, stack="zero", axis={"tickCount": 5, "format": "~s"})
    bars = {
        "data": {"values": values},
        "mark": {"type": "bar", "height": {"band": 0.68}},
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
    return chart(f"Photos a class: {words}.", 26 * len(rows) + 44, [bars, totals_text])
