"""Whether the network that all others are held against knows anything; pure."""

from __future__ import annotations

from secateur.records import Results
from secateur.report.formats import percent


def guessing(results: Results, backbone: str) -> list[str]:
    """A sentence where dense is not shown to do better than a guess, in any seed; else none. The mean of the classes'
    recalls is 1 / classes for whoever always says the same, or throws dice, however common each class is.
    Of one seed, dice pass for knowledge in under 5 % of studies (tests/report/test_guessing_errors.py)."""
    dense = [m.evaluation for m in results.models if m.config == f"{backbone}/dense"]
    own = [e.balanced_accuracy for e in dense if e]
    by_chance = 1 / len(results.data.classes)
    if not own or any((m.value if m.low is None else m.low) > by_chance for m in own):
        return []
    found = percent(sum(m.value for m in own) / len(own))
    return [
        f"The dense network is not shown to do better than a guess: the mean of its classes' recalls is {found}, and "
        f"{percent(by_chance)} by chance. More epochs, more photos or a trained network come before any pruning."
    ]
