"""Numbers with their intervals, files with their times, and any other record as a table of its fields."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from markupsafe import Markup

from secateur.records import Bench, Comparison, Measured
from secateur.records.brief import html, short
from secateur.report.formats import interval as ends
from secateur.report.formats import milliseconds, percent, signed, size
from secateur.report.names import short_names
from secateur.showing.html import MOST_ROWS, block, bold, interval, note, table


def said(m: Measured | None) -> Markup | str:
    """A figure as a cell holds it: bold, its interval beside it."""
    if m is None:
        return "–"
    between = "" if m.low is None or m.high is None else f" [{_one(m.low, m.unit)}, {_one(m.high, m.unit)}]"
    return bold(_one(m.value, m.unit)) + between


def _one(value: float, unit: str) -> str:
    if unit == "fraction":
        return percent(value)
    if unit == "points":
        return f"{signed(value)} points"
    return {"ms": milliseconds, "bytes": size}[unit](value) if unit in ("ms", "bytes") else f"{value:.4g} {unit}"


def measured(m: Measured) -> str:
    over = ", ".join(part for part in (m.how, f"n = {m.n:,}", m.machine) if part)
    return block("", Markup("<div>{}</div>").format(said(m)), note(over, *(f"Doubt: {d}." for d in m.doubts)))


def comparison(c: Comparison) -> str:
    names = short_names((c.subject, c.against))
    d = c.difference
    reach = max(4 * c.margin, *(abs(x) for x in (d.value, d.low, d.high) if x is not None))
    drawn = interval(d.value, d.low, d.high, reach, c.margin)
    row = (names[c.subject], names[c.against], signed(d.value), ends(d.low, d.high, "points"), drawn, bold(c.verdict))
    heads = ("network", "against", "points", "95 %", "", "verdict")
    p = "" if c.p_value is None else f"p = {c.p_value:.3g} after Holm over {c.family}"
    over = ", ".join(part for part in (d.how, f"n = {d.n:,}", f"margin {c.margin:g}", p) if part)
    return block(
        "Difference in test accuracy", table(heads, [row], words=2), note(over, *(f"Doubt: {x}." for x in d.doubts))
    )


def bench(b: Bench) -> str:
    """A row a file: median and speed-up in the first way, memory, size."""
    ways = list(dict.fromkeys(t.way for t in b.timings))
    names = short_names(c.name for c in b.candidates)
    rows = []
    for c in b.candidates:
        own = {t.way: t for t in b.timings if t.model == c.name}
        cells: list[object] = [names[c.name]]
        for way in ways:
            t = own.get(way)
            cells.append(milliseconds(t.median.value) if t else "–")
            cells.append("1" if t and t.verdict == "reference" else said_ratio(t.speedup) if t else "–")
        rows.append((*cells, size(c.peak.resident.value) if c.peak else "–", size(c.bytes)))
    heads = ["file"]
    for way in ways:
        words = f"{way.threads} thread{'' if way.threads == 1 else 's'}" + (
            f", {way.batch} photos" if way.batch > 1 else ""
        )
        heads += [words, f"× {names.get(b.reference, b.reference)}"]
    doubts = [f"Doubt: {d}." for d in b.doubts] + [f"Left out: {x}." for x in b.left_out]
    place = b.label or b.machine.cpu
    under = f"{b.rounds} rounds, {b.processes} processes · {b.date}"
    rows_shown = table([*heads, "memory", "size"], rows[:MOST_ROWS], in_all=len(rows))
    return block(f"Times on {place}", rows_shown, note(*doubts), sub=under)


def said_ratio(m: Measured) -> str:
    return f"{m.value:.2f}" + ("" if m.low is None else f" [{m.low:.2f}, {m.high:.2f}]")


def record(r: Any) -> str | None:
    """Any record that has no drawing of its own."""
    if not is_dataclass(r) or isinstance(r, type):
        return None
    rows = [(f.name, _field(getattr(r, f.name))) for f in fields(r)]
    return block(type(r).__name__, table(("field", "value"), rows, words=2))


def _field(value: Any) -> Markup | str:
    if isinstance(value, Measured):
        return said(value)
    return value if isinstance(value, str) and len(value) <= 300 else short(value)


def register() -> None:
    html.register(object, record)
    html.register(Measured, measured)
    html.register(Comparison, comparison)
    html.register(Bench, bench)
