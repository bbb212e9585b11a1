"""Files in further forms: how large, and how near to the ONNX file that was measured; pure."""

from __future__ import annotations

from dataclasses import asdict

from secateur.records import Exported, Results
from secateur.report.rows import Row


def exports(results: Results, rows: list[Row]) -> list[Row]:
    """A row a network and form, in the order of the networks; what failed says why."""
    told = {row["config"]: row for row in rows}
    order = list(told)
    own = sorted((e for e in results.exports if e.config in told), key=lambda e: order.index(e.config))
    return [_row(e, told[e.config]) for e in own]


def _row(made: Exported, row: Row) -> Row:
    parity = asdict(made.parity) if made.parity else None
    head = {key: row[key] for key in ("config", "name", "method")}
    return head | {"format": made.format, "bytes": made.bytes or None, "parity": parity, "why": made.why}
