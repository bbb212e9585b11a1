"""`secateur bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from secateur import catalogue
from secateur.cli.answer import facts
from secateur.cli.common import JSON, bar, echo_json, mebibytes, paper
from secateur.errors import UserError
from secateur.files import as_json_text
from secateur.outputs import aside, one_on_stdout, opened, put
from secateur.quantities import in_bytes, seconds
from secateur.records import Bench, Candidate, Measured
from secateur.report.benched import name, ratio, shown, verdict
from secateur.report.terminal import MOST_ROWS

SLOWEST = 8  # layers that are shown


def add(app: typer.Typer) -> None:
    """The command."""

    @app.command(epilog="Example:  secateur bench runs/photos/models --against dense --out pi.json")
    def bench(
        models: list[Path] = typer.Argument(
            ..., help="ONNX files (.xml, .tflite where installed), or folders of them."
        ),
        against: str = typer.Option(
            "", "--against", help="Name of the model that others are compared with; the first."
        ),
        threads: str = typer.Option("", "--threads", help="Such as 1,4: numbers of threads. Unset: 1 and all cores."),
        batch: str = typer.Option("", "--batch", help="Such as 1,8: photos at a time. Unset: 1, and 8 on all cores."),
        rounds: int = typer.Option(200, "--rounds", min=2, help="Timed calls of every model in every way."),
        processes: int = typer.Option(
            5, "--processes", min=1, help="Fresh processes that the rounds are shared among."
        ),
        minutes: str = typer.Option("10m", "--most", help="Most time for one way: fewer rounds where calls are long."),
        runtime: str = typer.Option(
            "", "--runtime", help="onnxruntime, openvino, litert or executorch. Unset: by the file's name."
        ),
        limit: str = typer.Option("", "--limit", help="Such as 256MiB: try each model under this much memory, too."),
        cpus: int = typer.Option(1, "--cpus", min=1, help="Processors under --limit."),
        memory: bool = typer.Option(True, help="Peak memory of a fresh process."),
        layers: bool = typer.Option(True, help="Time of every layer."),
        energy: bool = typer.Option(True, help="Joules a photo, where the machine counts them."),
        label: str = typer.Option("", "--label", help="What to call this machine: 'Raspberry Pi 4'."),
        out: Path | None = typer.Option(None, "--out", help="Write the figures here, for `secateur report --with`."),
        as_json: bool = JSON,
    ) -> None:
        """Measure how long models take, and how much memory, beside each other on this machine. Needs no torch.

        Every round runs each model once, in an order drawn anew, in processes started afresh; the first model (or
        --against) is there twice: what it differs from itself is the smallest difference that can be seen.
        """
        one_on_stdout(as_json, out, "--out")
        effort = catalogue.load("secateur.steps.bench:Effort")(rounds, processes, _worded(seconds, minutes))
        wish = catalogue.load("secateur.steps.bench:Wish")(memory, layers, energy, _worded(in_bytes, limit), cpus)
        with opened(out, "--out", inputs=models) as file, bar("measuring") as drawn:
            found: Bench = catalogue.load("secateur.steps.bench:measured")(
                catalogue.load("secateur.steps.bench:files_of")(models, runtime),
                reference=against,
                threads=_numbers("--threads", threads),
                batches=_numbers("--batch", batch),
                effort=effort,
                wish=wish,
                label=label,
                progress=lambda done, total, note: drawn(int(100 * done), int(100 * total)),
            )
            lost = put(file, as_json_text(found))
        with aside(file):
            if as_json:
                from pydantic import TypeAdapter

                said = facts(catalogue.load("secateur.report.benched:benched")(found))
                echo_json(TypeAdapter(Bench).dump_python(found, mode="json") | {"answer": said})
            else:
                show(found)
        if lost:
            raise lost
        if file and not as_json and not file.on_stdout:
            typer.echo(f"\nwritten to {out}: secateur report RUN --with {out} puts these columns into a report")


def _worded(reader: Any, words: str) -> Any:
    try:
        return reader(words)
    except ValueError as error:
        raise UserError(str(error)) from error


def _numbers(option: str, words: str) -> tuple[int, ...]:
    try:
        found = tuple(int(w) for w in words.split(",") if w.strip())
    except ValueError:
        found = (0,)
    if any(n < 1 for n in found):
        raise UserError(f"{option} takes whole numbers above 0, with commas between: got '{words}'")
    return found


def show(found: Bench) -> None:
    """For people."""
    out = paper()
    here = found.machine
    flags = f" ({', '.join(here.flags)})" if here.flags else ""
    for line in catalogue.load("secateur.report.benched:benched")(found).headlines:
        out.print(f"{line}\n", markup=False, style="bold")
    out.print(f"{found.label or here.cpu}{flags}, {here.cores} cores, {_versions(found)}\n")
    for way in dict.fromkeys(t.way for t in found.timings):
        threads = "1 thread" if way.threads == 1 else f"{way.threads} threads"
        photos = "one photo" if way.batch == 1 else f"{way.batch} photos"
        out.print(f"{threads}, {photos} at a time")
        table = _table("model", "median", "p95", "photos/s", f"× {found.reference}", "")
        own = [t for t in found.timings if t.way == way]
        for t in shown(own):
            per_second = f"{t.photos_per_second:,.1f}"
            table.add_row(Text(name(found, t)), _ms(t.median), _ms(t.p95), per_second, Text(ratio(t)), verdict(t))
        out.print(table)
        _more(len(own) - MOST_ROWS, out)
        out.print()
    _costs(found.candidates, out)
    for candidate in found.candidates:
        if candidate.layers and candidate.name == found.reference:
            _layers(candidate, out)
    for doubt in found.doubts:
        out.print(f"doubt: {doubt}")
    for left in found.left_out:
        out.print(f"left out: {left}")


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(first, overflow="fold")
    for heading in others:  # words give way, figures never do
        words = heading in ("", "operators", "under the limit")
        table.add_column(heading, justify="left" if words else "right", no_wrap=not words)
    return table


def _costs(candidates: tuple[Candidate, ...], out: Any) -> None:
    limits = any(c.limited for c in candidates)
    joules = any(c.energy for c in candidates)
    more = [*(["under the limit"] if limits else []), *(["mJ a photo"] if joules else [])]
    out.print("memory of a fresh process that loads the file and predicts once")
    table = _table("model", "file", "to load", "peak for the model", "whole process", *more)
    for c in candidates[:MOST_ROWS]:
        cells = [c.name, mebibytes(c.bytes), f"{c.load_ms:,.0f} ms"]
        cells += [mebibytes(c.peak.resident.value), mebibytes(c.peak.process)] if c.peak else ["–", "–"]
        if limits and c.limited:
            cells.append(f"runs: {_ms(c.limited.median)}" if c.limited.median else f"does not: {c.limited.why_not}")
        if joules:
            cells.append(f"{1000 * c.energy.value:.1f}" if c.energy else "–")
        table.add_row(*cells)
    out.print(table)
    _more(len(candidates) - MOST_ROWS, out)
    out.print()


def _more(left: int, out: Any) -> None:
    if left > 0:
        out.print(f"… and {left:,} more: --json and --out have all")


def _layers(candidate: Candidate, out: Any) -> None:
    total = sum(row.microseconds for row in candidate.layers)
    if not total:
        return
    out.print(f"where {candidate.name} spends its time, on one thread")
    table = _table("layer", "of all", "µs", "operators")
    for row in sorted(candidate.layers, key=lambda r: -r.microseconds)[:SLOWEST]:
        name = row.layer or "(between layers)"
        table.add_row(name, f"{row.microseconds / total:.0%}", f"{row.microseconds:,.0f}", ", ".join(row.ops[:3]))
    out.print(table)
    out.print()


def _ms(m: Measured | None) -> str:
    return f"{m.value:,.2f} ms" if m else "–"


def _versions(found: Bench) -> str:
    """Of what ran: the interpreter and the run-times."""
    return ", ".join(f"{n} {v}" for n, v in found.machine.versions.items() if n not in ("secateur", "numpy", "torch"))
