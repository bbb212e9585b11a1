"""A model on a folder of labelled photos, as a terminal shows it; from its record alone. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from secateur.records import ClassShift, Judged, Measured, Shift, Trained
from secateur.report.formats import plural
from secateur.report.looks import said as counted
from secateur.report.terminal import MOST_ROWS, Told, plain

NOT_FOUND = (
    "What its study measured was not found: no figures.json beside this file knows it, and no run under --runs "
    "holds it."
)
SHOWN = 3  # problems of a kind, and what is said of an unknown class
# said though their photos count
DOUBTED = ("damaged", "truncated", "above the depth", "below the depth", "no depth stored")
Row = tuple[str, Measured, Measured | None, Measured | None]  # what, here, in its study, the difference in points


def evaluated(made: Judged) -> Told:
    """The headline, the figures and the classes of least recall, and what is to be doubted."""
    rows = _rows(made)
    shown = rows[:MOST_ROWS]
    shift = _shift(made)
    columns = ("", "here", *((_where(made.trained), "difference") if shift and made.trained else ()))
    cells = [(n, _percent(here), *((_percent(b), _points(d)) if shift else ())) for n, here, b, d in shown]
    return Told(
        headlines=tuple(plain(line) for line in _headlines(made)),
        columns=columns,
        rows=tuple(tuple(plain(cell) for cell in row) for row in cells),
        figures=tuple(_figures(row) for row in shown),
        left=len(rows) - len(shown),
        legend=tuple(plain(line) for line in _legend(made)),
        doubts=tuple(plain(line) for line in _doubts(made)),
    )


def _headlines(made: Judged) -> list[str]:
    said = made.evaluation
    lines = [f"{_percent(said.accuracy)} of {plural(said.n, 'photo')} are answered rightly."]
    return lines + _met(made)


def _shift(made: Judged) -> Shift | None:
    """Beside all photos that are here: a difference is said of photos that its study never had."""
    return made.shift if not made.seen_before else None


def _met(made: Judged) -> list[str]:
    """What is said of photos that its study had, and of the difference that the others show."""
    study, n = made.trained, made.seen_before
    if not made.shift or not study:
        return []
    if not made.compared:
        return [made.shift.said]
    found = []
    if n:
        kinds = Counter(filter(None, made.met))
        how = ", ".join(f"{m:,} {kind}" for kind, m in kinds.most_common())
        found += [f"{n:,} of these photos stood in its study ({how}): they are no new test."]
    if made.fresh:
        accuracy = f"accuracy {_percent(made.fresh.accuracy)}, {_where(study)} {_percent(study.accuracy)}"
        found += [f"The {made.fresh.n:,} others: {accuracy}.", made.shift.said]
    elif n:
        found += ["A difference from its study's figures would say nothing of new photos, and is not shown."]
    else:
        found += [made.shift.said]
    return found


def _rows(made: Judged) -> list[Row]:
    said, study, shift = made.evaluation, made.trained, _shift(made)
    rows: list[Row] = [
        ("accuracy", said.accuracy, *_before(study, shift, "accuracy")),
        ("balanced accuracy", said.balanced_accuracy, *_before(study, shift, "balanced_accuracy")),
        ("macro-F1", said.macro_f1, None, None),
    ]
    if said.reliability:
        rows.append(("calibration error", said.reliability.ece, study.ece if study else None, None))
    changes: dict[str, ClassShift] = {c.name: c for c in shift.classes} if shift else {}
    for row in sorted((c for c in said.classes if c.n), key=lambda c: c.recall.value):
        change = changes.get(row.name)
        own = (change.before, change.difference) if change else (None, None)
        rows.append((f"recall of {row.name}", row.recall, *own))
    return rows


def _before(study: Trained | None, shift: Shift | None, name: str) -> tuple[Measured | None, Measured | None]:
    """A figure of the study, and the difference to it."""
    return (getattr(study, name), getattr(shift, name)) if study and shift else (None, None)


def _figures(row: Row) -> dict[str, Any]:
    what, *measured = row
    keys = ("here", "before", "difference")
    return {"name": plain(what)} | {k: asdict(m) if m else None for k, m in zip(keys, measured, strict=True)}


def _percent(m: Measured | None) -> str:
    if m is None:
        return ""
    interval = f" [{100 * m.low:.1f}, {100 * m.high:.1f}]" if m.low is not None and m.high is not None else ""
    return f"{100 * m.value:.1f} %{interval}"


def _points(m: Measured | None) -> str:
    if m is None:
        return ""
    interval = f" [{m.low:+.1f}, {m.high:+.1f}]" if m.low is not None and m.high is not None else ""
    return f"{m.value:+.1f}{interval}".replace("-", "−")


def _doubts(made: Judged) -> list[str]:
    found = [] if made.trained else [NOT_FOUND]
    if made.trained and not made.compared:
        found += ["Whether these photos stood in its study is not known: its list of photos is not under --runs."]
    found += [f"{m:,} others belong with photos of its study by its rule '{rule}'." for rule, m in made.places]
    found += [f"not looked at: {why}" for why in made.not_compared]
    if made.looks:
        found += [
            f"{made.looks.photos:,} of these are test photos of a split. {counted(made.looks, 'Those')} A file that is "
            "chosen by what it says of them is no longer tested by them."
        ]
    return found + _classes(made) + _left_out(made)


def _legend(made: Judged) -> list[str]:
    """Of what the figures are, and those beside them."""
    lines = [f"here: {plural(made.evaluation.n, 'photo')} of {len(made.labels) - len(made.absent)} classes [95 %]"]
    if made.taken:
        lines.append(made.taken.said())
    if made.trained:
        lines.append(f"{_where(made.trained)}: {made.trained.run}, {made.trained.model}{_but(made.trained)}")
    return lines


def _where(trained: Trained) -> str:
    return "on validation" if trained.photos == "validation" else "in its study"


def _but(trained: Trained) -> str:
    """What those figures are not."""
    said = "; measured of its ONNX file, of which this one was made" if trained.form else ""
    if trained.photos == "validation":
        said += "; by validation its training was chosen, and its test photos were not opened"
    return said


def _classes(made: Judged) -> list[str]:
    """Which of them are not the model's, or not here, or go by another name."""
    found = [f"no photo here of: {', '.join(made.absent)}"] if made.absent else []
    found += [f"'{name}' is taken for the model's '{taken}'" for name, taken in made.renamed]
    for unknown in made.unknown:
        said = ", ".join(f"{name} {n:,}" for name, n in unknown.said[:SHOWN])
        more = ", …" if len(unknown.said) > SHOWN else ""
        found += [
            f"unknown class '{unknown.name}': {unknown.n:,} photos, in no figure; the model says {said}{more} "
            f"(mean probability {unknown.confidence:.2f})"
        ]
    return found


def _left_out(made: Judged) -> list[str]:
    """Problems that cost photos, by kind."""
    found = []
    for kind in dict.fromkeys(p.what for p in made.problems if p.left_out or p.what in DOUBTED):
        own = [p for p in made.problems if p.what == kind]
        n = sum(p.files for p in own)
        shown = [p.why for p in own] if n > len(own) else [p.path for p in own[:SHOWN]]
        what = "left out" if own[0].left_out else "kept"
        found += [f"{kind}: {n:,}, {what}: {', '.join(shown)}" + ("" if len(own) <= len(shown) else ", …")]
        found += [f"{kind}: {own[0].why}"] if kind in DOUBTED else []
    return found + [f"{p.what}: {p.why}" for p in made.problems if p.what == "same subfolders"]
