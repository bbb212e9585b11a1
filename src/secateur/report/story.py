"""Results → what a report says, as JSON: the content of report.json, and all that the page shows; pure."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, replace
from typing import Any

from secateur.records import Bench, DataFacts, ModelResult, Results
from secateur.report import published
from secateur.report.chains import chains
from secateur.report.decision import decide
from secateur.report.exports import exports
from secateur.report.harm import harms
from secateur.report.holes import holes
from secateur.report.judge import called
from secateur.report.looks import said
from secateur.report.names import short_methods
from secateur.report.ranking import rankings
from secateur.report.retold import retold
from secateur.report.rows import Row, classes, configurations, confused, confusion, once, pareto
from secateur.report.scans import scans
from secateur.report.speed import searches, speeds
from secateur.report.within import within
from secateur.report.wording import claim, pictures

FORMAT = 1
PROBLEMS_SHOWN = 12  # of a kind, on the page; report.json's records hold them all


def tell(results: Results) -> Row:
    """The whole report as JSON-able values: no tuple, no number that is not finite, no record.

    Predictions are left out: they weigh most, and the confusion matrices hold what the page shows of them.
    Raises UserError where the study's [published] table cannot be read.
    """
    kept, results = results, retold(results)
    rows = configurations(results)
    answers = [asdict(decide(results, backbone)) for backbone in backbones(results)]
    names = called(results)
    told: Any = _jsonable(
        {
            "format": FORMAT,
            "name": results.name,
            "version": results.version,
            "commit": results.commit,
            "date": results.date,
            "command": results.command,
            "pictures": pictures(results),
            "answer": answers[0],
            "answers": answers,
            "within": within(results, rows),
            "made": made(results),
            "looks": said(results.looks),
            "models": rows,
            "labels": dict(short_methods(row["method"] for row in rows)),
            "pareto": {size: pareto(rows, size) for size in ("onnx", "zstd")},
            "choices": _choices(results, rows),
            "speeds": speeds(results, rows),
            "searches": searches(results, rows),
            "compared": rankings(results, rows),
            "scans": scans(results),
            "chains": chains(results, rows),
            "exports": exports(results, rows),
            "claims": [asdict(c) | {"claim": claim(results, c)} for c in results.comparisons],
            "holes": holes(results),
            "data": _data(results.data),
            "random_split": [asdict(c) | {"flatters": (c.gap.low or 0) > 0} for c in results.claims],
            "weighed": [asdict(w) for w in results.weighed],
            "curves": [_curve(m, names[m.config]) for m in results.models],
            **_classwise(results, rows),
            "harm": harms(results, rows),
            "parity": [_parity(m, names[m.config]) for m in results.models],
            "how": how(results),
            "cost": _cost(results),
            "machine": asdict(results.machine),
            "published": published.beside(results.published, rows),
            "notes": results.notes,
            "records": _records(kept),
        }
    )
    return dict(told)


def backbones(results: Results) -> list[str]:
    """The one whose dense network did best on validation first; [""] where nothing was finished."""
    best: dict[str, float] = {}
    for s in results.summaries:
        best[s.backbone] = max(best.get(s.backbone, -1.0), 0.0 if s.method else s.val_accuracy.value)
    return sorted(best, key=lambda b: -best[b]) or [""]


def made(results: Results) -> Row:
    """What every figure says of itself: n, seeds, split and command."""
    data = results.data
    fractions = [sum(part) for part in (data.train, data.val, data.test)]
    return {
        "n_train": fractions[0],
        "n_val": fractions[1],
        "n_test": fractions[2],
        "seeds": sorted({m.seed for m in results.models}),
        "split": f"{data.split_rule}, seed {data.split_seed}",
        "command": results.command,
    }


def _jsonable(value: Any) -> Any:
    """Tuples become lists; a number that is not finite becomes null, which is valid JSON."""
    if isinstance(value, dict):
        return {str(k): _jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        if all(type(v) is int for v in value):
            return list(value)
        return [_jsonable(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _choices(results: Results, rows: list[Row]) -> list[Row]:
    names = {row["config"]: row["name"] for row in rows}
    return [
        {
            "backbone": c.backbone,
            "method": c.method,
            "config": c.config,
            "name": names.get(c.config, c.config),
            "target": c.target,
            "why": c.why,
            "candidates": [{"target": t, "val_accuracy": a, "chosen": t == c.target} for t, a in c.candidates],
        }
        for c in results.choices
    ]


def _data(data: DataFacts) -> Row:
    kinds = once(p.what for p in data.problems)
    problems = []
    for kind in kinds:
        same = [p for p in data.problems if p.what == kind]
        problems.append(
            {
                "what": kind,
                "count": sum(p.files for p in same),
                "left_out": sum(p.files for p in same if p.left_out),
                "shown": [asdict(p) for p in same[:PROBLEMS_SHOWN]],
            }
        )
    rows = zip(data.classes, data.train, data.val, data.test, strict=True)
    return asdict(replace(data, problems=())) | {
        "labels": [{"name": n, "train": a, "val": b, "test": c} for n, a, b, c in rows],
        "taken": data.taken.said() if data.taken else "",
        "problems": problems,
        "photos": sum(data.train) + sum(data.val) + sum(data.test),
    }


def _curve(m: ModelResult, name: str) -> Row:
    return {
        "config": m.config,
        "name": name,
        "backbone": m.backbone,
        "method": m.method,
        "target": m.target,
        "seed": m.seed,
        "best_epoch": m.history.best_epoch,
        "epochs": [asdict(e) for e in m.history.epochs],
    }


def _classwise(results: Results, rows: list[Row]) -> Row:
    """Per-class figures and confusion matrices of every configuration, over its seeds."""
    per_class, matrices = [], []
    summaries = {s.config: s for s in results.summaries}
    for row in rows:
        own = [m.evaluation for m in results.models if m.config == row["config"] and m.evaluation]
        if not own:
            continue
        head = {key: row[key] for key in ("config", "name", "method", "form", "seeds", "chosen", "random", "reference")}
        if summaries[row["config"]].figures:  # a run of an early release has none
            per_class.append(head | {"classes": classes(summaries[row["config"]])})
        matrix = confusion(own)
        matrices.append(head | {"matrix": matrix, "confused": confused(matrix, results.data.classes)})
    return {"classes": per_class, "confusions": matrices}


def _parity(m: ModelResult, name: str) -> Row:
    return {
        "config": m.config,
        "name": name,
        "seed": m.seed,
        "parity": asdict(m.parity) if m.parity else None,
    }


def how(results: Results) -> list[Row]:
    """How each kind of number was made, in the words that the numbers themselves carry, with their doubts."""
    found: dict[str, list[Any]] = {}
    for s in results.summaries:
        found.setdefault("Test accuracy", []).append(s.test_accuracy)
        found.setdefault("Validation accuracy", []).append(s.val_accuracy)
    for c in results.comparisons:
        found.setdefault("Difference between two networks", []).append(c.difference)
    for t in (t for b in results.benches for t in b.timings if t.verdict != "reference"):
        found.setdefault("Speed-up", []).append(t.speedup)
        found.setdefault("Time of a call", []).append(t.median)
    for peak in (c.peak for b in results.benches for c in b.candidates if c.peak):
        found.setdefault("Peak memory", []).append(peak.resident)
    for f in (s.figures for s in results.summaries if s.figures):
        found.setdefault("Macro-F1", []).append(f.macro_f1)
        found.setdefault("Balanced accuracy", []).append(f.balanced_accuracy)
        found.setdefault("The worst class's recall", []).append(f.worst_recall)
        found.setdefault("Recall and precision of a class", []).extend(
            x for c in f.classes for x in (c.recall, c.precision)
        )
    for e in (m.evaluation for m in results.models if m.evaluation):
        if e.reliability:
            found.setdefault("Calibration", []).append(e.reliability.ece)
    for worse in (r for h in results.harm for r in h.robustness):
        found.setdefault("Accuracy on photos made worse", []).extend((worse.mean, worse.rows[0].accuracy))
    return [
        {
            "what": what,
            "how": once(m.how for m in measures if m and m.how),
            "doubts": once(_general(d) for m in measures if m for d in m.doubts),
        }
        for what, measures in found.items()
    ]


def _general(doubt: str) -> str:
    """What is said of the whole kind of number: the figures of one of them stand beside it, in the tables."""
    if doubt.startswith("repeated calls"):
        return "some files gain from repeated calls: the interval holds the first after other work, too"
    return re.sub(r"^p = [\d.e-]+ after Holm", "some p-values above 0.05 after Holm", doubt)


def _cost(results: Results) -> Row:
    """All epochs and photo passes of the study, and what its steps took."""
    return {
        "networks": len(results.models),
        "epochs": sum(len(m.history.epochs) for m in results.models),
        "photo_passes": sum(m.history.photo_passes for m in results.models),
        "seconds": sum(o.seconds for o in results.outcomes),
        "int8_seconds": _int8_seconds(results),
        "states": {
            state: sum(o.state == state for o in results.outcomes) for state in ("made", "found", "failed", "skipped")
        },
        "steps": [asdict(o) for o in results.outcomes],
    }


def _int8_seconds(results: Results) -> float:
    """What INT8 files took: to be made, checked, measured and tested, and their share of the benches."""
    eights = [m for m in results.models if m.form == "int8"]
    names = {f"{m.config}/seed{m.seed}" for m in eights}
    own = sum(o.seconds for o in results.outcomes if o.id.partition("/")[2] in names)
    digests = {m.file_sha256 for m in eights}
    for bench in results.benches:
        took = sum(o.seconds for o in results.outcomes if o.id == f"bench/{_backbone(results, bench)}")
        own += took * sum(c.sha256 in digests for c in bench.candidates) / max(len(bench.candidates), 1)
    return own


def _backbone(results: Results, bench: Bench) -> str:
    """Whose files were timed; "" where it is not known."""
    digests = {c.sha256 for c in bench.candidates}
    return next((m.backbone for m in results.models if m.file_sha256 in digests), "")


def _records(results: Results) -> Row:
    """Everything as it was handed in, less the predictions, and the photos that stand in the story already."""
    models = tuple(
        replace(m, evaluation=replace(m.evaluation, predictions=(), confusion=()) if m.evaluation else None)
        for m in results.models
    )
    harm = tuple(replace(h, victims=tuple(replace(v, thumbnail="") for v in h.victims)) for h in results.harm)
    told = asdict(replace(results, models=models, harm=harm))
    for row, m in zip(told["models"], results.models, strict=True):
        if m.evaluation:  # of 1,000 classes a million numbers a network, which asdict would copy one by one
            row["evaluation"]["confusion"] = m.evaluation.confusion
    return told
