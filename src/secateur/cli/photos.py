"""`secateur scan` and `secateur fetch`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path

import typer
from rich.table import Table

from secateur import catalogue
from secateur.cli.common import JSON, RUNS, bar, echo_json, paper
from secateur.cli.reading import (
    CLASSES,
    DATE_ORDER,
    EMPTY,
    GROUP_BY,
    KEEP_DAMAGED,
    LABEL_COLUMN,
    LABEL_LEVEL,
    LABELS,
    PATH_COLUMN,
    TIME_COLUMN,
    index_of,
    reading_of,
)
from secateur.outputs import aside, one_on_stdout, opened, put
from secateur.records import Depth, Snapshot

SHOWN = 3  # problems of a kind printed before "and … more"
BAR = 40  # characters


def add(app: typer.Typer) -> None:
    """Both commands."""

    @app.command(epilog="Example:  secateur scan raw-img --csv photos.csv")
    def scan(
        folder: Path = typer.Argument(..., help="Folder of class folders of photos."),
        csv: Path = typer.Option(None, "--csv", help="Write a row a photo here: path, label, sizes, hashes, group."),
        labels: Path = LABELS,
        path_column: str = PATH_COLUMN,
        label_column: str = LABEL_COLUMN,
        label_level: int = LABEL_LEVEL,
        time_column: str = TIME_COLUMN,
        date_order: str = DATE_ORDER,
        classes: str = CLASSES,
        empty: str = EMPTY,
        rare_below: int = typer.Option(20, "--rare-below", min=0, help="List classes with fewer photos."),
        keep_rare: bool = typer.Option(True, help="Keep such classes, or leave them out."),
        keep_damaged: bool = KEEP_DAMAGED,
        group_by: str = GROUP_BY,
        bound: int = typer.Option(None, "--near-bits", min=0, max=16, help="Near-duplicates: bits that may differ."),
        all_problems: bool = typer.Option(False, "--all", help="Print every problem, not only the first few."),
        runs: Path = RUNS,
        as_json: bool = JSON,
    ) -> None:
        """List what a folder of photos holds: classes, broken files, duplicates, near-duplicates.

        Reads every photo once; a second scan reads only what changed. Nothing in the folder is touched.
        """
        one_on_stdout(as_json, csv)
        index = index_of(folder, runs)
        options = {} if bound is None else {"hamming_bound": bound}
        reading = reading_of(
            "secateur scan",
            labels=str(labels or ""),
            path_column=path_column,
            label_column=label_column,
            label_level=label_level,
            time_column=time_column,
            date_order=date_order,
            classes=classes,
            empty=empty,
            rare_below=rare_below,
            keep_rare=keep_rare,
            keep_damaged=keep_damaged,
            group_by=group_by,
        )
        with opened(csv, "--csv", inputs=[folder, labels]) as table, bar("reading photos") as progress:
            found: Snapshot = catalogue.load("secateur.data.scan:scan")(
                folder, index=index, progress=progress, reading=reading, **options
            )
            lost = put(table, catalogue.load("secateur.data.scan:as_rows")(found), end="\n")
        with aside(table):
            if as_json:
                echo_json(asdict(found) | {"digest": found.digest})
            else:
                _print(found, all_problems)
        if lost:
            raise lost

    @app.command()
    def fetch(
        what: str = typer.Argument(..., help="A data set: animals10."),
        target: Path = typer.Option(Path("data"), "--to", help="Folder to put it in."),
    ) -> None:
        """Download a data set (Kaggle's Animals-10, with the extra `secateur[kaggle]`)."""
        from secateur.errors import NotKnown

        if what != "animals10":
            raise NotKnown("data set", what, ["animals10"])
        typer.echo(catalogue.load("secateur.data.sources:fetch_animals10")(target))


def _print(found: Snapshot, all_problems: bool) -> None:
    out = paper()
    counts = found.counts()
    table = Table(box=None, pad_edge=False)
    table.add_column("class")
    table.add_column("photos", justify="right")
    table.add_column("")
    for name, n in zip(found.classes, counts, strict=True):
        table.add_row(_plain(name), f"{n:,}", "█" * round(BAR * n / max(counts)))
    table.add_row("all", f"{sum(counts):,}", "")
    out.print(table)
    parts = Counter(p.part for p in found.photos if p.part)
    if parts:
        said = ", ".join(f"{name} {parts[name]:,}" for name in ("train", "val", "test") if parts[name])
        out.print(f"parts, as the folder says itself: {said}", markup=False)
    if found.taken:
        out.print(f"\n{found.taken.said()}", markup=False)
    if found.depth:
        out.print(f"\nmore than 8 bits a channel: {_white(found.depth)}, here and in all that its models are given")
    if len(found.ties) > 1:
        _print_ties(found)
    for kind in dict.fromkeys(p.what for p in sorted(found.problems, key=lambda p: not p.left_out)):
        own = [p for p in found.problems if p.what == kind]
        n = sum(p.files for p in own)
        out.print(f"\n{kind}: {n:,}, {'left out' if own[0].left_out else 'kept'}", markup=False)
        shown = own if all_problems or n > len(own) else own[:SHOWN]
        for problem in shown:
            out.print(f"  {problem.path}: {problem.why}", markup=False)
        if len(shown) < len(own):
            out.print(f"  … and {len(own) - len(shown):,} more (--all shows them)", markup=False)


def _white(depth: Depth) -> str:
    said = []
    if depth.whole:
        said.append(f"{depth.whole:,} is white ({depth.whole.bit_length()} bits)")
    if depth.floats:
        said.append(f"of floats {depth.floats:g}")
    return ", ".join(said) + (f", {depth.inverted:,} with white and black exchanged" if depth.inverted else "")


def _print_ties(found: Snapshot) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("belong together by", "photos", "groups", "in the largest"):
        table.add_column(name, justify="left" if name.endswith("by") else "right")
    for tie in found.ties:
        table.add_row(_plain(tie.rule), f"{tie.photos:,}", f"{tie.groups:,}", f"{tie.largest:,}")
    out = paper()
    out.print()
    out.print(table)


def _plain(name: str) -> str:
    return name.replace("[", "\\[")
