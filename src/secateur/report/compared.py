"""Methods in one chart: accuracy against what they leave, by five measures; pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from secateur.report.formats import percent
from secateur.report.palette import INK, looks
from secateur.report.vega import Spec, Story, as_is, chart, ends, number, span, tip

# name → (title of the axis, log scale)
MEASURES = {
    "sparsity": ("Taken away, %", False),
    "macs": ("Multiply-adds that run, millions, log scale", True),
    "nonzero": ("Multiply-adds with weights that are not zero (hypothetical), millions, log scale", True),
    "size": ("Weights after zstd, MB, log scale", True),
    "time": ("ms a photo on this machine, one thread, log scale", True),
}


def compared(story: Story, ranking: Story) -> Iterator[tuple[str, Spec]]:
    """(measure, chart) for each that there are figures of."""
    rows = [r for r in story["models"] if _belongs(r, ranking)]
    times = _times(story, ranking["backbone"])
    for measure in MEASURES:
        spec = _panel(story, rows, times, measure)
        if spec:
            yield measure, spec


def _belongs(row: Spec, ranking: Story) -> bool:
    """A method or control of this structure, or the dense network trained on."""
    if (
        row["backbone"] != ranking["backbone"]
        or not row["test_accuracy"]
        or row["role"] in ("quantized", "rival", "chained")
        or row["form"] == "int8"
    ):
        return False
    return bool(row["reference"] or (row["method"] and row["structured"] == ranking["structured"]))


def _times(story: Story, backbone: str) -> dict[str, float]:
    bench = next((b for b in story["speeds"] if b["backbone"] == backbone), None)
    if bench is None:
        return {}
    return {t["config"]: t["ways"][0]["median"]["value"] for t in bench["rows"] if t["ways"] and t["ways"][0]}


def _value(row: Spec, times: dict[str, float], measure: str) -> float | None:
    if measure == "sparsity":
        return 100 * float(row["target"])
    if measure == "time":
        return times.get(row["config"])
    value = {"macs": row["macs"], "nonzero": row["macs_nonzero"], "size": row["sizes"]["zstd"]}[measure]
    return None if value is None else float(value) / 1e6


def _beside(points: list[dict[str, Any]]) -> None:
    """Moves points of one target apart, a little and always the same way, so that none hides another."""
    methods = list(dict.fromkeys(p["method"] for p in points if not p["dense"]))
    targets = sorted({p["at"] for p in points if not p["dense"]})
    closest = min((b - a for a, b in pairwise(targets)), default=20.0)
    step = 0.6 * closest / max(len(methods), 1)
    for p in points:
        if not p["dense"]:
            p["at"] += (methods.index(p["method"]) - (len(methods) - 1) / 2) * step


def _panel(story: Story, rows: list[Spec], times: dict[str, float], measure: str) -> Spec:
    styles = looks(story)
    points: list[dict[str, Any]] = []
    for row in rows:
        value = _value(row, times, measure)
        if value is None:
            continue
        low, high = ends(row["test_accuracy"])
        points.append(
            {
                "method": row["method"] or row["config"],
                "name": row["name"],
                "at": value,
                "accuracy": 100 * row["test_accuracy"]["value"],
                "validation": row["val_accuracy"]["value"],
                "low": low,
                "high": high,
                "said": f"{percent(row['test_accuracy']['value'])} [{low:.1f}, {high:.1f}]",
                "random": row["random"],
                "dense": row["reference"],
                "target": row["target"],
                **{k: styles[row["method"]][k] for k in ("stroke", "fill", "shape")},
            }
        )
    if len({p["at"] for p in points if p["method"]}) < 2:
        return {}
    if measure == "sparsity":
        _beside(points)
    title, log = MEASURES[measure]
    y = number("accuracy", "Test accuracy, %", scale={"domain": span(v for p in points for v in (p["low"], p["high"]))})
    values = [p["at"] for p in points]
    kept = sorted({100 * float(r["target"]) for r in rows})
    domain = [min(values) / 1.15, max(values) * 1.15] if log else [min(values) - 6, max(values) + 6]
    scale = {"type": "log", "domain": domain, "nice": False} if log else {"domain": domain, "nice": False}
    marks = {"values": kept} if measure == "sparsity" else {"tickCount": 6}
    x = number("at", title, scale=scale, axis={"format": ".4~g", "grid": False, **marks})
    dashes = {"condition": {"test": "datum.random", "value": [4, 3]}, "value": [1, 0]}
    path = {"x": x, "y": y, "detail": {"field": "method"}, "order": {"field": "target", "type": "quantitative"}}
    style = {"stroke": as_is("stroke"), "fill": as_is("fill"), "shape": as_is("shape")}
    whisker = {"x": x, "y": number("low", y["title"], scale=y["scale"]), "y2": {"field": "high"}}
    layers: list[Spec] = [
        {
            "transform": [{"filter": "datum.dense"}],
            "mark": {"type": "rule", "stroke": INK, "opacity": 0.5},
            "encoding": {"y": y},
        },
        {
            "mark": {"type": "line", "strokeWidth": 1.25, "opacity": 0.8},
            "encoding": path | {"stroke": as_is("stroke"), "strokeDash": dashes},
        },
        {"mark": {"type": "rule", "opacity": 0.45}, "encoding": whisker | {"stroke": as_is("stroke")}},
        {
            "mark": {"type": "point", "size": 48, "opacity": 1, "strokeWidth": 1.5},
            "encoding": {"x": x, "y": y, "tooltip": tip(("name", "Network"), ("said", "Test accuracy, %")), **style},
        },
    ]
    first = sorted(points, key=lambda p: -float(p["validation"]))[:8]
    words = "; ".join(f"{p['name']} {p['said']}" for p in first)
    said = f"{title}, against test accuracy. The best on validation: {words}."
    return chart(said, 360, layers) | {"data": {"values": points}}
