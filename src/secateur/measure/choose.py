"""The sparsity of a method, chosen on validation alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from secateur.records import Choice


def choose(
    backbone: str,
    method: str,
    accuracies: Mapping[float, Sequence[float]],
    dense: Sequence[float],
    margin: float,
) -> Choice:
    """The highest sparsity whose mean validation accuracy is at most `margin` points below that of the dense
    network trained on as long; where none is, or there is no such network, the sparsity of highest accuracy.

    `accuracies`: target → fractions over seeds. Raises ValueError when it is empty.
    """
    points = f"{margin:g} point{'' if margin == 1 else 's'}"
    means = {t: sum(v) / len(v) for t, v in sorted(accuracies.items()) if v}
    if not means:
        raise ValueError("nothing to choose from")
    best = max(means, key=lambda t: (means[t], t))
    target, why = best, f"highest validation accuracy, {means[best]:.1%}"
    if dense:
        reference = sum(dense) / len(dense)
        within = [t for t, mean in means.items() if mean >= reference - margin / 100]
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
