"""What exported files cost where they were run, as JSON; pure."""

from __future__ import annotations

from dataclasses import asdict

from secateur.records import Bench, Candidate, ModelResult, Results, Timing, Way
from secateur.report.judge import called
from secateur.report.rows import Row
from secateur.timed import configs_of, first_timing

MOST_LAYERS = 40


def speeds(results: Results, rows: list[Row]) -> list[Row]:
    """Every bench: its machine, its ways, and a row a configuration, in the order of the table of networks."""
    return [_bench(results, bench, rows) for bench in results.benches]


def _bench(results: Results, bench: Bench, rows: list[Row]) -> Row:
    configs = configs_of(results, bench)
    ways = list(dict.fromkeys(t.way for t in bench.timings))
    order = {row["config"]: i for i, row in enumerate(rows)}
    names = {row["config"]: row for row in rows}
    told = []
    for candidate in bench.candidates:
        config = configs.get(candidate.name, "")
        if config not in names:
            continue
        own = {t.way: t for t in bench.timings if t.model == candidate.name}
        head = {key: names[config][key] for key in ("config", "name", "method", "random", "structured", "chosen")}
        told.append(head | _costs(candidate) | {"ways": [_timing(own.get(way)) for way in ways]})
    told.sort(key=lambda row: order[row["config"]])
    control = {t.way: t.speedup for t in bench.timings if t.verdict == "control"}
    reference = configs.get(bench.reference, "")
    strangers = [c.name for c in bench.candidates if configs.get(c.name, "") not in names]
    return {
        "label": bench.label or bench.machine.cpu,
        "machine": asdict(bench.machine),
        "date": bench.date,
        "reference": names[reference]["name"] if reference in names else bench.reference,
        "backbone": names[reference]["backbone"] if reference in names else "",
        "ways": [_way(way) | {"control": asdict(control[way]) if way in control else None} for way in ways],
        "rows": told,
        "layers": _layers(results, bench, configs),
        "rounds": bench.rounds,
        "processes": bench.processes,
        "doubts": list(bench.doubts),
        "left_out": [*bench.left_out, *(f"{name}: is no file of this run" for name in strangers)],
    }


def searches(results: Results, rows: list[Row]) -> list[Row]:
    """Targets in time: what was tried, what was taken, and the same multiply-adds with widths as they fall."""
    names = {row["config"]: row["name"] for row in rows}
    return [asdict(s) | {"name": names.get(s.config, s.config)} for s in results.searches]


def _way(way: Way) -> Row:
    threads = "1 thread" if way.threads == 1 else f"{way.threads} threads"
    return asdict(way) | {"title": threads if way.batch == 1 else f"{threads}, {way.batch} at a time"}


def _timing(timing: Timing | None) -> Row | None:
    return None if timing is None else asdict(timing)


def _costs(candidate: Candidate) -> Row:
    said = asdict(candidate)
    return {key: said[key] for key in ("bytes", "load_ms", "peak", "limited", "energy", "runtime")}


def _layers(results: Results, bench: Bench, configs: dict[str, str]) -> Row | None:
    """Time of each layer beside its multiply-adds: the reference, and the chosen network that was really cut."""
    timed = {configs[c.name]: c for c in bench.candidates if c.layers and c.name in configs}
    models = {m.config: m for m in reversed(results.models)}
    dense = configs.get(bench.reference, "")
    chosen = [s.config for s in results.summaries if s.chosen and s.form == "fp32" and s.config in timed]
    cut = next((c for c in chosen if models[c].profile.macs < models[dense].profile.macs), "") if dense in timed else ""
    if dense not in timed:
        return None
    before = _by_layer(timed[dense], models[dense])
    after = _by_layer(timed[cut], models[cut]) if cut else {}
    ranked = sorted(before, key=lambda name: -before[name]["microseconds"])[:MOST_LAYERS]
    return {
        "dense": called(results)[dense],
        "cut": called(results)[cut] if cut else "",
        "rows": [{"layer": name, "dense": before[name], "cut": after.get(name)} for name in ranked],
        "left": max(len(before) - MOST_LAYERS, 0),
    }


def _by_layer(candidate: Candidate, model: ModelResult) -> dict[str, Row]:
    macs = {row.name: row.macs for row in model.profile.layers}
    return {
        row.layer: {"microseconds": row.microseconds, "macs": macs.get(row.layer), "ops": list(row.ops)}
        for row in candidate.layers
    }


def sentence(results: Results, config: str) -> str:
    """How fast a configuration is on the machine that the study ran on, in one sentence; "" where it was not timed."""
    found = first_timing(results, config)
    if found is None or found[1].verdict not in ("faster", "slower", "no measurable change"):
        return ""
    bench, own = found
    s = own.speedup
    where = f"on {bench.label or bench.machine.cpu}, one photo at a time on {_way(own.way)['title']}"
    if own.verdict == "no measurable change":
        return f"Its file runs no faster that could be measured: {s.value:.2f}× [{s.low:.2f}, {s.high:.2f}] {where}."
    words = "as fast as dense" if own.verdict == "faster" else "as fast as dense, which is slower"
    return f"Its file is {s.value:.2f}× [{s.low:.2f}, {s.high:.2f}] {words}, {where}."
