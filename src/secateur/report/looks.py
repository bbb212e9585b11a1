"""How often the test photos were opened, in words; pure."""

from __future__ import annotations

from secateur.records import Looks
from secateur.report.formats import percent, plural

MANY = 3  # plans: from here on the figures doubt themselves
MOST = 0.5  # of these photos: who opened so many counts towards it


def said(looks: Looks | None, what: str = "The test photos of this split") -> str:
    """A sentence."""
    if looks is None:
        return "How often the test photos of this split were opened was not counted."
    least = "at least " if looks.damaged else ""
    this = f", of which this is number {looks.place}" if looks.place and looks.plans > 1 else ""
    words = f"{what} were opened by {least}{plural(looks.plans, 'plan', 'different plans')}{this}"
    if looks.partly:
        others = plural(len(looks.partly), "further one")
        words += f"; {others} opened some of them, at most {percent(looks.partly[0], 0)}"
    return words + (", as far as a damaged ledger can be read." if looks.damaged else ".")


def doubt(looks: Looks | None) -> str:
    """From the third plan on, or where the ledger is damaged; else empty."""
    if looks is None:
        return ""
    near = looks.plans + sum(share >= MOST for share in looks.partly)
    if near < MANY:
        return said(looks) if looks.damaged else ""
    return (
        f"{said(looks)} What one of them showed may have shaped the next, so the best figures are too high and their "
        "intervals too narrow: confirm on photos that no plan has opened."
    )
