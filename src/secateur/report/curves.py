"""The charts over epochs, sparsity and classes: small multiples on shared axes; pure."""

from __future__ import annotations

import math
from statistics import mean
from typing import Any

from secateur.report.formats import percent
from secateur.report.palette import INK, MUTED, looks
from secateur.report.vega import Spec, Story, as_is, chart, ends, number, of_classes, span, tip, wrapped

MEASURES = {"params": "parameters cut", "macs": "multiply-adds cut", "latency": "time saved"}  # in a method's id

# ------------------------------------------------------------- epochs


def training_curves(story: Story) -> list[Spec]:
    """A panel a method and backbone: validation accuracy by epoch, a line a seed, thinner when more is cut.

    Dense networks show their accuracy on training photos too, dashed. The axis spans what is not random.
    """
    groups: dict[tuple[str, str], list[Spec]] = {}
    untrained = {row["config"] for row in story["models"] if row["form"] == "int8" or row["role"] == "quantized"}
    untrained |= {row["config"] for row in story["models"] if row["method"].endswith("-int8")}  # of an earlier release
    for curve in story["curves"]:
        if curve["epochs"] and curve["config"] not in untrained:
            key = (curve["backbone"], curve["config"] if not curve["method"] else curve["method"])
            groups.setdefault(key, []).append(curve)
    if not groups:
        return []
    controls = {row["method"] for row in story["models"] if row["random"]}
    every = [e for c in story["curves"] if c["method"] not in controls for e in c["epochs"]]
    reached = [e["val_accuracy"] for e in every]
    reached += [e["train_accuracy"] for c in story["curves"] if not c["method"] for e in c["epochs"]]
    spread = span(100 * value for value in reached if value is not None)
    several = len({backbone for backbone, _ in groups}) > 1
    return [_curve_panel(story, curves, spread, several) for curves in groups.values()]


def _curve_panel(story: Story, curves: list[Spec], spread: list[float], several: bool) -> Spec:
    method = curves[0]["method"]
    look = looks(story)[method]
    title = look["label"] if method else curves[0]["name"]
    rows = [row for c in curves for row in _epochs(c)]
    ran = [row["epoch"] for row in rows]
    scale = {"domain": [min(ran), max(ran) + 0.18 * (max(ran) - min(ran) + 1)], "nice": False}
    axis = {"grid": False, "format": "d", "values": _whole(min(ran), max(ran))}
    x = number("epoch", "Epoch", scale=scale, axis=axis)
    y = number("val", "Accuracy, %", scale={"domain": spread})
    shown = tip(("name", "Network"), ("seed", "Seed"), ("epoch", "Epoch"), ("said", "Validation accuracy"))
    detail = [{"field": "name", "type": "nominal"}, {"field": "seed", "type": "nominal"}]
    layers: list[Spec] = [
        {
            "mark": {"type": "line", "stroke": look["stroke"], "clip": True},
            "encoding": {"x": x, "y": y, "detail": detail, "strokeWidth": _thinning(curves)},
        },
        {
            "mark": {"type": "point", "size": 60, "opacity": 0, "clip": True},
            "encoding": {"x": x, "y": y, "tooltip": [*shown, *tip(("loss", "Loss, training / validation"))]},
        },
    ]
    if not method:
        dashed = {"type": "line", "clip": True, "strokeWidth": 1, "stroke": MUTED, "strokeDash": [3, 3]}
        train = number("train", y["title"], scale=y["scale"])
        layers.insert(0, {"mark": dashed, "encoding": {"x": x, "y": train, "detail": detail}})
    layers += _targets_at_ends(curves, x, y) if method else []
    last = {c["name"]: c["epochs"][-1]["val_accuracy"] for c in curves}
    words = ", ".join(f"{name} ends at {percent(value)}" for name, value in last.items())
    prefix = f"{curves[0]['backbone']} " if several and method else ""  # a dense network's name has it
    spec = chart(f"Validation accuracy by epoch: {words}.", 190, layers, prefix + title)
    return spec | {"data": {"values": rows}}


def _thinning(curves: list[Spec]) -> Spec:
    """The more is cut, the thinner the line."""
    targets = sorted({c["target"] for c in curves})
    steps = [1.8 - 1.1 * i / max(1, len(targets) - 1) for i in range(len(targets))]
    scale = {"domain": targets, "range": steps}
    return {"field": "target", "type": "ordinal", "scale": scale, "legend": None}


def _whole(low: int, high: int) -> list[int]:
    """Round epochs to mark on an axis, at most six."""
    step = next(s * 10**d for d in range(9) for s in (1, 2, 5) if (high - low) / (s * 10**d) <= 5)
    return list(range(math.ceil(low / step) * step, high + 1, step))


