"""The sparsity of a method, chosen on validation alone."""

from __future__ import annotations

from collections.abc import Mapping

from secateur.records import Choice


def choose(
    backbone: str,
    method: str,
    accuracies: Mapping[float, Mapping[int, float]],
    dense: Mapping[int, float],
    margin: float,
) -> Choice:
    """The highest sparsity whose mean validation accuracy is at most `margin` points below that of the dense
    network trained on as long; where none is, or there is no such network, the sparsity of highest accuracy.

    `accuracies`: target → seed → fraction; `dense`: seed → fraction. A target that lacks seeds which another has is no
    candidate, and dense is held against it by the same seeds: one lucky seed is no choice. Raises ValueError when it
    is empty.
    """
    points = f"{margin:g} point{'' if margin == 1 else 's'}"
    most = max((len(v) for v in accuracies.values()), default=0)
    if not most:
        raise ValueError("nothing to choose from")
    whole = {t: v for t, v in sorted(accuracies.items()) if len(v) == most}
    means = {t: sum(v.values()) / most for t, v in whole.items()}
    best = max(means, key=lambda t: (means[t], t))
    target, why = best, f"highest validation accuracy, {means[best]:.1%}"
    common = {t: [s for s in v if s in dense] for t, v in whole.items()}
    if any(common.values()):
        against = {t: sum(dense[s] for s in own) / len(own) for t, own in common.items() if own}
        mine = {t: sum(whole[t][s] for s in own) / len(own) for t, own in common.items() if own}
        within = [t for t in against if mine[t] >= against[t] - margin / 100]
        reference = against[max(within)] if within else max(against.values())
        if within:
            target = max(within)
            why = (
                f"highest sparsity within {points} of dense trained on as long "
                f"on validation: {means[target]:.1%} against {reference:.1%}"
            )
        else:
            why += f"; none is within {points} of dense trained on as long ({reference:.1%})"
    config = f"{backbone}/{method}/{target:g}"
    return Choice(backbone, method, config, target, why, tuple(means.items()))
