"""Methods ranked against each other at equal targets, with what is not shown said; pure.

The order is validation's: the first of seven by test accuracy is partly the luckiest on the test photos, and its figure
there is too high for it. What validation ranks, the test photos are asked about once.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from secateur.records import Comparison, Results
from secateur.report.judge import against_dense, against_random
from secateur.report.rows import Row

HEAD = ("config", "name", "method", "target", "begins", "val_accuracy", "test_accuracy", "macs", "macs_nonzero")
LEAST = 3  # methods that make a ranking


def rankings(results: Results, rows: list[Row]) -> list[Row]:
    """A table for each backbone and structure that LEAST methods were compared in; the order is that of mean
    validation accuracy. Said beside it: what the best on validation was not shown to beat, and what was shown to be
    better than it on the test photos."""
    by_config = {row["config"]: row for row in rows}
    pairs = {frozenset((c.subject, c.against)): c for c in results.rankings}
    groups: dict[tuple[str, bool], dict[str, list[Row]]] = {}
    for config in dict.fromkeys(x for c in results.rankings for x in (c.subject, c.against)):
        row = by_config.get(config)
        if row and row["test_accuracy"]:
            backbone, target = config.split("/")[0], config.split("/")[2]
            groups.setdefault((backbone, row["structured"]), {}).setdefault(target, []).append(row)
    found = []
    for (backbone, structured), targets in groups.items():
        methods = {row["method"] for own in targets.values() for row in own}
        if len(methods) < LEAST:
            continue
        tables = [_ranked(results, own, pairs) for _, own in sorted(targets.items(), key=lambda t: float(t[0]))]
        found.append(
            {"backbone": backbone, "structured": structured, "targets": tables, "table": len(results.rankings)}
        )
    return found


def _ranked(results: Results, rows: list[Row], pairs: dict[frozenset[str], Comparison]) -> Row:
    ordered = sorted(rows, key=lambda r: -float(r["val_accuracy"]["value"]))  # equal ones stay in the study's order
    best = ordered[0]
    told = []
    for place, row in enumerate(ordered, start=1):
        pair = pairs.get(frozenset((best["config"], row["config"]))) if row is not best else None
        told.append(
            {key: row[key] for key in HEAD}
            | {
                "size": row["sizes"]["zstd"],
                "place": place,
                "against_dense": _said(against_dense(results, row["config"])),
                "against_random": _said(against_random(results, row["config"])),
                "behind": _behind(pair, row["config"]) if pair else None,
            }
        )
    behind = [r for r in told if r["behind"]]
    return {
        "target": best["target"],
        "best": best["method"],
        "equal": [r["method"] for r in behind if not r["behind"]["shown"]],
        "ahead": [r["method"] for r in behind if r["behind"]["shown"] and r["behind"]["value"] > 0],
        "beaten": sum(r["behind"]["shown"] and r["behind"]["value"] < 0 for r in behind),
        "rows": told,
    }


def _said(found: Comparison | None) -> dict[str, Any] | None:
    return asdict(found) if found else None


def _behind(pair: Comparison, config: str) -> Row:
    """The pair as this one minus the best; `shown` where its interval excludes 0 and Holm agrees."""
    d, sign = pair.difference, 1 if pair.subject == config else -1
    ends = [None if x is None else sign * x for x in (d.low, d.high)]
    low, high = ends if sign == 1 else ends[::-1]
    excluded = low is not None and high is not None and (high < 0 or low > 0)
    return {"value": sign * d.value, "low": low, "high": high, "shown": excluded and (pair.p_value or 0) < 0.05}
