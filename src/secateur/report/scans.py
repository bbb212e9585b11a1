"""What each layer alone can lose, as JSON; pure."""

from __future__ import annotations

from dataclasses import asdict

from secateur.records import Results, Scan
from secateur.report.rows import Row

NAMED = 4  # layers whose curves are named: those that hurt most


def scans(results: Results) -> list[Row]:
    """Every scan, the layers that hurt most first."""
    return [_scan(scan) for scan in results.scans]


def _scan(scan: Scan) -> Row:
    layers = [asdict(layer) for layer in scan.layers]
    hurt = sorted(layers, key=lambda layer: -max(p["loss"]["value"] for p in layer["points"]))
    named = [layer["name"] for layer in hurt[:NAMED]]
    sparsities = list(dict.fromkeys(p.sparsity for layer in scan.layers for p in layer.points))
    return {
        "config": scan.config,
        "method": scan.method,
        "photos": scan.photos,
        "loss": scan.loss,
        "accuracy": scan.accuracy,
        "sparsities": sparsities,
        "layers": layers,
        "named": named,
        "whole": [{"layer": name, "why": why} for name, why in scan.whole.items()],
    }
