"""How one candidate fares against its controls; pure. A check passes, fails, or is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Literal

from secateur.records import Comparison, Results, Summary
from secateur.report.formats import NARROW, difference, size

State = Literal["passes", "fails", "open"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing a candidate must pass."""

    against: Literal["dense", "random", "size"]
    state: State
    why: str  # a sentence
    photos_needed: int | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """One candidate and how it fared."""

    config: str
    name: str
    state: State
    checks: tuple[Check, ...]
    zstd_bytes: float


def random_of(method: str) -> str:
    """The control that cuts as many weights, or as many filters, as `method`, at random."""
    return "filter-random" if method.startswith("filter-") else "random"


def is_random(method: str) -> bool:
    return method in ("random", "filter-random")


def longer_of(backbone: str) -> str:
    """The control every pruned network is held against: dense, trained on for as many epochs."""
    return f"{backbone}/dense-longer"


def display(results: Results, summary: Summary) -> str:
    """A name that tells two backbones apart where there are two, and never breaks before its "%"."""
    several = len({s.backbone for s in results.summaries}) > 1
    name = summary.name.replace(" %", f"{NARROW}%")
    return f"{summary.backbone} {name}" if several else name


def comparison(results: Results, subject: str, against: str) -> Comparison | None:
    return next((c for c in results.comparisons if (c.subject, c.against) == (subject, against)), None)


def random_partner(results: Results, summary: Summary) -> Summary | None:
    """The random control at the structure of `summary`."""
    wanted = (summary.backbone, random_of(summary.method), round(summary.target, 9))
    return next((s for s in results.summaries if (s.backbone, s.method, round(s.target, 9)) == wanted), None)


def zstd_bytes(results: Results, config: str) -> float | None:
    """Mean over seeds. The size that ranks: it is fair to zeros and to cut filters alike."""
    sizes = [m.sizes.zstd for m in results.models if m.config == config]
    return mean(sizes) if sizes else None


def _against_dense(results: Results, summary: Summary) -> Check:
    found = comparison(results, summary.config, longer_of(summary.backbone))
    if found is None:
        return Check("dense", "open", "It was not compared with the dense network trained equally long.")
    text = f"Against dense trained equally long: {difference(found.difference)}"
    margin = f"{found.margin:g} point" + ("" if found.margin == 1 else "s")
    if found.verdict in ("better", "as good as"):
        return Check("dense", "passes", f"{text}: {found.verdict} dense at a margin of {margin}.")
    if found.verdict == "worse":
        return Check("dense", "fails", f"{text}: worse.")
    return Check("dense", "open", f"{text}: not decided at a margin of {margin}.", found.photos_needed)


def _against_random(results: Results, summary: Summary) -> Check:
    partner = random_partner(results, summary)
    found = comparison(results, summary.config, partner.config) if partner else None
    if found is None:
        return Check("random", "open", "It was not compared with random pruning at the same structure.")
    text = f"Against random pruning at the same structure: {difference(found.difference)}"
    if found.verdict == "better":
        return Check("random", "passes", f"{text}: better.")
    high = found.difference.high
    if found.verdict == "worse" or (high is not None and high < found.margin):
        return Check("random", "fails", f"{text}: random pruning does as well.")
    return Check("random", "open", f"{text}: not shown to be better.", found.photos_needed)


def _smaller(results: Results, summary: Summary) -> Check:
    own, dense = zstd_bytes(results, summary.config), zstd_bytes(results, longer_of(summary.backbone))
    if own is None or dense is None:
        return Check("size", "open", "Its size was not measured beside dense.")
    text = f"{size(own)} after zstd instead of {size(dense)}"
    return Check("size", "passes", f"{text}.") if own < dense else Check("size", "fails", f"{text}: not smaller.")


def judge(results: Results, summary: Summary) -> Judged:
    """Hold one candidate against dense, against random pruning, and its size against dense's."""
    checks = (_against_dense(results, summary), _against_random(results, summary), _smaller(results, summary))
    states = {t.state for t in checks}
    state: State = "fails" if "fails" in states else "open" if "open" in states else "passes"
    own = zstd_bytes(results, summary.config)
    return Judged(summary.config, display(results, summary), state, checks, float("inf") if own is None else own)


def photos_needed(judged: Sequence[Judged]) -> int | None:
    """Test photos that would decide the candidate that is nearest to a decision."""
    needs = []
    for candidate in judged:
        open_ones = [t for t in candidate.checks if t.state == "open"]
        known = [t.photos_needed for t in open_ones if t.photos_needed is not None]
        if open_ones and len(known) == len(open_ones):
            needs.append(max(known))
    return min(needs, default=None)