def _targets_at_ends(curves: list[Spec], x: Spec, y: Spec) -> list[Spec]:
    """The sparsity at the right end of its lines, moved apart where two would touch."""
    low, high = y["scale"]["domain"]
    ends_at: dict[float, list[float]] = {}
    for c in curves:
        if c["epochs"][-1]["val_accuracy"] is not None:
            ends_at.setdefault(c["target"], []).append(100 * c["epochs"][-1]["val_accuracy"])
    rows: list[Spec] = []
    inside = {target: values for target, values in ends_at.items() if mean(values) >= low}
    for target, values in sorted(inside.items(), key=lambda item: -mean(item[1])):
        free = rows[-1]["val"] - (high - low) * 0.085 if rows else high
        at = max(low, min(mean(values), free))
        rows.append({"val": at, "text": percent(target, 0)})
    last = max(e["epoch"] for c in curves for e in c["epochs"])
    return [
        {
            "data": {"values": [row | {"epoch": last} for row in rows]},
            "mark": {"type": "text", "align": "left", "dx": 5, "fontSize": 10, "fill": MUTED},
            "encoding": {"x": x, "y": y, "text": {"field": "text", "type": "nominal"}},
        }
    ]


def _epochs(curve: Spec) -> list[Spec]:
    head = {key: curve[key] for key in ("name", "seed", "target")}
    return [
        head
        | {
            "epoch": e["epoch"],
            "val": _times_100(e["val_accuracy"]),
            "train": _times_100(e["train_accuracy"]),
            "said": percent(e["val_accuracy"]),
            "loss": f"{_loss(e['train_loss'])} / {_loss(e['val_loss'])}",
        }
        for e in curve["epochs"]
    ]


def _times_100(value: float | None) -> float | None:
    return None if value is None else round(100 * value, 2)


def _loss(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.3f}"


# ------------------------------------------------------------- sparsity


def accuracy_against_sparsity(story: Story) -> list[Spec]:
    """A panel a structure (weights, filters) and backbone; random pruning is the control, dense the band.

    The axis spans what is not random: where a random control collapses, its line leaves the chart.
    """
    groups: dict[tuple[str, bool], list[Spec]] = {}
    for row in story["models"]:
        if (
            row["method"]
            and row["test_accuracy"]
            and row["role"] not in ("quantized", "chained")
            and row["form"] == "fp32"
        ):
            groups.setdefault((row["backbone"], row["structured"]), []).append(row)
    kept = [r for r in story["models"] if r["test_accuracy"] and not r["random"]]
    every = [v for r in kept or story["models"] if r["test_accuracy"] for v in ends(r["test_accuracy"])]
    several = len({backbone for backbone, _ in groups}) > 1
    return [
        _sparsity_panel(story, rows, span(every), f"{backbone} " if several else "", filters)
        for (backbone, filters), rows in sorted(groups.items())
    ]


def _sparsity_points(story: Story, rows: list[Spec]) -> list[Spec]:
    styles, points = looks(story), []
    for row in rows:
        low, high = ends(row["test_accuracy"])
        points.append(
            {
                "method": row["method"],
                "name": row["name"],
                "target": 100 * row["target"],
                "accuracy": 100 * row["test_accuracy"]["value"],
                "low": low,
                "high": high,
                "said": f"{percent(row['test_accuracy']['value'])} [{low:.1f}, {high:.1f}]",
                "before": percent(row["val_accuracy_before"]),
                "random": row["random"],
                **{k: styles[row["method"]][k] for k in ("stroke", "fill", "shape", "label")},
            }
        )
    return sorted(points, key=lambda p: not p["random"])  # controls below what they are compared with


def _gone(method: str) -> str:
    """What a filter method's target counts, as its id says."""
    found = next((words for key, words in MEASURES.items() if f"-{key}-" in f"{method}-"), "filters cut")
    return found[0].upper() + found[1:]


def _sparsity_panel(story: Story, rows: list[Spec], spread: list[float], prefix: str, filters: bool) -> Spec:
    points = _sparsity_points(story, rows)
    targets = sorted({p["target"] for p in points})
    axis = {"values": targets, "grid": False, "format": ".4~g"}
    what = " or ".join(dict.fromkeys(_gone(p["method"]) for p in points)) if filters else "Weights set to zero"
    x = number("target", f"{what}, %", scale={"domain": [targets[0] - 6, targets[-1] + 6], "nice": False}, axis=axis)
    y = number("accuracy", "Test accuracy, %", scale={"domain": spread})
    shown = tip(("name", "Network"), ("said", "Test accuracy, %"), ("before", "Before retraining (validation)"))
    style = {"stroke": as_is("stroke"), "fill": as_is("fill"), "shape": as_is("shape")}
    dashes = {"condition": {"test": "datum.random", "value": [4, 3]}, "value": [1, 0]}
    line = {"x": x, "y": y, "stroke": as_is("stroke"), "strokeDash": dashes, "detail": {"field": "method"}}
    whisker = {"x": x, "y": number("low", y["title"], scale=y["scale"]), "y2": {"field": "high"}}
    layers = [
        *_dense_band(story, rows[0]["backbone"], y),
        {"mark": {"type": "line", "strokeWidth": 1.5, "clip": True}, "encoding": line},
        {"mark": {"type": "rule", "opacity": 0.7, "clip": True}, "encoding": whisker | {"stroke": as_is("stroke")}},
        {
            "mark": {"type": "point", "size": 55, "opacity": 1, "strokeWidth": 1.5, "clip": True},
            "encoding": {"x": x, "y": y, "tooltip": shown, **style},
        },
    ]
    words = ", ".join(f"{p['name']} {p['said']}" for p in points)
    title = prefix + ("Filters" if filters else "Weights")
    return chart(f"Test accuracy against sparsity: {words}.", 280, layers, title) | {"data": {"values": points}}


