"""What fits the limits of a device, and what to use there, as JSON; pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from secateur.limits import picks
from secateur.records import Cost, Fit, Limits, Pick, Results
from secateur.report.formats import difference, milliseconds, percent, size
from secateur.report.judge import against_dense, against_random
from secateur.report.rows import Row

WRITTEN = {"size": size, "latency": milliseconds, "memory": size}


def within(results: Results, rows: list[Row]) -> list[Row]:
    """A row a machine; empty where the study has no limits."""
    by_config = {row["config"]: row for row in rows}
    return [_pick(results, pick, by_config) for pick in picks(results)]


def said(limits: Limits) -> str:
    """'at most 1.00 MB, 20 ms a photo'."""
    words = [f"{size(limits.size_bytes)}"] if limits.size_bytes else []
    words += [f"{milliseconds(limits.latency_ms)} a photo"] if limits.latency_ms else []
    words += [f"{size(limits.memory_bytes)} of memory"] if limits.memory_bytes else []
    return "at most " + ", ".join(words)


def _pick(results: Results, pick: Pick, rows: dict[str, Row]) -> Row:
    fits = {"meets": 0, "too close to tell": 1, "not measured": 2, "misses": 3}
    order = sorted(pick.rows, key=lambda r: (fits[r.fits], -float(rows[r.config]["val_accuracy"]["value"])))
    return {
        "machine": pick.machine,
        "limits": said(results.limits),
        "config": pick.config,
        "headline": _headline(results, pick, rows),
        "why": _why(results, pick, rows),
        "rows": [_row(results, r, pick, rows) for r in order],
        "kinds": [c.what for c in pick.rows[0].costs] if pick.rows else [],
    }


def _headline(results: Results, pick: Pick, rows: dict[str, Row]) -> str:
    where = f" on {pick.machine}" if pick.machine else ""
    if pick.config:
        row = rows[pick.config]
        fit = next(r for r in pick.rows if r.config == pick.config)
        costs = ", ".join(_written(c) for c in fit.costs)
        accuracy = f", {percent(row['test_accuracy']['value'])} on test" if row["test_accuracy"] else ""
        name = row["name"] if row["role"] != "quantized" else f"the dense network in INT8 ({row['name']})"
        lead = "Use" if row["role"] in ("pruned", "chained") else "Do not prune: use"
        return f"{lead} {name}{where}: {costs}{accuracy}."
    if pick.nearest:
        fit = next(r for r in pick.rows if r.config == pick.nearest)
        costs = ", ".join(_written(c) for c in fit.costs if c.fits != "meets")
        over = f"{100 * (pick.over - 1):.0f}\u202f% over" if pick.over > 1 else "too close to tell"
        return f"Nothing is known to fit{where}; the nearest is {rows[pick.nearest]['name']}, with {costs}: {over}."
    return f"What fits is not known{where}: {_unknown(pick)} was not measured."


def _unknown(pick: Pick) -> str:
    missing = dict.fromkeys(c.what for r in pick.rows for c in r.costs if c.fits == "not measured")
    return " and ".join(missing) or "nothing"


def _why(results: Results, pick: Pick, rows: dict[str, Row]) -> list[str]:
    if not pick.config:
        return []
    fitting = [r.config for r in pick.rows if r.fits == "meets"]
    row = rows[pick.config]
    lines = [
        f"Of {len(fitting)} that fit, it is the most accurate on validation, or within the margin of it and plainer."
    ]
    dense, chance = against_dense(results, pick.config), against_random(results, pick.config)
    if dense:
        lines.append(f"Against dense trained equally long: {difference(dense.difference)}: {dense.verdict}.")
    if row["role"] == "pruned" and (chance is None or chance.verdict != "better"):
        lines.append("It was not shown to be better than random pruning at the same structure.")
    return lines


def _row(results: Results, fit: Fit, pick: Pick, rows: dict[str, Row]) -> Row:
    row = rows[fit.config]
    head: dict[str, Any] = {
        k: row[k] for k in ("config", "name", "method", "val_accuracy", "test_accuracy", "against_dense")
    }
    costs = [asdict(c) | {"said": _number(c)} for c in fit.costs]
    return head | {"fits": fit.fits, "costs": costs, "picked": fit.config == pick.config, "why": _lost(fit, pick, rows)}


def _lost(fit: Fit, pick: Pick, rows: dict[str, Row]) -> str:
    """Why this is not the one to use."""
    if fit.config == pick.config:
        return "to use"
    if fit.fits != "meets":
        return "; ".join(f"{_written(c)}: {_against(c)}" for c in fit.costs if c.fits != "meets")
    less = rows[pick.config]["val_accuracy"]["value"] - rows[fit.config]["val_accuracy"]["value"]
    if less > 0:
        return f"{100 * less:.1f} points less on validation"
    return "within the margin on validation, and less plain"


def _against(cost: Cost) -> str:
    if cost.fits == "misses" and cost.value is not None:
        return f"{100 * (cost.value / cost.limit - 1):.0f}\u202f% over"
    return cost.fits


def _written(cost: Cost) -> str:
    return f"{cost.what} {_number(cost)}" if cost.value is None else _number(cost)


def _number(cost: Cost) -> str:
    return WRITTEN[cost.what](cost.value)
