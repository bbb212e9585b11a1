"""Who pays for a smaller network, as JSON; pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from secateur.records import Comparison, DataFacts, Harm, Paid, Results, Robustness
from secateur.report.classes import lost, sentences
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
        "paid": [_paid(results, p, rows) for p in harm.paid if p.config in rows],
        "victims": [
            asdict(v) | {"label": classes[v.label], "said": classes[v.said]} for v in harm.victims if v.thumbnail
        ],
        "named": [v.path for v in harm.victims],
        "victims_in_all": harm.victims_in_all,
        "dense": harm.dense,
        "pruned": harm.pruned,
        "churn": asdict(harm.churn) if harm.churn else None,
        "chance": chance(harm),
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


def _paid(results: Results, paid: Paid, rows: dict[str, Row]) -> Row:
    photos = dict(zip(results.data.classes, results.data.train, strict=True))
    classes = [asdict(c) | {"train": photos.get(c.name)} for c in paid.classes]
    against = rows[paid.against]["name"] if paid.against in rows else paid.against
    return _head(rows[paid.config]) | {
        "against": against,
        "classes": sorted(classes, key=lambda c: float(c["change"]["difference"]["value"])),
        "worse": [c.name for c in lost(paid)],
        "said": " ".join(sentences(paid, overall(results, paid))),
    }


def overall(results: Results, paid: Paid) -> Comparison | None:
    """The same two networks over all photos."""
    return next((c for c in results.comparisons if (c.subject, c.against) == (paid.config, paid.against)), None)


def chance(harm: Harm) -> str:
    """What a second training of the dense network changes, beside what pruning does."""
    found = harm.churn
    if found is None:
        return "What a second training of dense would change was not counted."
    pruned = f"a pruned network gets {found.of_pruned:,.0f} wrong that dense of its seed gets right"
    if not found.pairs:
        return (
            f"One seed cannot tell how many of these are chance: on average {pruned}; how many a second training of "
            "dense would get wrong is not known."
        )
    reach = f"{found.least:,}" if found.least == found.most else f"{found.least:,} to {found.most:,}"
    return (
        f"Chance alone does this, too: another seed of dense gets {found.dense:,.0f} wrong that this one gets right "
        f"({reach} over {found.pairs} pairs); on average {pruned}."
    )


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
