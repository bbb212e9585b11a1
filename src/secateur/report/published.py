"""Published figures beside ours, as a study file's [published] table gives them; pure.

[published]
source = "who published them, and where"

[[published.tables]]
title = "Filter pruning of the CNN"
columns = ["0 %", "30 %"]
configs = ["cnn/dense", "cnn/filter-l1/0.3"]     # what stands beside each column; "a | b": the first that was run
reasons = ["why the two differ", …]

[[published.tables.rows]]
metric = "val_accuracy"                          # one of METRICS
unit = "%"                                       # "%", "MB", "MiB" or "count"
values = [77.46, 84.32]                          # "" where nothing was published
note = "what the published figure counts"        # optional
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from secateur.errors import NotKnown, UserError
from secateur.report.rows import SIZES, Row

UNITS = {"%": 100.0, "MB": 1e-6, "MiB": 1 / 2**20, "count": 1.0}  # ours × this = as published
METRICS = {
    "test_accuracy": "Test accuracy",
    "val_accuracy": "Validation accuracy",
    "val_accuracy_before": "Validation accuracy before retraining",
    "macro_f1": "Macro-F1",
    "balanced_accuracy": "Balanced accuracy",
    "sparsity_of_prunable": "Sparsity of the prunable weights",
    "sparsity_of_model": "Sparsity of the model",
    "parameters": "Parameters",
    "parameters_keras": "Parameters, as Keras counts them",
    "nonzero": "Parameters that are not zero",
    "macs": "Multiply-adds",
    "macs_nonzero": "Multiply-adds with a weight that is not zero",
    "file": "File",
    "deflate": "File after deflate",
    "zstd": "File after zstd",
    "packed": "Packed form",
    "reference": "Reference size",
    "onnx": "ONNX file",
    "memory": "Weights in memory",
}


def check(published: dict[str, Any]) -> None:
    """Whether the table can be drawn, without any result: to be called before a study runs.

    Raises UserError, or NotKnown for a metric or unit that is none of ours; each names its place.
    """
    beside(published, ())


def beside(published: dict[str, Any], rows: Sequence[Row]) -> list[Row]:
    """Each published table with ours beside it. Raises as `check` does."""
    by_config = {row["config"]: row for row in rows}
    tables = published.get("tables", [])
    if published and not (isinstance(tables, list) and tables):
        raise UserError("[published] has no [[published.tables]]")
    return [_table(published, f"[[published.tables]] {i}", t, by_config) for i, t in enumerate(tables, 1)]


def _table(published: dict[str, Any], where: str, table: dict[str, Any], ours: dict[str, Row]) -> Row:
    columns = _list(table, "columns", where)
    configs = [_first(str(c), ours) for c in _list(table, "configs", where)]
    if len(configs) != len(columns):
        raise UserError(f"{where}: {len(configs)} configs for {len(columns)} columns; one each is needed")
    rows = _list(table, "rows", where)
    return {
        "title": str(table.get("title", "")),
        "source": str(published.get("source", "")),
        "columns": [{"title": str(c), "config": str(f)} for c, f in zip(columns, configs, strict=True)],
        "rows": [_row(f"{where}, row {i}", row, configs, ours) for i, row in enumerate(rows, 1)],
        "reasons": [str(r) for r in table.get("reasons", [])],
    }


def _first(configs: str, ours: dict[str, Row]) -> str:
    """Of "a | b", the first that was run; none was: a."""
    names = [name.strip() for name in configs.split("|")]
    return next((name for name in names if name in ours), names[0])


def _list(table: dict[str, Any], key: str, where: str) -> list[Any]:
    value = table.get(key) if isinstance(table, dict) else None
    if not isinstance(value, list) or not value:
        raise UserError(f"{where}: '{key}' is {value!r}; a list that is not empty is needed")
    return value


def _row(where: str, row: dict[str, Any], configs: Sequence[str], ours: dict[str, Row]) -> Row:
    values = _list(row, "values", where)
    if len(values) != len(configs):
        raise UserError(f"{where}: {len(values)} values for {len(configs)} columns; one each is needed")
    metric, unit = str(row.get("metric", "")), str(row.get("unit", ""))
    if metric not in METRICS:
        raise NotKnown(f"{where}: metric", metric, METRICS)
    if unit not in UNITS:
        raise NotKnown(f"{where}: unit", unit, UNITS)
    cells = [_cell(where, v, ours.get(c), metric, UNITS[unit]) for v, c in zip(values, configs, strict=True)]
    return {
        "label": METRICS[metric],
        "metric": metric,
        "unit": unit,
        "note": str(row.get("note", "")),
        "cells": cells,
    }


def _cell(where: str, value: Any, row: Row | None, metric: str, scale: float) -> Row:
    if value != "" and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise UserError(f'{where}: value {value!r} is no number; allowed: a number, or "" for none')
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f'{where}: value {value!r} is not finite; allowed: a number, or "" for none')
    own = _own(row, metric) if row else None
    return {
        "published": None if value == "" else float(value),
        "ours": None if own is None else own["value"] * scale,
        "low": None if own is None or own["low"] is None else own["low"] * scale,
        "high": None if own is None or own["high"] is None else own["high"] * scale,
        "run": row is not None,
    }


def _own(row: Row, metric: str) -> Row | None:
    value = row["sizes"][metric] if metric in SIZES else row[metric]
    return value if value is None or isinstance(value, dict) else {"value": value, "low": None, "high": None}
