"""Tables that fit any screen; pure. Where a table is wider than the box it stands in, each of its rows is a card: the
header of every column stands beside its cell, and nothing is scrolled sideways or cut off.

A browser decides by the width of the box (container queries), with no script. What it needs for that is written into
the tables here, once for all of them: how many columns there are, each cell's header, and the roles of rows and cells,
which a table that is shown as blocks would lose for a screen reader. Matrices stay as they are, and scroll.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from markupsafe import Markup

# class of a table → width of its box below which rows are cards, px
BELOW = {"few": 420, "some": 640, "many": 860, "most": 1120, "tight": 460, "models": 640}
COLUMNS = ((4, "few"), (6, "some"), (9, "many"))  # at most so many: this class; "most" above
_TAG = re.compile(r"<(/?)(table|thead|tbody|tr|th|td)\b([^>]*)>")
_SPAN = re.compile(r'\b(col|row)span="(\d+)"')
_ROLES = {"table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "td": "cell"}
_CARDS = """@container (max-width: {px}px) {{
  {t}, {t} > tbody {{ display: block; }}
  {t} > thead {{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }}
  {t} > tbody > tr {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 138px), 1fr));
    gap: 5px 14px; padding: 10px 6px; border-bottom: 1px solid var(--strong); }}
  {t} > tbody > tr > * {{ display: block; min-width: 0; max-width: none; border: 0; padding: 0; white-space: normal;
    overflow-wrap: anywhere; text-align: left; }}
  {t} > tbody > tr > [data-label]::before {{ content: attr(data-label); display: block; width: auto;
    color: var(--muted); font-size: .76rem; font-weight: 400; line-height: 1.3; }}
  {t} > tbody > tr > th:not(.whose) {{ position: static; grid-column: 1 / -1; font-size: .9rem; font-weight: 600; }}
  {t} > tbody > tr > th:not(.whose)::before {{ display: none; }}
  {t} > tbody > tr > .wide {{ grid-column: 1 / -1; }}
  {t} > tbody > tr > td.draw, {t} > tbody > tr > td:empty {{ display: none; }}
  {t} > tbody > tr > td br {{ display: none; }}
}}
"""


def css() -> str:
    """The rules of cards, for every class of tables."""
    return "".join(_CARDS.format(px=px, t=f".scroll > table.{name}") for name, px in BELOW.items())


@dataclass(slots=True)
class _Table:
    """The one that is being read: its columns' headers, and which columns cells of earlier rows reach into."""

    headers: list[list[str]] = field(default_factory=list)  # by column: what stands above it, from the top
    reaching: dict[int, int] = field(default_factory=dict)  # column → rows that a cell above still takes
    column: int = 0

    def begin_row(self) -> None:
        self.column = 0

    def place(self, attributes: str) -> range:
        """The columns of the next cell."""
        spans = {which: int(n) for which, n in _SPAN.findall(attributes)}
        while self.reaching.get(self.column, 0):
            self.reaching[self.column] -= 1
            self.column += 1
        own = range(self.column, self.column + spans.get("col", 1))
        self.reaching |= {c: spans["row"] - 1 for c in own if "row" in spans}
        self.column = own.stop
        return own

    def head(self, columns: range, text: str) -> None:
        self.headers += [[] for _ in range(columns.stop - len(self.headers))]
        for c in columns:
            if text and text not in self.headers[c]:
                self.headers[c].append(text)

    def label(self, columns: range) -> str:
        """What stands above a cell; of one over several columns, what they share."""
        own = [self.headers[c] for c in columns if c < len(self.headers)]
        shared = [text for text in own[0] if all(text in other for other in own)] if own else []
        return ", ".join(shared)


def fitted(page: str) -> Markup:
    """HTML whose tables become cards in narrow boxes. Attributes hold no ">": autoescape has seen to that."""
    out: list[str] = []
    end = 0
    for start, stop in _tables(page):
        out += [page[end:start], _fitted(page[start:stop])]
        end = stop
    return Markup("".join([*out, page[end:]]))  # it was escaped when it was rendered


def _tables(page: str) -> list[tuple[int, int]]:
    """Where each table begins and ends; none stands in another."""
    starts = [m.start() for m in re.finditer(r"<table\b", page)]
    return [(start, page.index("</table>", start)) for start in starts]


def _fitted(table: str) -> str:
    if re.match(r'<table class="[^"]*\bmatrix\b', table):
        return table
    seen, in_head = _Table(), False
    edits: list[tuple[int, str]] = []  # (where in the text, what is put there)
    for tag in _TAG.finditer(table):
        closing, name, attributes = tag.groups()
        if closing:
            in_head = in_head and name != "thead"
            continue
        role = _ROLES.get(name, "rowheader" if not in_head else "columnheader")
        more = f' role="{role}"'
        if name == "thead":
            in_head = True
        elif name == "tbody":
            seen.reaching.clear()
        elif name == "tr":
            seen.begin_row()
        elif name in ("th", "td"):
            columns = seen.place(attributes)
            if in_head:
                seen.head(columns, _text(table[tag.end() : table.index(f"</{name}>", tag.end())]))
            elif label := seen.label(columns):
                more += f' data-label="{html.escape(label)}"'
        edits.append((tag.end() - 1, more))
    return _classed(_edited(table, edits), len(seen.headers))


def _text(inner: str) -> str:
    """What a header says."""
    return html.unescape(re.sub(r"<[^>]*>", " ", inner)).replace("\u00ad", "").strip()


def _edited(text: str, edits: list[tuple[int, str]]) -> str:
    out, end = [], 0
    for where, more in edits:
        out += [text[end:where], more]
        end = where
    return "".join([*out, text[end:]])


def _classed(table: str, columns: int) -> str:
    """With the class of its number of columns, unless the template named one."""
    own = re.match(r'<table class="([^"]*)"', table)
    if own and set(own[1].split()) & BELOW.keys():
        return table
    name = next((word for most, word in COLUMNS if columns <= most), "most")
    if own:
        return table.replace(own[0], f'<table class="{own[1]} {name}"', 1)
    return table.replace("<table", f'<table class="{name}"', 1)
