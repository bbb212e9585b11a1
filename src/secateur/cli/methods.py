"""`secateur methods`."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from secateur import catalogue
from secateur.cli.common import JSON, echo_json, paper
from secateur.methods import Method, all_methods, page

_BEGINS = {
    "dense": "the trained network",
    "initialisation": "the network's initial weights, which are then trained for all epochs",
    "slimming": "the trained network, trained on with a penalty for half of the retraining",
    "group-lasso": "the trained network, trained on with a penalty for half of the retraining",
}
FAMILIES = {
    "unstructured": "Unstructured: single weights, by what they are",
    "structured": "Structured: whole filters, or patterns that hardware knows",
    "sensitivity": "Sensitivity: by what the loss, or what flows, would miss",
    "regularisation": "Regularisation: training says what can go",
}
_PREFACE = """# Methods

Printed by `secateur methods --markdown`.

Every page says where its method departs from the paper ("Beside the paper"). `tests/pruning/fidelity` holds what stays
by each against the paper's rule, written out once more, on a small network trained on real photos. What all of them
share, and no paper: one cut at the sparsity that was asked for, then the retraining that every network of the study
gets.
"""
CONTROLS = "Controls: what every method must beat"
_SCOPES = {
    "layer": "each layer loses the same part",
    "global": "one ranking over the network",
    "row": "each output's weights lose the same part",
    "block": "each block of four does",
    "erk": "wide layers lose more than narrow ones (Erdős–Rényi kernels)",
    "sensitivity": "as much as a scan of each layer alone says",
}


def add(app: typer.Typer) -> None:
    """The command."""

    @app.command()
    def methods(
        name: str = typer.Argument("", help="Teach one method: the idea, the equation, when to use it."),
        as_json: bool = JSON,
        markdown: bool = typer.Option(False, "--markdown", help="All pages as one document; docs/methods.md is this."),
    ) -> None:
        """List the ways to prune, with family, source, needs and cost; or teach one.

        A study takes any of them by name: methods = ["magnitude", "filter-l1"].
        """
        rows = [catalogue.method(name)] if name else list(all_methods())
        if as_json:
            echo_json([asdict(r) | {"page": page(r)} for r in rows] if name else [asdict(r) for r in rows])
            return
        if markdown:
            typer.echo(document(rows), nl=False)
        elif name:
            _teach(rows[0])
        else:
            _list(rows)


def document(rows: list[Method]) -> str:
    """Every page, one under the other."""
    parts = [_PREFACE]
    for row in rows:
        text = page(row).strip() or f"# {row.name}\n\n{row.help}"
        facts = f"*{_family(row)}.* Source: {row.source}. Cost: {row.cost}."
        parts.append("#" + text.replace("\n#", "\n##") + f"\n\n{facts}\n")
    return "\n".join(parts)


def _list(rows: list[Method]) -> None:
    out = paper()
    families = dict.fromkeys(_family(row) for row in rows)
    for family in sorted(families, key=lambda f: f == CONTROLS):
        out.print(f"[bold]{family}[/]")
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(no_wrap=True, width=max(len(row.name) for row in rows) + 2)
        table.add_column()
        for row in rows:
            if _family(row) == family:
                facts = f"Needs {_needs(row)}. Costs {row.cost}. {row.source}."
                table.add_row(f"  {row.name}", Text.assemble(row.help, "\n", (facts, "dim")))
        out.print(table)
    out.print("\n`secateur methods NAME` teaches one: the idea, the equation, when to use it.", markup=False)


def _needs(row: Method) -> str:
    return ", ".join((*row.needs, *row.requires)) or "nothing but the weights"


def _family(row: Method) -> str:
    return FAMILIES[row.family] if row.role == "pruned" else CONTROLS


def _teach(row: Method) -> None:
    out = paper()
    out.print(Markdown(page(row) or f"# {row.name}\n\n{row.help}"))
    facts = Table(box=None, pad_edge=False, show_header=False)
    facts.add_column(style="bold")
    facts.add_column()
    facts.add_row("family", f"{row.family}; cuts {row.cuts}")
    facts.add_row("begins with", _BEGINS[row.begins])
    facts.add_row("scopes", "; ".join(f"{s}: {_SCOPES[s]}" for s in row.scopes))
    if row.targets:
        facts.add_row("targets", ", ".join(f"{t:g}" for t in row.targets))
    facts.add_row("needs", _needs(row))
    facts.add_row("cost", row.cost)
    facts.add_row("source", row.source)
    facts.add_row("control", row.control or "it is one")
    out.print()
    out.print(facts)
