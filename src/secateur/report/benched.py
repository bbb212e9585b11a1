"""What a bench says in a line, and the ten of its files that are shown; from its record alone. Pure."""

from __future__ import annotations

from dataclasses import asdict

from secateur.records import Bench, Timing
from secateur.report.formats import milliseconds, plural
from secateur.report.terminal import MOST_ROWS, Told, plain


def benched(found: Bench) -> Told:
    """The first way that files were run in, which is one photo on one thread unless others were asked for: how long a
    call takes, beside the reference, and the size of the file."""
    way = found.timings[0].way if found.timings else None
    own = shown([t for t in found.timings if t.way == way])
    sizes = {c.name: c.bytes for c in found.candidates}
    return Told(
        headlines=tuple(plain(line) for line in _headlines(found)),
        columns=("model", "median", f"× {found.reference}", "verdict"),
        rows=tuple((name(found, t), milliseconds(t.median.value), ratio(t), verdict(t)) for t in own),
        figures=tuple(
            {
                "name": name(found, t),
                "time_ms": asdict(t.median),
                "speedup": asdict(t.speedup),
                "file_bytes": sizes.get(t.model),
                "verdict": t.verdict,
            }
            for t in own
        ),
        left=len([t for t in found.timings if t.way == way]) - len(own),
        legend=(f"time: median of {plural(found.rounds, 'call')}, {found.label or found.machine.cpu}",),
        doubts=tuple(plain(d) for d in (*found.doubts, *(f"left out: {left}" for left in found.left_out))),
    )


def shown(timings: list[Timing]) -> list[Timing]:
    """Of one way, ten at most in their order: the reference, itself again, and the fastest others."""
    ranked = sorted(timings, key=lambda t: (t.verdict not in ("reference", "control"), t.median.value))
    kept = ranked[:MOST_ROWS]
    return [t for t in timings if t in kept]


def name(found: Bench, timing: Timing) -> str:
    return timing.model if timing.verdict != "control" else f"{found.reference}, again"


def ratio(timing: Timing) -> str:
    """'1.97 [1.81, 2.14]'; of the reference: 1."""
    s = timing.speedup
    return "1" if s.low is None or s.high is None else f"{s.value:.2f} [{s.low:.2f}, {s.high:.2f}]"


def verdict(timing: Timing) -> str:
    return "" if timing.verdict == "reference" else timing.verdict


def _headlines(found: Bench) -> list[str]:
    """Of one photo at a time on the fewest threads: which is the fastest, if it was seen to be."""
    ways = sorted({t.way for t in found.timings}, key=lambda w: (w.batch, w.threads))
    own = [t for t in found.timings if ways and t.way == ways[0] and t.verdict not in ("reference", "control")]
    if not own:
        return [f"Nothing was there to hold {found.reference} against."]
    where = f"{plural(ways[0].batch, 'photo')} at a time on {plural(ways[0].threads, 'thread')}"
    faster = [t for t in own if t.verdict == "faster"]
    if not faster:
        return [f"No file was seen to be faster than {found.reference}, {where}."]
    best = max(faster, key=lambda t: t.speedup.value)
    others = f"; of {len(own)} files {len(faster)} are faster" if len(own) > 1 else ""
    return [f"{best.model} is {ratio(best)} times as fast as {found.reference}, {where}{others}."]
