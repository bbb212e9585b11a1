"""The sentences that records bring along, with networks and methods in their short names; pure.

Steps, choices and controls that are missing speak in ids, since who wrote them knew no other networks of the report.
"""

from __future__ import annotations

from dataclasses import replace

from secateur.records import Outcome, Results
from secateur.report.names import shortened


def retold(results: Results) -> Results:
    """The same results; ids that name nothing else stay as they are."""
    own = {m.config: m.name for m in results.models} | {s.config: s.name for s in results.summaries}
    methods = [*(c.method for c in results.choices), *(r.method for r in results.rivals)]
    said = shortened(own, [*methods, *(m for o in results.outcomes if (m := _method(o)))])
    return replace(
        results,
        outcomes=tuple(replace(o, title=said(o.title)) for o in results.outcomes),
        choices=tuple(replace(c, why=said(c.why)) for c in results.choices),
        rivals=tuple(replace(r, why_none=said(r.why_none)) for r in results.rivals),
        missing_controls=tuple(map(said, results.missing_controls)),
        notes=tuple(map(said, results.notes)),
    )


def config_of(id: str) -> str:
    """The configuration that a step makes a pruned network of: 'retrain/cnn/filter-l1/0.5/seed0' → 'cnn/filter-l1/0.5';
    "" for other steps."""
    kind, _, at = id.partition("/")
    config = at.rpartition("/seed")[0]
    return config if kind in ("prune", "retrain", "export") and config.count("/") == 2 else ""


def _method(outcome: Outcome) -> str:
    """Of a pruned network, which may have no other record."""
    return config_of(outcome.id).split("/")[1] if config_of(outcome.id) else ""
