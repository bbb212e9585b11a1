"""The rows of a CSV of labels."""

from __future__ import annotations

from pathlib import Path

from secateur.data.label_camtrap_dp import with_media
from secateur.data.label_columns import PARTS, PATHS, first, label_column, path_column, time_column
from secateur.data.label_rows import LabelFile, LabelRow
from secateur.data.label_table import Table, alone, doubtful, read_table
from secateur.records import Problem, Reading, Taken


def read_csv(file: Path, text: str, reading: Reading, folders: bool = True) -> LabelFile:
    """Comma, semicolon or tab. `folders`: a column of folders is put before the one of names.

    Raises UserError: no CSV, a column that is not there, two that may be meant.
    """
    table = read_table(file, text)
    if "mediaid" in table.plain() and not reading.path_column and first(table.plain(), PATHS) < 0:
        table = with_media(table)
    path = path_column(table, reading.path_column, folders)
    label, others = label_column(table, reading.label_column, reading.least_classes)
    time, read = time_column(table, reading.time_column, reading.date_order)
    part = first(table.plain(), PARTS)
    if part >= 0:
        alone(table, part)
    rows, problems = [], list(table.problems)
    for n, (number, cells) in enumerate(zip(table.lines, table.rows, strict=True)):
        if not path.cells[n]:
            problems.append(Problem(f"{file.name}, line {number}", "odd row", "names no photo"))
            continue
        said = cells[part] if part >= 0 else ""
        clock = time.cells[n] if time.at else ""
        columns = _columns(table, cells)
        rows.append(LabelRow(path.cells[n], label.cells[n], f"line {number}", said, columns, read.times[n], clock))
    taken = Taken(
        file=file.name,
        path=path.name,
        label=label.name,
        time=time.name,
        part=table.header[part] if part >= 0 else "",
        others=others,
        dates=read.order,
        doubt=read.doubt,
        unread=read.unread,
    )
    names = tuple(dict.fromkeys(filter(None, table.header)))
    return LabelFile(tuple(rows), names, taken, tuple(problems), doubtful(table))


def _columns(table: Table, cells: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, cell in zip(table.header, cells, strict=True):
        if name:
            found.setdefault(name, cell)  # of two that differ neither may be named in a rule
    return found
