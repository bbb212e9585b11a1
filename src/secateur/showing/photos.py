"""Photos: what a folder holds, how it is dealt, what a model says of them."""

from __future__ import annotations

from collections import Counter

from secateur.records import UNSURE, Answer, Answers, Photo, Snapshot, Split
from secateur.records.brief import html
from secateur.report.formats import percent, plural
from secateur.showing.html import MOST_ROWS, bars, block, bold, note, table


def snapshot(s: Snapshot) -> str:
    """Bars of the classes, the largest first; problems by kind."""
    counts = sorted(zip(s.classes, s.counts(), strict=True), key=lambda c: -c[1])
    kinds = Counter(p.what for p in s.problems)
    out = Counter(p.what for p in s.problems if p.left_out)
    problems = [f"{what}: {n:,}{'' if out[what] else ', kept'}" for what, n in kinds.most_common(MOST_ROWS)]
    tied = [f"{t.rule}: {t.photos:,} photos in {t.groups:,} groups" for t in s.ties if t.photos]
    title = f"{plural(len(s.photos), 'photo')} in {plural(len(s.classes), 'class', 'classes')}"
    left = note("Problems — " + "; ".join(problems)) if problems else note("No problems.")
    together = note("Belong together — " + "; ".join(tied) if tied else "")
    return block(title, bars(counts[:MOST_ROWS], len(counts)), left, together, sub=s.root)


def split(s: Split) -> str:
    parts = (("training", s.train), ("validation", s.val), ("test", s.test))
    n = sum(len(own) for _, own in parts) or 1
    rows = [(name, f"{len(own):,}", percent(len(own) / n)) for name, own in parts]
    return block(f"{n:,} photos dealt", table(("part", "photos", "share"), rows), sub=f"rule {s.rule}, seed {s.seed}")


def photo(p: Photo) -> str:
    facts = f"{p.width} × {p.height} px, {p.bytes:,} bytes, group {p.group}"
    return block(p.path, sub=f"class {p.label}; {facts}" + (f"; {p.part}" if p.part else ""))


def answer(a: Answer) -> str:
    if a.problem:
        return block(a.photo, note(f"not read: {a.problem}"))
    rows = [(bold(name) if name == a.said else name, percent(p)) for name, p in a.classes]
    return block(a.said, table(("class", "probability"), rows), sub=" · ".join(x for x in (a.photo, a.taken) if x))


def answers(found: Answers) -> str:
    """How often each class was said; then the first rows."""
    said = Counter(a.said for a in found if not a.problem)
    failed = sum(bool(a.problem) for a in found)
    counts = said.most_common(MOST_ROWS)
    rows = [(a.photo, a.said or f"not read: {a.problem}", percent(a.classes[0][1]) if a.classes else "") for a in found]
    parts = [bars(counts, len(said)), table(("photo", "said", "probability"), rows[:5], words=2, in_all=len(rows))]
    words = f"{said[UNSURE]:,} unsure, {failed:,} not read"
    return block(f"{plural(len(found), 'photo')} answered", *parts, sub=words)


def register() -> None:
    html.register(Snapshot, snapshot)
    html.register(Split, split)
    html.register(Photo, photo)
    html.register(Answer, answer)
    html.register(Answers, answers)
