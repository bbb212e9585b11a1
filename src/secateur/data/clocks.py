"""Times as tables write them: ISO 8601, EXIF, Excel in most countries, dates and times in columns of their own.

"03/05/2021" is the third of May in most of the world, and the fifth of March in the United States. Which of them a
table means is a thing of its whole column: one date that only one of the two allows decides for all.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Order = Literal["", "day", "month"]  # which stands first where the year stands last; "": by the dates themselves
MONTHS = (  # `strftime` would say them in the reader's language
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October"),
    *("November", "December"),
)
_SHORT = [name[:3].lower() for name in MONTHS]
_CLOCK = r"(\d{1,2})[:.](\d\d)(?:[:.](\d\d))?(?:[.,]\d+)?\s*([AaPp])?(?:\.?[Mm]\.?)?"
_ZONE = r"\s*(?:Z|[A-Z]{3,5})?\s*(?:[+-]\d\d(?::?\d\d)?)?(?:\s*[A-Z]{3,5})?"  # one camera has one: it changes no gap
_TIME = re.compile(rf"(?:18\d\d-\d\d-\d\d\s+)?{_CLOCK}{_ZONE}$")  # Excel's day nought stands before a bare time
_YEAR_FIRST = re.compile(r"(\d{4})[:/.-](\d{1,2})[:/.-](\d{1,2})")
_YEAR_LAST = re.compile(r"(\d{1,2})([/.-])(\d{1,2})[/.-](\d{4}|\d\d)(?!\d)")
_NAMED = re.compile(r"(\d{1,2})[\s./-]+([A-Za-z]{3,9})\.?[\s./,-]+(\d{4}|\d\d)(?!\d)")
_NAMED_FIRST = re.compile(r"([A-Za-z]{3,9})\.?\s+(\d{1,2}),?\s+(\d{4})")
_MIDNIGHT = re.compile(r"[T\s]+00:00(:00(\.0+)?)?$")
_COUNT = re.compile(r"\d{5}\.\d+$|\d{10}$|\d{13}$")  # Excel's days, Unix's seconds and milliseconds
Moment = datetime.datetime | None
_EXCEL = datetime.datetime(1899, 12, 30)
_UNIX = datetime.datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Times:
    """What a column of times says."""

    times: tuple[str, ...]  # a cell each: "2021-05-03 17:20:11"; "" where it is no time
    unread: str = ""  # the first cell that says something, but no time
    order: str = ""  # where it mattered: "day first: 03/05/2021 is 3 May 2021"
    doubt: str = ""  # why that may be wrong; "" where the dates leave no doubt

    @property
    def read(self) -> int:
        """Cells that are times."""
        return sum(map(bool, self.times))


def times(cells: Sequence[str], order: Order = "") -> Times:
    """A cell without a time of day is none: photos of one day would all seem to be taken at once."""
    cells = [cell.strip() for cell in cells]
    day = [_time(cell, _day_first) for cell in cells]
    month = [_time(c, _month_first) if _YEAR_LAST.match(c) else time for c, time in zip(cells, day, strict=True)]
    turned = [i for i in range(len(cells)) if day[i] != month[i]]
    months = sum(map(bool, month)) > sum(map(bool, day)) if not order else order == "month"
    chosen, other = (month, day) if months else (day, month)
    found = tuple("" if time is None else time.isoformat(" ", "seconds") for time in chosen)
    unread = next((cell for cell, time in zip(cells, chosen, strict=True) if cell and time is None), "")
    example = next((i for i in turned if chosen[i]), None)
    if example is None:
        return Times(found, unread)
    when = chosen[example]
    assert when is not None
    first = "month" if months else "day"
    said = f"{first} first: {cells[example]} is {when.day} {MONTHS[when.month - 1]} {when.year}"
    return Times(found, unread, said, "" if order else _doubt(chosen, other, turned, first))


def _doubt(chosen: Sequence[Moment], other: Sequence[Moment], turned: Sequence[int], first: str) -> str:
    """Whether the other order would do as well; or neither does for all."""
    second = "day" if first == "month" else "month"
    if all(other[i] for i in turned):
        return f"(and {second} first they would all be dates, too)"
    failed = sum(chosen[i] is None for i in turned)
    return f"(but {failed:,} of {len(turned):,} are dates only {second} first: the column mixes both)" if failed else ""


def joined(dates: Sequence[str], clocks: Sequence[str]) -> list[str]:
    """A date and a time of day in columns of their own, as one cell each. A date that has a time already keeps it;
    midnight, which programs put behind a bare date, is none."""
    return [_join(date.strip(), clock.strip()) for date, clock in zip(dates, clocks, strict=True)]


def _join(date: str, clock: str) -> str:
    bare = _MIDNIGHT.sub("", date)
    if not date or not clock or (bare == date and _time(date, _day_first) is not None):
        return date
    return f"{bare} {clock}"


# ------------------------------------------------------------ one cell

Reader = Callable[[int, int, int], tuple[int, int, int]]  # (first, second, year) → year, month, day


def _day_first(first: int, second: int, year: int) -> tuple[int, int, int]:
    return year, second, first


def _month_first(first: int, second: int, year: int) -> tuple[int, int, int]:
    return year, first, second


def _time(cell: str, reader: Reader) -> Moment:
    """None for what is no time, or one that no calendar has: a camera's clock that was never set says year 0."""
    try:
        if _COUNT.match(cell):
            return _counted(cell)
        date, end = _date(cell, reader)
        clock = _TIME.match(cell[end:].lstrip("T ,\t"))
        if not date or not clock:
            return None
        hour = int(clock[1])
        if clock[4]:
            hour = hour % 12 + (12 if clock[4] in "Pp" else 0) if 1 <= hour <= 12 else 99
        return datetime.datetime(*date, hour, int(clock[2]), int(clock[3] or 0))
    except (ValueError, OverflowError):
        return None


def _date(cell: str, reader: Reader) -> tuple[tuple[int, int, int] | None, int]:
    """(year, month, day), and where it ends."""
    if found := _YEAR_FIRST.match(cell):
        return (int(found[1]), int(found[2]), int(found[3])), found.end()
    if found := _YEAR_LAST.match(cell):
        if found[2] == "-" and len(found[4]) == 2:
            return None, 0  # of 21-05-03 any of the three may be the year
        made = _day_first if found[2] == "." else reader  # with a dot the day is first everywhere
        return made(int(found[1]), int(found[3]), _year(found[4])), found.end()
    if found := _NAMED.match(cell):
        return (_year(found[3]), _month(found[2]), int(found[1])), found.end()
    if found := _NAMED_FIRST.match(cell):
        return (_year(found[3]), _month(found[1]), int(found[2])), found.end()
    return None, 0


def _year(digits: str) -> int:
    """Of two digits: no camera trap took photos before 1969 (POSIX has the same turn)."""
    return int(digits) if len(digits) == 4 else int(digits) + (1900 if int(digits) > 68 else 2000)


def _month(name: str) -> int:
    return _SHORT.index(name[:3].lower()) + 1


def _counted(cell: str) -> datetime.datetime:
    if len(cell.partition(".")[0]) == 5:
        found = _EXCEL + datetime.timedelta(days=float(cell), milliseconds=500)
    else:
        found = _UNIX + datetime.timedelta(seconds=int(cell[:10]))
    return found.replace(microsecond=0)
