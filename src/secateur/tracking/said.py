"""What trackers are told of a run, in plain words and numbers. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from secateur.records import ModelResult, Results

Table = dict[str, list[Any]]  # column → values
MODELS = ("name", "config", "role", "seeds", "chosen")


def digest(results: Results) -> str:
    """Tells two logs of one run from those of two runs."""
    made = [[m.id, m.file_sha256, m.evaluation.accuracy.value if m.evaluation else None] for m in results.models]
    text = json.dumps([results.name, results.data.snapshot_digest, made, [e.why for e in results.exports]])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def settings(results: Results) -> dict[str, str]:
    """Of the study as it ran, less what is empty."""
    said = {k: v for k, v in results.study.items() if v not in ("", None, [], {}, ())}
    words = {k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in said.items()}
    photos = {f"photos_{part}": str(sum(getattr(results.data, part))) for part in ("train", "val", "test")}
    return words | photos | {"snapshot": results.data.snapshot_digest[:16]}


def network(model: ModelResult) -> dict[str, str]:
    """What one network is."""
    said = {"config": model.config, "role": model.role, "backbone": model.backbone, "seed": str(model.seed)}
    more = {"method": model.method, "target": f"{model.target:g}"} if model.method else {}
    return said | more | {"recipe": model.history.recipe, "precision": model.history.precision}


def curves(model: ModelResult) -> Iterator[tuple[int, dict[str, float]]]:
    """(epoch, figures of it)."""
    for epoch in model.history.epochs:
        yield epoch.epoch, {k: float(v) for k, v in asdict(epoch).items() if k != "epoch"}


def figures(results: Results, model: ModelResult) -> dict[str, float]:
    """What was measured of one network; fractions are fractions, sizes bytes, times milliseconds."""
    found = {
        "val_accuracy_of_the_file": model.val_accuracy,
        "val_accuracy_before_retraining": model.val_accuracy_before,
        "sparsity_of_model": model.profile.sparsity_of_model,
        "multiply_adds": float(model.profile.macs),
        "parameters": float(model.profile.parameters),
        "onnx_bytes": float(model.sizes.onnx),
        "zstd_bytes": float(model.sizes.zstd),
        "packed_bytes": float(model.sizes.packed),
    }
    said = model.evaluation
    if said:
        for name in ("accuracy", "balanced_accuracy", "macro_f1", "worst_recall"):
            measured = getattr(said, name)
            found[f"test_{name}"] = measured.value
            if measured.low is not None and measured.high is not None:
                found |= {f"test_{name}_low": measured.low, f"test_{name}_high": measured.high}
    for bench in results.benches:
        if bench.label:
            continue  # another machine's
        for timing in bench.timings:
            if timing.model == model.config and timing.way.batch == 1:
                found[f"latency_ms_{timing.way.threads}_threads"] = timing.median.value
    return found


def models_table(rows: list[dict[str, Any]]) -> Table:
    """A line a configuration, as the report has them."""
    table: Table = {name: [row[name] if name != "seeds" else len(row["seeds"]) for row in rows] for name in MODELS}
    for name in ("test_accuracy", "val_accuracy", "balanced_accuracy"):
        measured = [row[name] or {} for row in rows]
        for part in ("value", "low", "high"):
            table[f"{name}_{part}"] = [m.get(part) for m in measured]
    table["compression"] = [row["compression"] for row in rows]
    table["onnx_bytes"] = [row["sizes"]["onnx"] for row in rows]
    return table


def claims_table(claims: list[dict[str, Any]]) -> Table:
    """A line a comparison: the difference in points, with its interval."""
    table: Table = {name: [c[name] for c in claims] for name in ("subject", "against", "verdict", "p_value", "claim")}
    return table | {part: [c["difference"][part] for c in claims] for part in ("value", "low", "high")}


def markdown(table: Table) -> str:
    """For TensorBoard's text page."""
    names = list(table)
    lines = [" | ".join(names), " | ".join("---" for _ in names)]
    for row in zip(*table.values(), strict=True):
        cells = ("" if v is None else f"{v:.4g}" if isinstance(v, float) else str(v) for v in row)
        lines.append(" | ".join(cell.replace("|", "\\|") for cell in cells))
    return "\n".join(f"| {line} |" for line in lines)
