"""The report of a finished run, drawn from its results; and runs found by name or path."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from secateur import catalogue, ledger, writing
from secateur.errors import NotKnown, SecateurError, UserError
from secateur.files import read, why_failed
from secateur.names import nfc
from secateur.records import Bench, Limits, Results
from secateur.store import Store

BENCHES = "benches"  # in a run's folder: figures from other machines
PARTS = {  # of a report, that it can do without
    "harm": "who pays",
    "benches": "times",
    "scans": "layers alone",
    "searches": "searches for a time",
    "rankings": "the ranking of methods",
    "claims": "what a random split claims",
    "weighed": "class weights",
    "exports": "further files",
    "published": "published figures",
}


def draw(runs: Path, name: str, limits: Limits | None = None) -> Path:
    """Draw the report of a run from its results; the page's path. `limits` take the place of the study's.
    Raises UserError."""
    return drawn(runs, name, limits)[0]


def drawn(runs: Path, name: str, limits: Limits | None = None) -> tuple[Path, str]:
    """The same, and which part could not be drawn, in words; "": all were. Raises UserError."""
    store = Store(runs)
    home = run_of(name, runs)
    results = read(Results, home / "results.json")
    others = [read(Bench, file) for file in sorted((home / BENCHES).glob("*.json"))]
    looks = ledger.again(store, results.looks) if results.looks else None
    results = replace(results, benches=(*results.benches, *others), limits=limits or results.limits, looks=looks)
    return home / "report.html", _page(results, home, _charts(store))


def _page(results: Results, home: Path, charts: str) -> str:
    """Write the page; where that fails, without the part that it fails for. Raises what it failed with where no part
    is to blame, or the folder takes no file."""
    write = catalogue.load("secateur.report.draw:write_report")
    try:
        write(results, home, charts)
        return ""
    except (SecateurError, OSError):
        raise
    except Exception as error:
        there = [part for part in PARTS if getattr(results, part)]
        for without in [*((part,) for part in there), tuple(there)]:
            words = f"{', '.join(PARTS[part] for part in without)} could not be drawn"
            words += f": {why_failed(error, 'report', home)}"
            less: Any = {part: type(getattr(results, part))() for part in without} | {"notes": (*results.notes, words)}
            with suppress(Exception):
                write(replace(results, **less), home, charts)
                return words
        raise


def _charts(store: Store) -> str:
    """The chart library's text, kept: making it takes seconds."""
    version = importlib.metadata.version("vl-convert-python")
    path = store.results / "charts" / f"vega-{version}.js"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        writing.whole(path, catalogue.load("secateur.report.page:vega_bundle")())
    return path.read_text(encoding="utf-8")


def placed(run: str, runs: Path) -> tuple[Path, str]:
    """A run may be given by name, or as the path of its folder."""
    path = Path(run)
    if (path / "results.json").is_file():
        return path.resolve().parent, path.resolve().name
    return runs, run


def run_of(run: str, runs: Path) -> Path:
    """The folder of a finished run, by its name or by its path. Raises NotKnown."""
    where, name = placed(run, runs)
    store = Store(where)
    home = store.run(name)
    same = next((n for n in store.names() if nfc(n) == nfc(name)), name)
    if not (home / "results.json").is_file() and same != name:
        home = store.run(same)
    if not (home / "results.json").is_file():
        finished = [n for n in store.names() if (where / n / "results.json").is_file()]
        raise NotKnown("run", name, finished, "secateur runs")
    return home


def tracked(results: Results, home: Path, name: str, where: str = "") -> str:
    """Log a run in one of catalogue.TRACKERS; where it stands, in words. Raises UserError."""
    row = catalogue.named(catalogue.TRACKERS, "tracker", name)
    return str(catalogue.load(row.where)(results, home, where))


def can_track(names: Sequence[str], where: str) -> None:
    """Raises NotKnown for a tracker's name, UserError where one is not installed, or one address is given for two:
    before hours of work, not after them."""
    for name in names:
        row = catalogue.named(catalogue.TRACKERS, "tracker", name)
        if importlib.util.find_spec(name) is None:
            raise UserError(f"--track {name} needs {name}: pip install 'secateur[{name}]' ({row.help})")
    if where and len(set(names)) != 1:
        raise UserError("--track-to names one place: give it with one --track")
