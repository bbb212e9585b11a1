"""What fits a device, and what to use there; pure.

Sizes, times and memory say nothing of accuracy, so every network may be held against the limits, whatever validation
chose without them; among those that fit the most accurate on validation is picked, so that test photos choose nothing.
Controls are candidates, too, and within the margin the plainer file is preferred: dense, then INT8, then pruned, then
that in INT8. Random pruning is no candidate, and no more is a file that was not accepted.
"""

from __future__ import annotations

from statistics import mean

from secateur.records import Bench, Candidate, Cost, Fit, Fits, Limits, Pick, Results, Summary
from secateur.timed import configs_of

PLAIN = ("dense", "control", "rival", "quantized", "pruned", "chained")
WORST: tuple[Fits, ...] = ("misses", "not measured", "too close to tell", "meets")


def picks(results: Results) -> tuple[Pick, ...]:
    """One for every machine that files were timed on; one without a machine where none was. None without limits."""
    if not results.limits:
        return ()
    benches: tuple[Bench | None, ...] = results.benches or (None,)
    machines = dict.fromkeys(_label(b) for b in benches)
    return tuple(_pick(results, label, [b for b in benches if b and _label(b) == label]) for label in machines)


def _label(bench: Bench | None) -> str:
    return (bench.label or bench.machine.cpu) if bench else ""


def _pick(results: Results, label: str, benches: list[Bench]) -> Pick:
    refused = {m.config for m in results.models if not m.parity}
    own = [s for s in results.summaries if not (s.role == "control" and s.method) and s.config not in refused]
    rows = tuple(_fit(results, s, benches) for s in own)
    fitting = {r.config for r in rows if r.fits == "meets"}
    best = _best(results, [s for s in own if s.config in fitting])
    known = [r for r in rows if all(c.value is not None for c in r.costs)]
    nearest = min(known, key=_over, default=None) if not best else None
    return Pick(label, best, nearest.config if nearest else "", _over(nearest) if nearest else 0.0, rows)


def _best(results: Results, fitting: list[Summary]) -> str:
    if not fitting:
        return ""
    margin = float(results.study.get("margin", 1.0)) / 100
    least = max(s.val_accuracy.value for s in fitting) - margin
    near = [s for s in fitting if s.val_accuracy.value >= least]
    return min(near, key=lambda s: (*_plain(s), -s.val_accuracy.value, _onnx(results, s.config))).config


def _plain(summary: Summary) -> tuple[int, bool]:
    """The least is preferred."""
    return PLAIN.index(summary.role), summary.form == "int8"


def _over(row: Fit) -> float:
    return max((c.value or 0.0) / c.limit for c in row.costs)


def _fit(results: Results, summary: Summary, benches: list[Bench]) -> Fit:
    limits, costs = results.limits, []
    if limits.size_bytes:
        size = _onnx(results, summary.config)
        costs.append(Cost("size", size, limits.size_bytes, "meets" if size <= limits.size_bytes else "misses"))
    if limits.latency_ms:
        costs.append(_latency(results, summary.config, benches, limits))
    if limits.memory_bytes:
        candidate = _candidate(results, summary.config, benches)
        used = candidate.peak.process if candidate and candidate.peak else None
        fits: Fits = "not measured" if used is None else "meets" if used <= limits.memory_bytes else "misses"
        costs.append(Cost("memory", used, limits.memory_bytes, fits))
    worst = min((c.fits for c in costs), key=WORST.index)
    return Fit(summary.config, tuple(costs), worst)


def _latency(results: Results, config: str, benches: list[Bench], limits: Limits) -> Cost:
    """Of one photo on one thread. Meets the limit where all of the interval does."""
    limit = limits.latency_ms
    for bench in benches:
        names = configs_of(results, bench)
        own = [
            t.median for t in bench.timings if names.get(t.model) == config and (t.way.threads, t.way.batch) == (1, 1)
        ]
        if own:
            low, high = (own[0].value if end is None else end for end in (own[0].low, own[0].high))
            fits: Fits = "meets" if high <= limit else "misses" if low > limit else "too close to tell"
            return Cost("latency", own[0].value, limit, fits)
    return Cost("latency", None, limit, "not measured")


def _candidate(results: Results, config: str, benches: list[Bench]) -> Candidate | None:
    for bench in benches:
        names = configs_of(results, bench)
        own = next((c for c in bench.candidates if names.get(c.name) == config), None)
        if own:
            return own
    return None


def _onnx(results: Results, config: str) -> float:
    """Mean over seeds, of the file that is deployed."""
    return mean(m.sizes.onnx for m in results.models if m.config == config)