def _dense_band(story: Story, backbone: str, y: Spec) -> list[Spec]:
    """Dense trained equally long: its interval as a band, its mean as a line, named at the left."""
    longer = next((r for r in story["models"] if r["reference"] and r["backbone"] == backbone), None)
    if longer is None or not longer["test_accuracy"]:
        return []
    low, high = ends(longer["test_accuracy"])
    lines = wrapped(longer["name"], 34)
    label = {"label": "\n".join(lines)}
    values = [{"low": low, "high": high, "accuracy": 100 * longer["test_accuracy"]["value"], **label}]
    band = {"y": number("low", y["title"], scale=y["scale"]), "y2": {"field": "high"}}
    place = {"align": "left", "baseline": "bottom", "dy": -4 - 13 * (len(lines) - 1), "x": 4}
    mark = {"type": "text", "fill": INK, "lineBreak": "\n", "lineHeight": 13, **place}
    return [
        {"data": {"values": values}, "mark": {"type": "rect", "fill": INK, "opacity": 0.1}, "encoding": band},
        {"data": {"values": values}, "mark": {"type": "rule", "stroke": INK}, "encoding": {"y": y}},
        {
            "data": {"values": values},
            "mark": mark,
            "encoding": {"y": number("high", y["title"], scale=y["scale"]), "text": {"field": "label"}},
        },
    ]


# ------------------------------------------------------------- classes


def recall_per_class(story: Story) -> Spec:
    """Recall of each class: dense trained equally long, and beside it what was chosen on validation."""
    shown_configs = [c for c in story["classes"] if c["form"] == "fp32" and (c["reference"] or c["chosen"])]
    if not shown_configs:
        return {}
    names = [c["name"] for c in shown_configs]
    values = [point for c in shown_configs for point in _recalls(story, c)]
    reference = next((c for c in shown_configs if c["reference"]), shown_configs[0])
    by_recall = sorted(reference["classes"], key=lambda c: -float(c["recall"]["value"]))
    y: Spec = {"field": "class", "type": "nominal", "sort": [c["name"] for c in by_recall], "title": None}
    axis, band = of_classes((c["name"] for c in by_recall), 14 * len(names) + 10)
    y |= {"axis": axis | {"grid": True}, "scale": {"paddingInner": 0.35}}
    offset = {"field": "name", "sort": names}
    scale = {"domain": span(v for p in values for v in (p["low"], p["high"]))}
    style = {"stroke": as_is("stroke"), "fill": as_is("fill"), "shape": as_is("shape")}
    tips = tip(("class", "Class"), ("name", "Network"), ("said", "Recall, %"), ("n", "Test photos"))
    layers = [
        {
            "mark": {"type": "rule", "opacity": 0.6},
            "encoding": {
                "x": number("low", "Recall, %", scale=scale, axis={"tickCount": 6}),
                "x2": {"field": "high"},
                "y": y,
                "yOffset": offset,
                "stroke": as_is("stroke"),
            },
        },
        {
            "mark": {"type": "point", "size": 45, "opacity": 1},
            "encoding": {
                "x": number("recall", "Recall, %", scale=scale),
                "y": y,
                "yOffset": offset,
                "tooltip": tips,
            }
            | style,
        },
    ]
    height = len(by_recall) * band + 44
    text = f"Recall of each class for {', '.join(names)}. The values stand in the table below."
    return chart(text, height, layers) | {"data": {"values": values}}


def _recalls(story: Story, config: Spec) -> list[dict[str, Any]]:
    look = looks(story)[config["method"]]
    points = []
    for c in config["classes"]:
        low, high = ends(c["recall"])
        points.append(
            {
                "class": c["name"],
                "name": config["name"],
                "recall": 100 * c["recall"]["value"],
                "low": low,
                "high": high,
                "said": f"{percent(c['recall']['value'])} [{low:.1f}, {high:.1f}]",
                "n": c["n"],
                **{k: look[k] for k in ("stroke", "fill", "shape")},
            }
        )
    return points
