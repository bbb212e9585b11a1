"""Who pays for what is to be used, in a sentence or two beside the answer; pure."""

from __future__ import annotations

from collections.abc import Sequence

from secateur.records import Harm, Paid, Results
from secateur.report.classes import sentences
from secateur.report.formats import difference
from secateur.report.harm import chance, overall
from secateur.report.judge import display


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
    lines = [f"{named}: {_classes(results, paid[config])}"]
    worse = next((r for r in harm.robustness if r.config == config and r.difference), None)
    if worse and worse.difference:
        lines.append(f"On photos made worse (noise, blur, night, …) it moves by {difference(worse.difference)}.")
    return tuple(lines + _photos(harm, config, candidates))


def _classes(results: Results, paid: Paid) -> str:
    """In one line: the network's name stands before it."""
    said = " ".join(sentences(paid, overall(results, paid)))
    return said[:1].lower() + said[1:]


def _photos(harm: Harm, config: str, candidates: Sequence[str]) -> list[str]:
    if config not in candidates or not harm.victims_in_all:
        return []
    many = f"{harm.victims_in_all:,} test photo{'' if harm.victims_in_all == 1 else 's'}"
    return [f"{many} that dense gets right, most pruned networks get wrong. {chance(harm)}"]
