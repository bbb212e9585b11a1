"""What is missing, what failed, and what weakens the figures: rows with reasons; pure."""

from __future__ import annotations

import math

from secateur.records import ModelResult, Results
from secateur.report.judge import called, display, is_longer
from secateur.report.rows import Row, once

SHOWN = 3  # layers of a list
FEW = 10  # test photos of a class under which its recall says little


def holes(results: Results) -> list[Row]:
    """Every hole as {kind, what, why}, the weightiest first."""
    return [
        *_steps(results),
        *_controls(results),
        *_longer(results),
        *_training(results),
        *_notes(results),
        *_whole(results),
        *_seeds(results),
        *_photos(results),
        *_exports(results),
        *_counting(results),
    ]


def _hole(kind: str, what: str, why: str) -> Row:
    return {"kind": kind, "what": what, "why": why}


def _controls(results: Results) -> list[Row]:
    parts = (control.partition(": ") for control in results.missing_controls)
    return [_hole("control", what, why or "not run") for what, _, why in parts]


def _steps(results: Results) -> list[Row]:
    found = [_hole("failed", o.title, o.why) for o in results.outcomes if o.state == "failed"]
    return found + [_hole("skipped", o.title, o.why) for o in results.outcomes if o.state == "skipped"]


def _notes(results: Results) -> list[Row]:
    """What trainings say of themselves, each thing once."""
    said = once(note for m in results.models for note in m.history.notes)
    found = []
    for note in said:
        names = once(display(results, s) for s in results.summaries if _says(results, s.config, note))
        found.append(_hole("training", ", ".join(names), note))
    return found


def _says(results: Results, config: str, note: str) -> bool:
    return any(m.config == config and note in m.history.notes for m in results.models)


def _whole(results: Results) -> list[Row]:
    """Layers that no filter pruning could cut, or that have no blocks to prune, by reason."""
    layers: dict[tuple[str, str], list[str]] = {}
    cut = set()
    for m in results.models:
        for layer, why in m.whole.items():
            known = layers.setdefault((m.backbone, why), [])
            known += [layer] if layer not in known else []
            cut |= {(m.backbone, why)} if m.profile.sparsity_of_prunable == 0 else set()
    return [
        _hole("pruning", f"{key[0]}: {'filters' if key in cut else 'weights'} stay whole in {_listed(names)}", key[1])
        for key, names in layers.items()
    ]


def _listed(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _longer(results: Results) -> list[Row]:
    if any("trained on" in control for control in results.missing_controls):
        return []  # said there already
    there = {s.backbone for s in results.summaries if is_longer(s)}
    return [
        _hole("control", f"{b}: dense trained on for as many epochs", "not finished: no verdict against it")
        for b in once(s.backbone for s in results.summaries)
        if b not in there
    ]


def _training(results: Results) -> list[Row]:
    names = called(results)
    dense = [m for m in results.models if m.config == f"{m.backbone}/dense"]
    gained = "its last quarter, or training on, still gained a point or more on validation"
    found = [
        _hole("training", f"{names[m.config]}, seed {m.seed}: not converged", gained)
        for m in dense
        if not m.history.converged
    ]
    return found + [
        _hole("training", f"{names[m.config]}, seed {m.seed}", "a loss was not a finite number: the training diverged")
        for m in results.models
        if _diverged(m)
    ]


def _diverged(model: ModelResult) -> bool:
    return any(not math.isfinite(loss) for e in model.history.epochs for loss in (e.train_loss, e.val_loss))


def _seeds(results: Results) -> list[Row]:
    seeds = sorted({m.seed for m in results.models})
    if len(seeds) == 1:
        why = "what another training would give is taken from earlier studies, not seen here"
        return [_hole("seeds", f"one seed ({seeds[0]})", why)]
    return [
        _hole("seeds", display(results, s), f"{len(s.seeds)} of {len(seeds)} seeds were finished")
        for s in results.summaries
        if len(s.seeds) < len(seeds)
    ]


def _photos(results: Results) -> list[Row]:
    data, found = results.data, []
    if data.synthetic:
        found.append(_hole("data", "no photos", data.synthetic))
    n = sum(data.test)
    needs = [c.photos_needed for c in results.comparisons if c.verdict == "not shown" and c.photos_needed]
    if needs and min(needs) > n:
        why = f"{_range(needs)} would decide what is undecided, with 90 % power from the lower end of what is plausible"
        found.append(_hole("photos", f"{n:,} test photos", why))
    few = [f"{name} ({count})" for name, count in zip(data.classes, data.test, strict=True) if count < FEW]
    if few:
        found.append(_hole("photos", f"few test photos: {', '.join(few)}", "their recall says little"))
    return found


def _range(needs: list[int]) -> str:
    low, high = min(needs), max(needs)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _exports(results: Results) -> list[Row]:
    found, names = [], called(results)
    for m in results.models:
        if m.evaluation is None:
            found.append(_hole("export", f"{names[m.config]}, seed {m.seed}", "not evaluated on the test photos"))
        if m.parity is None:
            found.append(_hole("export", f"{names[m.config]}, seed {m.seed}", "parity of the export was not checked"))
        elif not m.parity.ok:
            why = f"the exported file differs from the network: {m.parity.relative_logit_difference:.1e}"
            found.append(_hole("export", f"{names[m.config]}, seed {m.seed}", why))
    checked = [(f"{names[m.config]}, seed {m.seed}", m.parity) for m in results.models if m.parity]
    checked += [
        (f"{names.get(e.config, e.config)} as {e.format}, seed {e.seed}", e.parity) for e in results.exports if e.parity
    ]
    doubts = [_hole("export", name, doubt) for name, parity in checked for doubt in parity.doubts]
    if (more := len(doubts) - SHOWN) > 0:
        doubts = [*doubts[:SHOWN], _hole("export", f"{more} more files", "passed with doubts of the same kind")]
    return found + doubts


def _counting(results: Results) -> list[Row]:
    missing = once(x for m in results.models for x in m.profile.not_counted)
    return [_hole("counting", x, "its multiply-adds were not counted") for x in missing]
