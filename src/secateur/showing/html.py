"""HTML that stands in any notebook: no script, no style sheet, no address; every word escaped. Colours are the page's
own (`currentColor`) and two hues that are seen on white as on black, so that light and dark need no question."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup

BLUE, ORANGE = "#3d8bc4", "#d9772f"
QUIET = "opacity:.72;font-size:.92em"
RULE = "1px solid rgba(128,128,128,.35)"
MOST_ROWS = 12


def block(title: str, *parts: Markup, sub: str = "") -> str:
    """A heading and what stands under it."""
    head = Markup('<div style="font-weight:600;margin-bottom:.2em">{}</div>').format(title)
    under = Markup('<div style="{};margin-bottom:.5em">{}</div>').format(QUIET, sub) if sub else Markup("")
    box = Markup('<div style="max-width:60em;line-height:1.45;overflow-wrap:anywhere">{}</div>')
    return str(box.format(head + under + Markup("").join(parts)))


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], words: int = 1, in_all: int = 0) -> Markup:
    """The first `words` columns hold words, others figures. `in_all`: how many rows there were, if more."""
    side = ["left" if i < words else "right" for i in range(len(headers))]
    head = Markup("").join(_cell("th", side[i], h, "font-weight:500;opacity:.72") for i, h in enumerate(headers))
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(Markup("").join(_cell("td", side[i], cell, "") for i, cell in enumerate(row)))
        for row in rows
    )
    frame = Markup(
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;font-size:.95em">{}</table></div>'
    )
    found = frame.format(Markup("<thead><tr>{}</tr></thead><tbody>{}</tbody>").format(head, body))
    return found + note(f"and {in_all - len(rows):,} more") if in_all > len(rows) else found


def _cell(tag: str, side: str, said: object, more: str) -> Markup:
    style = f"text-align:{side};padding:2px 10px 2px 0;border:0;border-bottom:{RULE};background:none;{more}"
    return Markup('<{0} style="{1}">{2}</{0}>').format(Markup(tag), style, "" if said is None else said)


def note(*lines: str) -> Markup:
    """Quiet lines."""
    return Markup("").join(Markup('<div style="{}">{}</div>').format(QUIET, said) for said in lines if said)


def bold(said: str) -> Markup:
    return Markup("<b>{}</b>").format(said)


def bars(counts: Iterable[tuple[str, int]], in_all: int = 0) -> Markup:
    """A bar a name, as long as its count; the longest first is the caller's to see to."""
    own = list(counts)
    most = max((n for _, n in own), default=1) or 1
    rows = [(name, f"{n:,}", _bar(n / most)) for name, n in own]
    found = table(("", "", ""), rows) if rows else Markup("")
    return found + note(f"and {in_all - len(own):,} more") if in_all > len(own) else found


def _bar(part: float) -> Markup:
    style = f"width:{200 * part:.0f}px;min-width:1px;height:.8em;background:{BLUE};border-radius:2px"
    return Markup('<div style="{}"></div>').format(style)


def interval(value: float, low: float | None, high: float | None, reach: float, margin: float = 0.0) -> Markup:
    """A small drawing of a difference: 0 and −margin as lines; what lies beyond ± reach is cut."""
    width = 120

    def at(x: float) -> float:
        return round((max(-reach, min(reach, x)) + reach) / (2 * reach) * width, 1)

    line = '<line x1="{0}" x2="{0}" y1="0" y2="16" stroke="currentColor" stroke-opacity=".45" {1}/>'
    ends = (
        ""
        if low is None or high is None
        else (f'<line x1="{at(low)}" x2="{at(high)}" y1="8" y2="8" stroke="{BLUE}" stroke-width="2.5"/>')
    )
    drawn = line.format(at(0), "") + (line.format(at(-margin), 'stroke-dasharray="2 2"') if margin else "") + ends
    drawn += f'<circle cx="{at(value)}" cy="8" r="3.5" fill="{BLUE}"/>'
    return _svg(drawn, width, 16, f"{value:+.2f}")


def curves(lines: Sequence[tuple[str, Sequence[float | None]]], first: int = 1) -> Markup:
    """Up to two lines of fractions by epoch, on one axis of percent; named below."""
    lines = [(name, [v if v is not None and math.isfinite(v) else None for v in values]) for name, values in lines]
    known = [v for _, values in lines for v in values if v is not None]
    if not known:
        return Markup("")
    low, high = min(known), max(known)
    low, high = (low, high) if high - low > 0.01 else (max(0.0, low - 0.05), min(1.0, high + 0.05))
    width, height, left = 420, 130, 44
    longest = max(len(values) for _, values in lines)
    parts = []
    for share in (low, (low + high) / 2, high):
        y = _y(share, low, high, height)
        parts.append(f'<line x1="{left}" x2="{width}" y1="{y}" y2="{y}" stroke="currentColor" stroke-opacity=".18"/>')
        parts.append(_word(left - 6, y + 4, f"{100 * share:.0f} %", "end"))
    for (_, values), colour in zip(lines, (BLUE, ORANGE), strict=False):
        points = [
            f"{left + (width - left - 4) * i / max(longest - 1, 1):.1f},{_y(v, low, high, height)}"
            for i, v in enumerate(values)
            if v is not None
        ]
        parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(points) == 1:
            cx, _, cy = points[0].partition(",")
            parts.append(f'<circle cx="{cx}" cy="{cy}" r="3" fill="{colour}"/>')
    last = first + longest - 1
    parts += [_word(left, height + 16, f"epoch {first}"), _word(width, height + 16, str(last), "end")]
    words = "; ".join(name for name, _ in lines)
    keys = Markup(" ").join(
        Markup('<span style="color:{}">■</span> {}').format(colour, name)
        for (name, _), colour in zip(lines, (BLUE, ORANGE), strict=False)
    )
    return _svg("".join(parts), width, height + 20, words) + Markup('<div style="{}">{}</div>').format(QUIET, keys)


def _word(x: float, y: float, said: str, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="11" fill="currentColor">{said}</text>'


def _y(value: float, low: float, high: float, height: int) -> float:
    return round(8 + (height - 16) * (high - value) / (high - low), 1)


def _svg(drawn: str, width: int, height: int, words: str) -> Markup:
    """`drawn` holds numbers and our own words alone."""
    frame = Markup(
        '<svg role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}" style="max-width:100%">{}</svg>'
    )
    return frame.format(words, width, height, width, height, Markup(drawn))
