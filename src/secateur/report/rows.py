"""The tables of a report, as JSON: one row a configuration, over its seeds; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from statistics import mean
from typing import Any

from secateur.records import Comparison, Evaluation, Measured, ModelResult, Results, Sizes, Summary
from secateur.report.judge import against_dense, against_random, display, is_longer, is_random
from secateur.report.names import short_methods

Row = dict[str, Any]
SIZES = tuple(Sizes.__dataclass_fields__)


def spread(measures: Sequence[Measured]) -> Row | None:
    """Mean over seeds with the lowest and highest seed beside it; a single seed keeps its own interval."""
    if not measures:
        return None
    if len(measures) == 1:
        return asdict(measures[0])
    values = [m.value for m in measures]
    how = "mean over seeds, lowest and highest seed"
    doubts = tuple(dict.fromkeys(d for m in measures for d in m.doubts))
    return asdict(Measured(mean(values), measures[0].unit, min(values), max(values), len(values), how, doubts=doubts))


def configurations(results: Results) -> list[Row]:
    """Every configuration: dense first, then method by method from the least to the most pruned."""
    methods = list(dict.fromkeys(s.method for s in results.summaries))
    ordered = sorted(
        results.summaries,
        key=lambda s: (s.backbone, is_random(s), bool(s.method), methods.index(s.method), s.target),
    )
    structured = _structured(results)
    labels = short_methods(methods)
    return [_row(results, s, [m for m in results.models if m.config == s.config], structured, labels) for s in ordered]


def _row(
    results: Results, s: Summary, models: Sequence[ModelResult], structured: set[str], labels: Mapping[str, str]
) -> Row:
    row: Row = {
        "config": s.config,
        "name": display(results, s),
        "role": s.role,
        "form": s.form,
        "made_of": s.made_of,
        "backbone": s.backbone,
        "method": s.method,
        "label": labels[s.method],
        "target": s.target,
        "begins": s.begins,
        "random": is_random(s),
        "reference": is_longer(s),
        "structured": s.method in structured,
        "seeds": list(s.seeds),
        "chosen": s.chosen,
        "test_accuracy": asdict(s.test_accuracy) if s.test_accuracy else None,
        "val_accuracy": asdict(s.val_accuracy),
        "against_dense": _compared(against_dense(results, s.config)),
        "against_random": _compared(against_random(results, s.config)),
        "macro_f1": asdict(s.figures.macro_f1) if s.figures else None,
        "balanced_accuracy": asdict(s.figures.balanced_accuracy) if s.figures else None,
        "worst_class": worst_class(s),
    }
    return row | _counted(models) | _trained(models)


def _structured(results: Results) -> set[str]:
    """Methods after which a network really is smaller: its filters or units are gone, not zero."""
    whole = {m.backbone: m.profile.parameters for m in results.models if m.role == "dense"}
    return {m.method for m in results.models if m.profile.parameters < whole.get(m.backbone, 0)}


def _compared(found: Comparison | None) -> Row | None:
    return asdict(found) if found else None


def _mean(models: Sequence[ModelResult], value: Callable[[ModelResult], float]) -> float | None:
    return mean(value(m) for m in models) if models else None


def _counted(models: Sequence[ModelResult]) -> Row:
    """What was counted rather than estimated; the mean where seeds differ (compressed bytes do)."""
    return {
        "parameters": _mean(models, lambda m: m.profile.parameters),
        "parameters_keras": _mean(models, lambda m: m.profile.parameters_keras),
        "nonzero": _mean(models, lambda m: m.profile.nonzero),
        "compression": _mean(models, lambda m: m.profile.parameters / max(1, m.profile.nonzero)),
        "sparsity_of_prunable": _mean(models, lambda m: m.profile.sparsity_of_prunable),
        "sparsity_of_model": _mean(models, lambda m: m.profile.sparsity_of_model),
        "macs": _mean(models, lambda m: m.profile.macs),
        "macs_nonzero": _mean(models, lambda m: m.profile.macs_nonzero),
        "sizes": {name: _mean(models, lambda m, name=name: getattr(m.sizes, name)) for name in SIZES},  # type: ignore[misc]
        "not_counted": once(x for m in models for x in m.profile.not_counted),
    }


def _trained(models: Sequence[ModelResult]) -> Row:
    return {
        "val_accuracy_before": _mean(models, lambda m: m.val_accuracy_before),
        "epochs": _mean(models, lambda m: len(m.history.epochs) + m.history.epochs_before),
        "best_epoch": _mean(models, lambda m: m.history.best_epoch),
        "photo_passes": sum(m.history.photo_passes for m in models),
        "stopped_early": sum(m.history.stopped_early for m in models),
        "converged": sum(m.history.converged for m in models),
        "recipe": ", ".join(once(m.history.recipe for m in models)),
        "precision": ", ".join(once(m.history.precision for m in models)),
        "device": ", ".join(once(m.history.device for m in models)),
        "spared": once(x for m in models for x in m.history.spared),
    }


def once(texts: Iterable[str]) -> list[str]:
    """Each text once, in the order of first appearance."""
    return list(dict.fromkeys(texts))


def worst_class(summary: Summary) -> Row | None:
    """The class of least mean recall over the seeds; its interval holds for all classes at once."""
    found = summary.figures
    return {"name": found.worst_class, "recall": asdict(found.worst_recall)} if found else None


def classes(summary: Summary) -> list[Row]:
    """Precision and recall a class, over seeds, in the order of the classes. n: test photos."""
    return [asdict(row) for row in summary.figures.classes] if summary.figures else []


def confusion(evaluations: Sequence[Evaluation]) -> list[list[int]]:
    """Photos by [true][predicted], added up over the seeds."""
    return [
        [sum(cells) for cells in zip(*same, strict=True)]
        for same in zip(*(e.confusion for e in evaluations), strict=True)
    ]


def confused(matrix: Sequence[Sequence[int]], names: Sequence[str], most: int = 3) -> list[Row]:
    """The commonest mistakes, as shares of the true class."""
    found = [
        {"true": names[i], "taken_for": names[j], "photos": cell, "of": sum(row), "share": cell / sum(row)}
        for i, row in enumerate(matrix)
        for j, cell in enumerate(row)
        if i != j and cell
    ]
    return sorted(found, key=lambda c: -float(str(c["share"])))[:most]


def pareto(rows: Sequence[Row], size: str) -> list[str]:
    """Configurations that no smaller one matches in validation accuracy; random controls stand outside.

    By validation, though the chart shows test accuracy: a front by test accuracy would be a choice at every size, of
    whichever the test photos were kindest to.
    """
    known = [r for r in rows if r["test_accuracy"] and r["sizes"][size] is not None and not r["random"]]
    front: list[str] = []
    best = float("-inf")
    for row in sorted(known, key=lambda r: (r["sizes"][size], -r["val_accuracy"]["value"])):
        if row["val_accuracy"]["value"] > best:
            best = row["val_accuracy"]["value"]
            front.append(row["config"])
    return front
