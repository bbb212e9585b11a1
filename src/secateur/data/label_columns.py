"""Which columns of a table are the photos' paths, their labels, their times: as asked, else by their usual names.

Tables of camera traps name an animal at several ranks of its taxonomy at once, and one of those is called `class`: the
label is the finest rank that (nearly) every row knows. In Wildlife Insights' exports a species is its epithet alone,
which many genera share ("europaeus"): it is put behind its genus.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from secateur.data.clocks import Order, Times, joined, times
from secateur.data.label_rows import says
from secateur.data.label_table import AND, Table, alone, asked, doubtful
from secateur.errors import UserError

PATHS = (
    *("path", "filepath", "sourcefile", "filename", "file", "relativepath", "imagepath", "imagefile", "image", "img"),
    *("photo", "name", "mediacsvfilepath"),
)
FOLDERS = ("relativepath", "directory", "folder", "subfolder", "dir")  # Timelapse and camtrapR part it from the name
PARTS = ("split", "part", "subset", "set")
LABELS = ("label", "labels")
SPECIES = ("species", "speciesname", "specificepithet", "taxonspeciesname")
BINOMIALS = ("scientificname", "taxonname", "taxon")
COMMON = ("commonname", "vernacularname", "vernacularnames", "vernacularnamesen", "speciesguess")
GENERA = ("genus", "taxongenus", "taxongenusname")
NAMES = ("categoryname", "classname", "category", "animal")
RANKS = (  # from fine to coarse; iNaturalist's and camtrapdp's names behind the plain one
    GENERA,
    *((rank, f"taxon{rank}", f"taxon{rank}name") for rank in ("subfamily", "family", "order", "class", "phylum")),
    ("kingdom", "taxonkingdom", "taxonkingdomname"),
)
CLASSES = frozenset(  # of animals that stand before cameras: a column of them is a rank, whatever stands beside it
    {"mammalia", "aves", "reptilia", "amphibia", "insecta", "arachnida", "malacostraca", "gastropoda", "crocodylia"}
    | {"actinopterygii", "actinopteri", "chondrichthyes", "elasmobranchii", "testudines", "squamata"}
)
FULL_TIMES = (
    *(
        "datetimeoriginal",
        "datetime",
        "dateandtime",
        "taken",
        "timestamp",
        "datetimetaken",
        "datetaken",
        "datecaptured",
    ),
    *("datetimecaptured", "capturedatetime", "createdate", "timeobservedat", "mediacsvtimestamp", "eventstart"),
)
DATES = ("date", "imagedate", "photodate", "capturedate", "eventdate", "observedon")
CLOCKS = ("time", "imagetime", "phototime", "capturetime", "eventtime")
FILLED = 0.9  # of the rows that say anything: what a rank must know to be the label
SHOWN = 12  # columns that one line names
_EPITHET = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Column:
    """One column, or several put together."""

    name: str  # "species", "genus + species"
    at: tuple[int, ...]
    cells: tuple[str, ...] = ()  # a row each; "" where nothing is known


def first(plain: Sequence[str], names: Sequence[str]) -> int:
    """Where the first of the names stands that there is; −1: none."""
    return next((plain.index(name) for name in names if name in plain), -1)


# ------------------------------------------------------------ paths


def path_column(table: Table, words: str, folders: bool) -> Column:
    """The path, put together of the folder and the file's name where two columns say them (and `folders` allows).
    Raises UserError, NotKnown."""
    if words:
        at = asked(table, words, "path")
    else:
        found = first(table.plain(), PATHS)
        if found < 0:
            raise UserError(
                f"{table.file} has no column that looks like a path: it has "
                f"{', '.join(table.header[:SHOWN]) or 'none'}; name it with path_column (--path-column)"
            )
        above = first(table.plain(), FOLDERS) if folders else -1
        at = (above, found) if above >= 0 and above != found else (found,)
        for one in at:
            alone(table, one)
    cells = tuple(_path([row[i] for i in at]) for row in table.rows)
    return Column(AND.join(table.header[i] for i in at), at, cells)


def _path(cells: Sequence[str]) -> str:
    """A name that has its folder already keeps it."""
    *folders, name = cells
    if not name or "/" in name or "\\" in name:
        return name
    return "/".join([*filter(None, (folder.rstrip("/\\") for folder in folders)), name])


# ------------------------------------------------------------ labels


def label_column(table: Table, words: str, least_classes: int) -> tuple[Column, tuple[tuple[str, int], ...]]:
    """The label, and what else could have been it, with its classes. Raises UserError, NotKnown."""
    known = list(_candidates(table))
    if words:
        at = asked(table, words, "label")
        name = AND.join(table.header[i] for i in at)
        taken = Column(name, at, tuple(" ".join(filter(None, (says(row[i]) for i in at))) for row in table.rows))
    else:
        taken = _finest(table, known, least_classes)
    others = tuple((c.name, n) for c in known if c.at != taken.at and (n := _classes(c)))
    return taken, others


def _finest(table: Table, known: Sequence[Column], least_classes: int) -> Column:
    """The only column that looks like a label; of several the finest that is filled and tells classes apart."""
    if not known:
        raise UserError(
            f"{table.file} has no column that looks like a label: it has {_listed(_all(table))}; name it with "
            "label_column (--label-column)"
        )
    rows = sum(any(cells) for cells in zip(*(c.cells for c in known), strict=True))
    good = [c for c in known if _classes(c) >= least_classes and sum(map(bool, c.cells)) >= FILLED * rows]
    if len(known) > 1 and not good:
        raise UserError(
            f"{table.file}: no column is filled in 90 % of the rows with at least "
            f"{'two classes' if least_classes > 1 else 'one class'}: {_listed(known)}; name the label's with "
            "label_column (--label-column)"
        )
    found = good[0] if good else known[0]
    for at in found.at:
        alone(table, at)
    return found


def _candidates(table: Table) -> Iterator[Column]:
    """From fine to coarse. A `class` that no other rank stands beside is none: it is the label's plain name."""
    plain = table.plain()
    genus, species = first(plain, GENERA), first(plain, SPECIES)
    epithets = species >= 0 and _epithets(table, genus, species)
    ranks = {name for names in (SPECIES, BINOMIALS, COMMON, *RANKS) for name in names} - {"class"}
    ranked = bool(ranks & set(plain)) or any(_linnaean(column) for column in _each(table, ("class",)))
    yield from _each(table, LABELS if ranked else (*LABELS, "class"))
    if epithets and genus >= 0:
        name = f"{table.header[genus]}{AND}{table.header[species]}"
        yield Column(name, (genus, species), _binomials(table, genus, species))
    elif not epithets:
        yield from _each(table, SPECIES)
    yield from _each(table, BINOMIALS)
    yield from _each(table, COMMON)
    if epithets and _one_genus_each(table, genus, species):  # anything that says more comes first
        yield from _each(table, SPECIES)
    above = [column for names in (RANKS if ranked else ()) for column in _each(table, names)]
    # A category may be anything from a species to "animal": its classes say how fine it is.
    yield from sorted([*_each(table, NAMES), *above], key=_classes, reverse=True)


