"""A CSV of labels as cells: whatever marks, first lines and row ends the program left that wrote it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from secateur.errors import NotKnown, UserError
from secateur.names import nfc
from secateur.records import Problem
from secateur.texts import MARK

MARKS = (",", ";", "\t")
AND = " + "  # between two columns that are put together
_LINE = re.compile(r"\r\n|\r|\n")
_TOLD = re.compile(r'"?sep=(.)"?\s*')  # Excel's first line, which says what parts cells


@dataclass(frozen=True, slots=True)
class Table:
    """The cells of a CSV, without blanks around them, in NFC; every row as long as the header."""

    file: Path
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]  # of the rows, in the file
    problems: tuple[Problem, ...]

    def cells(self, at: int) -> tuple[str, ...]:
        """Of one column."""
        return tuple(row[at] for row in self.rows)

    def plain(self) -> list[str]:
        """The names of the columns without case, spaces and marks."""
        return [plain(name) for name in self.header]

    def same(self, columns: Sequence[int]) -> bool:
        """Whether the columns say the same in every row."""
        return all(self.cells(at) == self.cells(columns[0]) for at in columns[1:])


def plain(name: str) -> str:
    """What people write now so, now so, left out."""
    return "".join(c for c in name.casefold() if c.isalnum())


def read_table(file: Path, text: str) -> Table:
    """Rows that are no rows are problems. Excel leaves out the empty cells at the end of a row, sixteen rows down: such
    rows are made whole, and counted. Raises UserError for what is no CSV."""
    text = nfc(text.replace(MARK, ""))  # tables that were put behind each other have a mark in the middle
    first, *rest = _LINE.split(text, 1)
    told = _TOLD.fullmatch(first)
    if told:
        text = rest[0] if rest else ""
        first = _LINE.split(text, 1)[0]
    bare = re.sub(r'"[^"]*"', "", first)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=told[1] if told else max(MARKS, key=bare.count), strict=True
    )
    try:
        lines = [(reader.line_num + bool(told), [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise UserError(f"{file} is no CSV: {error}") from error
    while lines and not any(lines[0][1]):
        del lines[0]
    header = lines[0][1] if lines else []
    while header and not header[-1]:
        header.pop()
    return _whole(file, tuple(header), lines[1:])


def _whole(file: Path, header: tuple[str, ...], lines: Sequence[tuple[int, list[str]]]) -> Table:
    rows, numbers, problems, short = [], [], [], []
    for number, cells in lines:
        if not any(cells):
            continue
        more = [cell for cell in cells[len(header) :] if cell]
        why = "the header, once more" if tuple(cells) == header else f"{len(cells)} cells instead of {len(header)}"
        if more or tuple(cells) == header:
            problems.append(Problem(f"{file.name}, line {number}", "odd row", why))
            continue
        if len(cells) < len(header):
            short.append(number)
        rows.append(tuple(cells[: len(header)] + [""] * (len(header) - len(cells))))
        numbers.append(number)
    if short:
        why = f"{len(short):,} end before the last column, the first is line {short[0]}; what is missing is empty"
        problems.append(Problem(file.name, "short rows", why, left_out=False))
    return Table(file, header, tuple(rows), tuple(numbers), tuple(problems))


def asked(table: Table, words: str, what: str) -> tuple[int, ...]:
    """The column of that name, or several as "genus + species". Raises NotKnown; UserError where two have the name and
    say different things."""
    words = nfc(words.strip())
    parts = [words] if words in table.header else [part.strip() for part in words.split(AND)]
    return tuple(_named(table, part, what) for part in parts)


def _named(table: Table, name: str, what: str) -> int:
    found = [i for i, own in enumerate(table.header) if own == name]
    found = found or [i for i, own in enumerate(table.header) if own.casefold() == name.casefold()]
    if not found:
        raise NotKnown(f"{what} column of {table.file.name}", name, filter(None, table.header))
    if not table.same(found):
        raise _twice(table, found)
    return found[0]


def alone(table: Table, at: int) -> int:
    """The column, if no other has its name, or all that do say the same. Raises UserError otherwise."""
    names = table.plain()
    own = [i for i, name in enumerate(names) if name == names[at]]
    if not table.same(own):
        raise _twice(table, own)
    return at


def _twice(table: Table, columns: Sequence[int]) -> UserError:
    places = " and ".join(f"column {at + 1} ('{table.header[at]}')" for at in columns)
    return UserError(f"{table.file}: {places} have one name and say different things; rename one")


def doubtful(table: Table) -> tuple[str, ...]:
    """Names that several columns have which say different things."""
    found: dict[str, list[int]] = {}
    for at, name in enumerate(table.header):
        found.setdefault(name, []).append(at)
    return tuple(name for name, own in found.items() if name and not table.same(own))
