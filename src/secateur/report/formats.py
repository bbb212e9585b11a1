"""How a number is written for people: one place, so that the page and its sentences never disagree."""

from __future__ import annotations

from typing import Any

from secateur.records import Measured

NARROW = "\u202f"  # a narrow space that no line breaks at
MINUS = "\u2212"


def percent(fraction: float | None, digits: int = 1) -> str:
    """
    >>> percent(0.7746)
    '77.5\u202f%'
    """
    return "–" if fraction is None else f"{100 * fraction:.{digits}f}{NARROW}%"


def signed(points: float | None, digits: int = 2) -> str:
    """Percentage points with their sign; a true minus, which is as wide as the plus."""
    if point_is_zero(points, digits):
        return f"{0:.{digits}f}"
    return "–" if points is None else f"{points:+.{digits}f}".replace("-", MINUS)


def point_is_zero(points: float | None, digits: int) -> bool:
    """Whether rounding leaves nothing: "−0.00" would claim a direction."""
    return points is not None and round(points, digits) == 0


def size(count: float | None) -> str:
    """Bytes in decimal units, as file managers and networks count them."""
    if count is None:
        return "–"
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= 0.9995 * scale:  # what rounds up to the next unit is written in it
            return f"{_three(count / scale)}{NARROW}{unit}"
    return f"{count:.0f}{NARROW}B"


def milliseconds(ms: float | None) -> str:
    """
    >>> milliseconds(12.345)
    '12.3\u202fms'
    """
    if ms is None:
        return "–"
    return f"{_three(ms)}{NARROW}ms" if ms >= 1 else f"{ms:.2g}{NARROW}ms"


def amount(count: float | None) -> str:
    """A large count in three digits: 39.2 M."""
    if count is None:
        return "–"
    for unit, scale in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= 0.9995 * scale:  # what rounds up to the next unit is written in it
            return f"{_three(count / scale)}{NARROW}{unit}"
    return f"{count:.0f}"


def count(number: float | None) -> str:
    """
    >>> count(5011242)
    '5,011,242'
    """
    return "–" if number is None else f"{number:,.0f}"


def interval(low: float | None, high: float | None, kind: str = "percent") -> str:
    """The two ends, in the digits of their value; empty where there are none."""
    if low is None or high is None:
        return ""
    if kind == "points":
        return f"[{signed(low)}, {signed(high)}]"
    return f"{100 * low:.1f}–{100 * high:.1f}"


def difference(measured: Measured) -> str:
    """A paired difference as a sentence carries it: value, interval, what the interval is over."""
    ends = f" {interval(measured.low, measured.high, 'points')}" if measured.low is not None else ""
    over = ", ".join(part for part in (measured.how, f"n = {measured.n:,}") if part)
    return f"{signed(measured.value)} points{ends} ({over})"


def plural(number: int, noun: str, many: str = "") -> str:
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f}{NARROW}s"
    if seconds < 5400:
        return f"{seconds / 60:.0f}{NARROW}min"
    return f"{seconds / 3600:.1f}{NARROW}h"


def _three(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


FILTERS: dict[str, Any] = {
    f.__name__: f for f in (percent, signed, size, amount, milliseconds, count, interval, plural, duration)
}
