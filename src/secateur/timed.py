"""What benches say of a configuration's files, which they know by their contents; pure."""

from __future__ import annotations

from secateur.records import Bench, Measured, Results, Timing


def configs_of(results: Results, bench: Bench) -> dict[str, str]:
    """A candidate's name → the configuration whose file it is, whatever the file was called where it was measured."""
    by_file = {m.file_sha256: m.config for m in results.models if m.file_sha256}
    return {c.name: by_file[c.sha256] for c in bench.candidates if c.sha256 in by_file}


def first_timing(results: Results, config: str) -> tuple[Bench, Timing] | None:
    """Of a configuration, in the first way of the first bench that has it: one photo at a time on one thread."""
    for bench in results.benches:
        names = configs_of(results, bench)
        own = next((t for t in bench.timings if names.get(t.model) == config), None)
        if own:
            return bench, own
    return None


def speedup_of(results: Results, config: str) -> Measured | None:
    """Of dense's time, there."""
    found = first_timing(results, config)
    return found[1].speedup if found else None
