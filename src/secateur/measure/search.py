"""The cut whose exported file meets a target in time: few candidates, each exported and timed beside dense.

Multiply-adds do not say how long a file runs: widths that no register fits cost more than they save. So every rounding
is tried at the target's multiply-adds, and then where a line through what was measured meets the target.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from secateur.errors import StepFailed, UserError
from secateur.measure.bench import Effort, bench
from secateur.measure.entries import entry
from secateur.records import Measured, Search, Tried, Way

QUICK = Effort(rounds=60, processes=3, seconds=60)
FINAL = Effort(rounds=200, processes=5, seconds=180)
TURNS = 3  # benches before the last one
MORE = 2  # benches after those, while none of the cuts meets the target: on a busy machine a line misses by a little
LEAST, MOST = 0.03, 0.97  # of the multiply-adds
SAFE = 0.98  # of the target: a quick bench is uncertain by about as much
ONE = Way(1, 1)

Build = Callable[[int, float], tuple[Path, float]]  # (multiple, multiply-adds asked) → (file, those that stay)
Progress = Callable[[float, float, str], None]


@dataclass(slots=True)
class _Walk:
    """A search under way."""

    dense: Path
    build: Build
    progress: Progress
    tried: list[Tried] = field(default_factory=list)
    files: dict[tuple[int, float], tuple[Path, float]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def candidate(self, multiple: int, asked: float) -> tuple[Path, float] | None:
        """None where such widths do not reach so few multiply-adds."""
        key = (multiple, asked)
        if key not in self.files:
            try:
                self.files[key] = self.build(*key)
            except UserError as error:
                self.refused.append(str(error))
                return None
        return self.files[key]

    def time(self, wanted: Sequence[tuple[int, float]], effort: Effort) -> list[Tried]:
        """Those of `wanted` that can be had, timed beside dense in the same rounds."""
        made = {f"{m}/{a:.6f}": (m, a, c) for m, a in dict.fromkeys(wanted) if (c := self.candidate(m, a))}
        if not made:
            return []
        files = [entry(self.dense, "dense"), *(entry(c[0], name) for name, (_, _, c) in made.items())]
        found = bench(files, "dense", [ONE], effort=effort)
        self.doubts += found.doubts
        ratios = {t.model: t.speedup for t in found.timings}
        return [Tried(m, a, c[1], ratios[name]) for name, (m, a, c) in made.items() if name in ratios]


def search(
    config: str,
    measure: str,
    target: float,
    multiples: Sequence[int],
    dense: Path,
    build: Build,
    machine: str,
    progress: Progress = lambda done, total, note: None,
) -> Search:
    """`measure` "latency": of the cuts that take at most `target` of dense's time on one thread at batch 1, the one
    that keeps the most multiply-adds. "macs": of the cuts with at most `target` of its multiply-adds, the fastest.

    Raises StepFailed where no cut meets the target, UserError as `bench`.
    """
    walk = _Walk(dense, build, progress)
    wanted = [(m, target) for m in multiples]
    turns = TURNS if measure == "latency" else 1
    for turn in range(turns + MORE):
        if turn >= turns and (not wanted or _best(walk.tried, measure, target)):
            break
        progress(min(turn, turns), turns + 1, f"{len(wanted)} cuts")
        walk.tried += walk.time(wanted, QUICK)
        wanted = [(m, n) for m in multiples if (n := _next(walk.tried, m, target)) is not None]
    best = _best(walk.tried, measure, target)
    if best is None:
        fastest = max(walk.tried, key=lambda t: t.speedup.value, default=None)
        said = f"the fastest runs {fastest.speedup.value:.2f}×" if fastest else walk.refused[0]
        raise StepFailed(f"no cut was found that takes {target:g} of dense's time: {said}")
    progress(turns, turns + 1, "the cut that was found, and the same multiply-adds with widths as they fall")
    walk.doubts.clear()
    final = walk.time([(best.multiple, best.asked), (1, best.macs)], FINAL)
    found = next(t for t in final if t.multiple == best.multiple)
    found = replace(found, speedup=_doubted(found.speedup, measure, target))
    free = next((t for t in final if t.multiple == 1), None)
    tried = tuple(dict.fromkeys(walk.tried))
    return Search(config, measure, target, found, free, tried, machine, tuple(dict.fromkeys(walk.doubts)))


def _next(tried: Sequence[Tried], multiple: int, target: float) -> float | None:
    """Where a line through the two cuts of this rounding that are nearest to the target meets it; dense is one, too."""
    own = [(t.macs, 1 / t.speedup.value) for t in tried if t.multiple == multiple]
    if not own:
        return None
    near = sorted([*own, (1.0, 1.0)], key=lambda p: abs(p[1] - target))
    (m1, t1), (m2, t2) = near[:2]
    if m1 == m2 or t1 == t2 or (t1 - t2) / (m1 - m2) <= 0:
        (m1, t1), (m2, t2) = near[0], (1.0, 1.0)
        if m1 == m2 or t1 >= t2:
            return None
    asked = m1 + (SAFE * target - t1) * (m1 - m2) / (t1 - t2)
    return round(min(max(asked, LEAST), MOST), 4)


def _best(tried: Sequence[Tried], measure: str, target: float) -> Tried | None:
    if measure == "macs":
        return max(tried, key=lambda t: t.speedup.value, default=None)
    meeting = [t for t in tried if t.speedup.value * target >= 1]
    sure = [t for t in meeting if t.speedup.low is not None and t.speedup.low * target >= 1]
    return max(sure or meeting, key=lambda t: t.macs, default=None)


def _doubted(speedup: Measured, measure: str, target: float) -> Measured:
    if measure != "latency" or speedup.value * target >= 1:
        return speedup
    doubt = f"timed again it runs {speedup.value:.2f}×, not the {1 / target:.2f}× that were asked for"
    return replace(speedup, doubts=(*speedup.doubts, doubt))
