"""Who pays for a smaller network, as JSON; pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from secateur.records import DataFacts, Harm, Paid, Results, Robustness
from secateur.report.rows import Row, spread

UNEVEN = 1.5  # times as many photos of one class as of another
HEAD = ("config", "name", "method", "target", "role", "form", "chosen", "reference")


def harms(results: Results, rows: list[Row]) -> list[Row]:
    """A row a network that has any figures."""
    by_config = {row["config"]: row for row in rows}
    return [_harm(results, harm, by_config) for harm in results.harm]


def _harm(results: Results, harm: Harm, rows: dict[str, Row]) -> Row:
    classes = results.data.classes
    return {
        "backbone": harm.backbone,
        "paid": [_paid(p, results.data, rows) for p in harm.paid if p.config in rows],
        "victims": [
            asdict(v) | {"label": classes[v.label], "said": classes[v.said]} for v in harm.victims if v.thumbnail
        ],
        "named": [v.path for v in harm.victims],
        "victims_in_all": harm.victims_in_all,
        "dense": harm.dense,
        "pruned": harm.pruned,
        "calibration": [c for config in _shown(harm.backbone, rows) if (c := _calibration(results, rows[config]))],
        "robustness": [_worse(r, rows) for r in harm.robustness if r.config in rows],
        "uneven": _uneven(results.data),
    }


def _head(row: Row) -> Row:
    return {key: row[key] for key in HEAD}


def _shown(backbone: str, rows: dict[str, Row]) -> list[str]:
    """Dense trained on, INT8 of it, and what was chosen: networks that a reader may deploy."""
    own = [row for row in rows.values() if row["backbone"] == backbone]
    return [r["config"] for r in own if r["reference"] or r["chosen"] or r["role"] == "quantized"]


def _paid(paid: Paid, data: DataFacts, rows: dict[str, Row]) -> Row:
    photos = dict(zip(data.classes, data.train, strict=True))
    classes = [asdict(c) | {"train": photos.get(c.name)} for c in paid.classes]
    worse = [c.name for c in paid.classes if certainly_lost(c.change.difference.high, c.change.p_value)]
    against = rows[paid.against]["name"] if paid.against in rows else paid.against
    return _head(rows[paid.config]) | {
        "against": against,
        "classes": sorted(classes, key=lambda c: float(c["change"]["difference"]["value"])),
        "worse": worse,
    }


def certainly_lost(high: float | None, p: float | None) -> bool:
    """Both say so: the class's own interval, and its p-value after Holm over the classes."""
    return high is not None and high < 0 and p is not None and p < 0.05


def _calibration(results: Results, row: Row) -> Row | None:
    """The expected calibration error over the seeds, and the diagram of the first."""
    made = [m for m in results.models if m.config == row["config"] and m.evaluation]
    found = [m.evaluation.reliability for m in made if m.evaluation and m.evaluation.reliability]
    if not found:
        return None
    sure = sum(b.n * b.confidence for b in found[0].bins) / sum(b.n for b in found[0].bins)
    right = sum(b.n * b.accuracy.value for b in found[0].bins) / sum(b.n for b in found[0].bins)
    bins = [asdict(b) for b in found[0].bins]
    return _head(row) | {"ece": spread([r.ece for r in found]), "bins": bins, "confidence": sure, "accuracy": right}


def _worse(found: Robustness, rows: dict[str, Row]) -> Row:
    kinds: dict[str, list[Any]] = {}
    for r in found.rows:
        kinds.setdefault(r.kind, []).append(asdict(r))
    means = {kind: sum(r["accuracy"]["value"] for r in own) / len(own) for kind, own in kinds.items()}
    against = rows[found.against]["name"] if found.against in rows else found.against
    return _head(rows[found.config]) | {
        "clean": asdict(found.rows[0].accuracy),
        "mean": asdict(found.mean),
        "against": against,
        "difference": asdict(found.difference) if found.difference else None,
        "kinds": {kind: own for kind, own in kinds.items() if kind},
        "means": {kind: value for kind, value in means.items() if kind},
    }


def _uneven(data: DataFacts) -> Row | None:
    """The class with the most and the one with the fewest training photos, where they are far apart."""
    counts = [(n, name) for n, name in zip(data.train, data.classes, strict=True) if n]
    if not counts or max(counts)[0] < UNEVEN * min(counts)[0]:
        return None
    (least, few), (most, many) = min(counts), max(counts)
    return {"few": few, "least": least, "many": many, "most": most, "times": most / least}