def _linnaean(column: Column) -> bool:
    said = {cell.casefold() for cell in column.cells if cell}
    return bool(said) and said <= CLASSES


def _each(table: Table, names: Sequence[str]) -> Iterator[Column]:
    plain, known = table.plain(), set()
    for name in names:
        for at in (i for i, own in enumerate(plain) if own == name):
            cells = tuple(says(cell) for cell in table.cells(at))
            if (name, cells) not in known:  # the same column again is no other one
                known.add((name, cells))
                yield Column(table.header[at], (at,), cells)


def _epithets(table: Table, genus: int, species: int) -> bool:
    """Whether the column holds "vulpes" and not "Vulpes vulpes": single words without a capital, beside "Blank", and
    beside whole names that begin with their row's genus, as some people write some of them."""
    said = [(says(row[genus]) if genus >= 0 else "", row[species]) for row in table.rows if says(row[species])]
    small = [cell for _, cell in said if not cell[0].isupper()]
    known = all(
        cell.startswith(f"{above} ") if above and " " in cell else _EPITHET.fullmatch(cell.rstrip("."))
        for above, cell in said
    )
    return bool(small) and known


def _one_genus_each(table: Table, genus: int, species: int) -> bool:
    """Whether an epithet may stand for itself: genera are missing, and none that are there share one."""
    above: dict[str, set[str]] = {}
    for row in table.rows:
        above.setdefault(says(row[species]), set()).add(says(row[genus]) if genus >= 0 else "")
    genera = [found for name, found in above.items() if name]
    return any("" in found for found in genera) and all(len(found - {""}) < 2 for found in genera)


def _binomials(table: Table, genus: int, species: int) -> tuple[str, ...]:
    """A species whose genus is not known is none; "Blank" is a word by itself."""
    found = []
    for row in table.rows:
        above, own = says(row[genus]), says(row[species])
        found.append(own if own[:1].isupper() else f"{above} {own}" if above and own else "")
    return tuple(found)


def _classes(column: Column) -> int:
    return len(set(filter(None, column.cells)))


def _all(table: Table) -> list[Column]:
    return [
        Column(name, (at,), tuple(says(c) for c in table.cells(at))) for at, name in enumerate(table.header) if name
    ]


def _listed(columns: Sequence[Column]) -> str:
    shown = []
    for column in columns[:SHOWN]:
        n, filled = _classes(column), sum(map(bool, column.cells))
        share = f" in {100 * filled // len(column.cells)} % of the rows" if filled < len(column.cells) else ""
        shown.append(f"{column.name} ({n:,} {'class' if n == 1 else 'classes'}{share})")
    return ", ".join(shown) + (", …" if len(columns) > SHOWN else "") or "none"


# ------------------------------------------------------------ times


def time_column(table: Table, words: str, order: Order) -> tuple[Column, Times]:
    """The first of the usual columns whose entries are times for the most part, a date and a time of day put together
    among them; else what comes nearest. Without any: a column without a name. Raises UserError, NotKnown."""
    if words:
        return _timed(table, asked(table, words, "time"), order)
    best: tuple[Column, Times] | None = None
    unsure = doubtful(table)
    for at in _timelike(table):
        if any(table.header[i] in unsure for i in at):
            continue
        made = _timed(table, at, order)
        if made[1].read and 2 * made[1].read >= sum(bool(says(cell)) for cell in made[0].cells):
            return made
        if best is None or made[1].read > best[1].read:
            best = made
    return best or (Column("", ()), Times(("",) * len(table.rows)))


def _timelike(table: Table) -> Iterator[tuple[int, ...]]:
    plain = table.plain()
    yield from ((plain.index(name),) for name in FULL_TIMES if name in plain)
    date, clock = first(plain, DATES), first(plain, CLOCKS)
    if date >= 0 and clock >= 0:
        yield (date, clock)
    yield from ((at,) for at in (date, clock) if at >= 0)


def _timed(table: Table, at: Sequence[int], order: Order) -> tuple[Column, Times]:
    cells = [says(cell) for cell in table.cells(at[0])]
    for further in at[1:]:
        cells = joined(cells, [says(cell) for cell in table.cells(further)])
    return Column(AND.join(table.header[i] for i in at), tuple(at), tuple(cells)), times(cells, order)
