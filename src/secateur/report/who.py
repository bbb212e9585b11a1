"""Who pays for what is to be used, in a sentence or two beside the answer; pure."""

from __future__ import annotations

from collections.abc import Sequence

from secateur.records import ClassChange, Harm, Paid, Results
from secateur.report.formats import difference
from secateur.report.harm import certainly_lost
from secateur.report.judge import display

NAMED = 3  # classes


def who_pays(results: Results, backbone: str, use: str, candidates: Sequence[str]) -> tuple[str, ...]:
    """Of the configuration to use; where that is dense itself, of what pruning would have cost: the first candidate
    that was looked at. Empty where nothing was."""
    harm = next((h for h in results.harm if h.backbone == backbone), None)
    if harm is None:
        return ()
    paid = {p.config: p for p in harm.paid}
    config = next((c for c in (use, *candidates) if c in paid), "")
    if not config:
        return ()
    named = next((display(results, s) for s in results.summaries if s.config == config), config)
    lines = [f"{named}: {_classes(paid[config])}"]
    worse = next((r for r in harm.robustness if r.config == config and r.difference), None)
    if worse and worse.difference:
        lines.append(f"On photos made worse (noise, blur, night, …) it moves by {difference(worse.difference)}.")
    return tuple(lines + _photos(harm, config, candidates))


def _classes(paid: Paid) -> str:
    changes = sorted(paid.classes, key=lambda c: c.change.difference.value)
    lost = [c for c in changes if certainly_lost(c.change.difference.high, c.change.p_value)]
    if lost:
        rest = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
        return f"recall falls for {', '.join(_one(c) for c in lost[:NAMED])}{rest}."
    if not changes:
        return "no class was looked at."
    return f"no class was seen to lose (Holm over {len(changes)} classes); the most, {_one(changes[0])}."


def _one(change: ClassChange) -> str:
    return f"{change.name} {difference(change.change.difference)}"


def _photos(harm: Harm, config: str, candidates: Sequence[str]) -> list[str]:
    if config not in candidates or not harm.victims_in_all:
        return []
    many = f"{harm.victims_in_all:,} test photo{'' if harm.victims_in_all == 1 else 's'}"
    return [f"{many} that dense gets right, most pruned networks get wrong."]
