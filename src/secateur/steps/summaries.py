"""Networks of one configuration over their seeds, and which comparisons are judged together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from secateur.measure.accuracy import figures, over_seeds
from secateur.measure.statistics import mean_t
from secateur.records import Measured, ModelResult, Summary

IntArray = npt.NDArray[np.int64]
Pair = tuple[str, str]  # configurations: subject, against
Family = tuple[str, str, bool, bool, bool]


def family(pair: Pair, roles: Any, chosen: set[str], bare: Collection[Pair]) -> Family:
    """Comparisons that one answer rests on: of one network, against one kind of network; what validation chose apart
    from what it did not, so that many targets do not weaken what is said of the few that may be recommended. Files that
    no training separates (`bare`) are apart as well."""
    subject, against = pair
    role, method, _ = roles[against]
    return (
        subject.split("/")[0],
        role if method or role == "rival" else "dense",
        bool(method),
        subject in chosen,
        pair in bare,
    )


def untrained(pair: Pair, made_of: Mapping[str, str], quantised: Collection[str]) -> bool:
    """Is one the INT8 file of the other? `quantised`: configurations of INT8 files."""
    subject, against = pair
    return subject in quantised and made_of.get(subject) == against


def summaries(
    models: list[ModelResult], labels: IntArray, groups: IntArray, classes: Sequence[str], chosen: set[str], params: Any
) -> Iterator[Summary]:
    begins, made_of = params.get("begins") or {}, params.get("made_of") or {}
    for config in dict.fromkeys(m.config for m in models):
        own = [m for m in models if m.config == config]
        first = own[0]
        said = {m.seed: m.evaluation.predictions for m in own if m.evaluation}
        found = figures(labels, said, classes, groups) if said else None
        yield Summary(
            config,
            first.name,
            first.role,
            first.backbone,
            first.method,
            first.target,
            tuple(m.seed for m in own),
            config in chosen,
            found.accuracy if found else None,
            _validation(own),
            begins=begins.get(config, "dense"),
            made_of=made_of.get(config, ""),
            form=first.form,
            figures=found,
        )


def _validation(models: list[ModelResult]) -> Measured:
    """Mean over seeds. All seeds answer the same photos, so what these say of one seed holds for the mean, at most."""
    known = [m.parity.val_accuracy for m in models if m.parity]
    if len(known) < len(models):
        return replace(mean_t([m.val_accuracy for m in models]), unit="fraction")
    return known[0] if len(known) == 1 else over_seeds(known)
