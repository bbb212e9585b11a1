"""A model card: what goes with a model when it is handed on. From results alone."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined

from secateur import catalogue
from secateur.records import Parity, Results
from secateur.report.formats import milliseconds, percent, signed, size
from secateur.report.story import tell

TEMPLATE = "card.md"
PACKAGES = {
    "litert": "ai-edge-litert",
    "executorch": "executorch with torch",
}  # to install for a run-time, where it has another name


class Form(Protocol):
    """A file in another form than ONNX, compared with it."""

    parity: Parity | None
    error: float


def card(results: Results, config: str, size_bytes: int, format: str = "onnx", form: Form | None = None) -> str:
    """Markdown. `config`: one of the results' models; `format`: of the file, as the catalogue names it, and `form`, how
    it answers beside the ONNX file. Every figure is the report's, or was seen when the file was made."""
    written = catalogue.export(format)
    told = tell(results)
    row = next(m for m in told["models"] if m["config"] == config)
    model = next(m for m in results.models if m.config == config)
    classes: list[Any] = next((c["classes"] for c in told["classes"] if c["config"] == config), [])
    data = results.data
    template = Environment(
        loader=PackageLoader("secateur.report", "template"), undefined=StrictUndefined, keep_trailing_newline=True
    ).get_template(TEMPLATE)
    worst = row["worst_class"]
    return template.render(
        name=row["name"],
        classes=data.classes,
        version=results.version,
        commit=results.commit,
        date=results.date,
        study=results.name,
        px=model.profile.input_shape[0],
        trained=f"{sum(data.train):,}",
        validated=f"{sum(data.val):,}",
        tested=f"{sum(data.test):,}",
        folder=re.split(r"[/\\]", data.folder.rstrip("/\\"))[-1],  # where it lay concerns nobody whom this is handed to
        rule=f"split: {data.split_rule}",
        backbone=row["backbone"],
        method=row["name"] if row["method"] else "",
        digest=data.snapshot_digest[:16],
        accuracy=_within(row["test_accuracy"]) if row["test_accuracy"] else "was not measured",
        worst=f"{worst['name']}, recall {_within(worst['recall'])}" if worst else "not known",
        looks=told["looks"],
        rows=[
            {"name": c["name"], "n": c["n"], "recall": _within(c["recall"]), "precision": _within(c["precision"])}
            for c in classes
        ],
        claims=[_claim(c) for c in told["claims"] if c["subject"] == config],
        paid=_paid(told, config),
        size=size(size_bytes),
        size_bytes=f"{size_bytes:,}",
        format=written,
        package=PACKAGES.get(written.runtime, written.runtime),
        alike=_alike(form.parity) if form and form.parity else "",
        error=percent(form.error, 2) if form and form.error else "",
        memory=size(row["sizes"]["memory"]),
        speed=_speed(told, config),
        pretrained=bool(results.study.get("weights")),
    )


def _alike(parity: Parity) -> str:
    """How a file in another form answers."""
    accuracy = parity.val_accuracy
    doubts = f" Its weights: {parity.weights}." if parity.weights else ""
    doubts += "".join(f" In doubt: {doubt}." for doubt in parity.doubts)
    return (
        f"The ONNX file, which was measured, and this one decide alike on {percent(parity.equal_decisions, 2)} of "
        f"{parity.n:,} validation photos; largest difference of a logit {parity.relative_logit_difference:.2g} of the "
        f"largest. Validation accuracy of this file {_within(asdict(accuracy))}.{doubts}"
    )


def _within(measured: Any) -> str:
    """A figure with its interval and number."""
    low, high = measured["low"], measured["high"]
    interval = f" [{percent(low)}, {percent(high)}]" if low is not None else ""
    return f"{percent(measured['value'])}{interval}" + (f" (n = {measured['n']:,})" if measured["n"] else "")


def _claim(claim: Any) -> str:
    d = claim["difference"]
    interval = f" [{signed(d['low'])}, {signed(d['high'])}]" if d["low"] is not None else ""
    return f"{claim['claim']} {signed(d['value'])} points{interval}, {d['how']}."


def _paid(told: Any, config: str) -> str:
    """What its classes lost, in the report's words; "" where nothing was looked at."""
    found = (p["said"] for harm in told.get("harm") or () for p in harm["paid"] if p["config"] == config)
    return next(found, "")


def _speed(told: Any, config: str) -> list[str]:
    lines = []
    for bench in told.get("speeds") or ():
        for row in (r for r in bench["rows"] if r["config"] == config):
            found = [
                f"{milliseconds(w['median']['value'])} ({_way(w['way'])})"
                for w in row["ways"]
                if w["way"]["batch"] == 1
            ]
            peak = row["peak"]["resident"]["value"] if row["peak"] else None
            memory = f"; {size(peak)} of memory to load and predict once" if peak else ""
            lines.append(
                f"On {bench['label']}: {', '.join(found)} a photo{memory}. Measured there, not on your device."
            )
    return lines


def _way(way: Any) -> str:
    return "1 thread" if way["threads"] == 1 else f"{way['threads']} threads"
