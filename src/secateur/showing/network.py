"""One network: its curve, and what it gets right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from secateur.records import ClassRow, Evaluation, History, Judged
from secateur.records.brief import html
from secateur.report.formats import percent, plural
from secateur.showing.html import MOST_ROWS, block, curves, note, table
from secateur.showing.measured import said


def curve(h: History) -> Markup:
    """Accuracy by epoch, on validation and on the training photos as augmented."""
    lines = [
        ("validation accuracy", [e.val_accuracy for e in h.epochs]),
        ("training accuracy", [e.train_accuracy for e in h.epochs]),
    ]
    return curves(lines, h.epochs[0].epoch) if h.epochs else Markup("")


def _trained(h: History) -> str:
    best = next((e.val_accuracy for e in h.epochs if e.epoch == h.best_epoch), None)
    reached = f"validation accuracy {percent(best)} in epoch {h.best_epoch}" if best is not None else ""
    words = [reached, plural(len(h.epochs), "epoch"), f"recipe {h.recipe}", h.precision, h.device]
    return " · ".join([*(w for w in words if w), "converged" if h.converged else "not converged"])


def history(h: History) -> str:
    return block("Training", curve(h), note(*h.notes), sub=_trained(h))


def of_model(name: str, h: History | None, facts: str, folder: Path) -> str:
    """What `train`, `prune` and `retrain` make. `facts`: classes, side of the photos, seed."""
    parts = [curve(h), note(_trained(h))] if h else [note("Just pruned: not trained on yet.")]
    return block(name, *parts, note(str(folder)), sub=facts)


def _figures(e: Evaluation) -> Markup:
    rows = [
        ("accuracy", said(e.accuracy)),
        ("balanced accuracy", said(e.balanced_accuracy)),
        ("macro-F1", said(e.macro_f1)),
        (f"worst class: {e.worst_class}", said(e.worst_recall)),
    ]
    rows += [("calibration error", said(e.reliability.ece))] if e.reliability else []
    return table(("", "95 % interval"), rows)


def _classes(rows: Sequence[ClassRow]) -> Markup:
    """Those that fare worst first."""
    worst = sorted((c for c in rows if c.n), key=lambda c: c.recall.value)
    shown = [(c.name, f"{c.n:,}", said(c.recall), said(c.precision)) for c in worst[:MOST_ROWS]]
    return table(("class, worst first", "photos", "recall", "precision"), shown, in_all=len(worst))


def evaluation(e: Evaluation) -> str:
    return block(f"{plural(e.n, 'test photo')}", _figures(e), Markup("<br>"), _classes(e.classes))


def judged(j: Judged) -> str:
    lines = [j.shift.said] if j.shift else []
    lines += [
        f"{u.name}: {plural(u.n, 'photo')} of a class that the model does not know" for u in j.unknown[:MOST_ROWS]
    ]
    if j.seen_before:
        lines.append(f"{plural(j.seen_before, 'photo')} stood in its study")
    title = f"{plural(j.evaluation.n, 'photo')} of {j.folder}"
    return block(
        title, note(*lines), _figures(j.evaluation), Markup("<br>"), _classes(j.evaluation.classes), sub=j.model
    )


def register() -> None:
    html.register(History, history)
    html.register(Evaluation, evaluation)
    html.register(Judged, judged)
