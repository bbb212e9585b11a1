"""A study: the answer, and the networks it rests on."""

from __future__ import annotations

from markupsafe import Markup

from secateur.records import Measured, Results
from secateur.records.brief import html
from secateur.report.decision import decide
from secateur.report.formats import size
from secateur.report.retold import retold
from secateur.report.rows import configurations
from secateur.report.story import backbones
from secateur.report.terminal import deciding
from secateur.showing.html import block, bold, note, table
from secateur.showing.measured import said

DOUBTS = 5


def results(r: Results) -> str:
    """The answer of each backbone, ten rows at most, and what is not known: the report's own words."""
    told = retold(r)
    answers = [decide(told, backbone) for backbone in backbones(told)]
    rows = configurations(told)
    used = {a.use for a in answers}
    shown = deciding(rows, [a.use for a in answers], [j.config for a in answers for j in a.candidates])
    cells = [
        (
            bold(f"→ {row['name']}") if row["config"] in used else row["name"],
            said(Measured(**row["test_accuracy"])) if row["test_accuracy"] else "–",
            size(row["sizes"]["onnx"]),
            row["against_dense"]["verdict"] if row["against_dense"] else "–",
        )
        for row in shown
    ]
    heads = ("network", "test accuracy [95 %]", "ONNX file", "to dense trained as long")
    doubts = list(dict.fromkeys(line for a in answers for line in a.not_known))
    more = [f"and {len(doubts) - DOUBTS} more in the report"] if len(doubts) > DOUBTS else []
    title, *others = [a.headline for a in answers]
    head = [Markup('<div style="font-weight:600">{}</div>').format(line) for line in others]
    under = f"{r.name} · {len(rows)} networks, {sum(r.data.test):,} test photos · {r.date[:10]}"
    notes = note("Not known — " + " ".join([*doubts[:DOUBTS], *more])) if doubts else Markup("")
    return block(title, *head, table(heads, cells, in_all=len(rows)), notes, sub=under)


def register() -> None:
    html.register(Results, results)
