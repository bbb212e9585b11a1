"""The chart of what each layer alone can lose; pure."""

from __future__ import annotations

from secateur.report.formats import signed
from secateur.report.palette import MUTED
from secateur.report.vega import Spec, Story, as_is, chart, number, tip


def loss_of_layers(scan: Story) -> Spec:
    """A curve a layer: rise of the loss against the part of it that is gone, with the interval at each point of those
    that hurt most, which are named."""
    values = []
    for layer in scan["layers"]:
        place = scan["named"].index(layer["name"]) if layer["name"] in scan["named"] else None
        for p in layer["points"]:
            values.append(
                {
                    "layer": layer["name"],
                    "gone": 100 * p["sparsity"],
                    "rise": p["loss"]["value"],
                    "low": p["loss"]["low"],
                    "high": p["loss"]["high"],
                    "said": f"{p['loss']['value']:+.3f} [{p['loss']['low']:+.3f}, {p['loss']['high']:+.3f}]",
                    "accuracy": f"{signed(p['accuracy']['value'], 1)} points",
                    "named": place is not None,
                    "stroke": MUTED if place is None else f"var(--c{place + 1})",
                }
            )
    if not values:
        return {}
    axis = {"grid": False, "values": [100 * s for s in scan["sparsities"]], "format": ".4~g"}
    x = number("gone", "Gone of this layer alone, %", scale={"domain": [0, 112], "nice": False}, axis=axis)
    y = number("rise", "Rise of the loss (validation)")
    tips = tip(("layer", "Layer"), ("said", "Rise of the loss"), ("accuracy", "Accuracy"))
    line = {"x": x, "y": y, "detail": {"field": "layer"}, "stroke": as_is("stroke")}
    last = max(scan["sparsities"]) * 100
    only_named = {"transform": [{"filter": "datum.named"}]}
    layers: list[Spec] = [
        {
            "transform": [{"filter": "!datum.named"}],
            "mark": {"type": "line", "strokeWidth": 1, "opacity": 0.4},
            "encoding": line,
        },
        only_named | {"mark": {"type": "line", "strokeWidth": 1.75}, "encoding": line},
        only_named
        | {
            "mark": {"type": "rule", "opacity": 0.6},
            "encoding": {"x": x, "y": number("low", y["title"]), "y2": {"field": "high"}, "stroke": as_is("stroke")},
        },
        {
            "mark": {"type": "point", "size": 26, "filled": True, "opacity": 0.9},
            "encoding": {"x": x, "y": y, "fill": as_is("stroke"), "tooltip": tips},
        },
        {
            "transform": [{"filter": f"datum.named && datum.gone >= {last - 0.01}"}],
            "mark": {"type": "text", "align": "left", "dx": 6, "limit": 120},
            "encoding": {"x": x, "y": y, "text": {"field": "layer", "type": "nominal"}, "fill": as_is("stroke")},
        },
    ]
    words = ", ".join(scan["named"])
    text = f"Rise of the loss when one layer alone is pruned. It rises most for {words}. All values stand in the table."
    return chart(text, 300, layers, f"{scan['method']}, {scan['config']}") | {"data": {"values": values}}
