"""How one file fares against its controls; pure. A check passes, fails, or is open.

A control is known by its role in the records and by the comparisons that were made, never by its name. Files are held
against files of their own form: an INT8 file against chance and rivals in INT8. What has no file of that form leaves
its check open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Literal

from secateur.records import Comparison, Results, Summary
from secateur.report.formats import difference, size
from secateur.report.names import short_names
from secateur.timed import speedup_of

State = Literal["passes", "fails", "open"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing a candidate must pass."""

    against: Literal["dense", "random", "size", "int8", "rival", "file"]
    state: State
    why: str  # a sentence
    photos_needed: int | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """One file and how it fared."""

    config: str
    name: str
    state: State
    checks: tuple[Check, ...]
    zstd_bytes: float
    onnx_bytes: float


def is_random(summary: Summary) -> bool:
    """A control that was cut by chance."""
    return summary.role == "control" and bool(summary.method)


def is_longer(summary: Summary) -> bool:
    """A control that was not cut: dense, trained on for as many epochs as the pruned ones."""
    return summary.role == "control" and not summary.method


def called(results: Results) -> Mapping[str, str]:
    """Configuration → its name in this report; the records' own names are long, and tell no two backbones apart."""
    return short_names([*(s.config for s in results.summaries), *(m.config for m in results.models)])


def display(results: Results, summary: Summary) -> str:
    """What a configuration is called."""
    return called(results)[summary.config]


def _against(results: Results, config: str, control: Callable[[Summary], bool]) -> Comparison | None:
    controls = {s.config for s in results.summaries if control(s)}
    return next((c for c in results.comparisons if c.subject == config and c.against in controls), None)


def form_of(results: Results, config: str) -> str:
    """Of a configuration's files; "fp32" where it is not there."""
    return next((s.form for s in results.summaries if s.config == config), "fp32")


def has_int8(results: Results, config: str) -> bool:
    """Was an INT8 file made of this network, be it that it was not accepted?"""
    return any(s.made_of == config and s.form == "int8" for s in results.summaries)


def accepted(results: Results, config: str) -> bool:
    """Every seed's file answered as it should, on validation."""
    own = [m for m in results.models if m.config == config]
    return bool(own) and all(m.parity for m in own)


def against_dense(results: Results, config: str) -> Comparison | None:
    """The comparison with dense trained equally long (with the same recipe, where a study has several)."""
    return _against(results, config, is_longer)


def against_random(results: Results, config: str) -> Comparison | None:
    """The comparison with random pruning at the same structure, in the same form."""
    form = form_of(results, config)
    return _against(results, config, lambda s: is_random(s) and s.form == form)


def unrivalled(results: Results, config: str) -> str:
    """Why no uncut network of equal time or bytes stands beside a file, in words; "" where one does. A study that
    looked for none says so itself."""
    own = next(s for s in results.summaries if s.config == config)
    rivals = {s.config for s in results.summaries if s.role == "rival"}
    if any(c.subject == config and c.against in rivals for c in results.comparisons):
        return ""
    if own.role == "chained":
        return "of chains none is looked for"
    found = next((r for r in results.rivals if r.config in (config, own.made_of)), None)
    return (found.why_none or "none was finished") if found else "none was found" if results.rivals else ""


def dense_of(results: Results, summary: Summary) -> str:
    """The dense network whose size a candidate is held against: the one it was compared with, or any."""
    found = against_dense(results, summary.config)
    dense = [s for s in results.summaries if s.backbone == summary.backbone and not s.method]
    return found.against if found else next((s.config for s in dense), "")


def int8_of(results: Results, backbone: str) -> Summary | None:
    """The INT8 file of the dense network to use: of those that are as good as what they were made of the best on
    validation; None where there is none. (Their sizes are alike.)"""
    good = {c.subject for c in results.comparisons if c.verdict in ("better", "as good as")}
    own = [s for s in results.summaries if s.backbone == backbone and s.role == "quantized" and s.config in good]
    own = [s for s in own if accepted(results, s.config)]
    return max(own, key=lambda s: (s.val_accuracy.value, -onnx_bytes(results, s.config)), default=None)


def onnx_bytes(results: Results, config: str) -> float:
    """Mean over seeds, of the file that is deployed; infinite for a network that was not measured."""
    sizes = [m.sizes.onnx for m in results.models if m.config == config]
    return mean(sizes) if sizes else float("inf")


def zstd_bytes(results: Results, config: str) -> float | None:
    """Mean over seeds. The size that ranks: it is fair to zeros and to cut filters alike."""
    sizes = [m.sizes.zstd for m in results.models if m.config == config]
    return mean(sizes) if sizes else None


def _check_dense(results: Results, summary: Summary) -> Check:
    found = against_dense(results, summary.config)
    if found is None:
        return Check("dense", "open", "It was not compared with the dense network trained equally long.")
    text = f"Against dense trained equally long: {difference(found.difference)}"
    margin = f"{found.margin:g} point" + ("" if found.margin == 1 else "s")
    if found.verdict in ("better", "as good as"):
        return Check("dense", "passes", f"{text}: {found.verdict} dense at a margin of {margin}.")
    if found.verdict == "worse":
        return Check("dense", "fails", f"{text}: worse.")
    return Check("dense", "open", f"{text}: not decided at a margin of {margin}.", found.photos_needed)


def _check_random(results: Results, summary: Summary) -> Check:
    found = against_random(results, summary.config)
    where = " in INT8" if summary.form == "int8" else ""
    if found is None:
        return Check("random", "open", f"It was not compared with random pruning at the same structure{where}.")
    text = f"Against random pruning at the same structure{where}: {difference(found.difference)}"
    if found.verdict == "better":
        return Check("random", "passes", f"{text}: better.")
    high = found.difference.high
    if found.verdict == "worse" or (high is not None and high < found.margin):
        return Check("random", "fails", f"{text}: random pruning does as well.")
    return Check("random", "open", f"{text}: not shown to be better.", found.photos_needed)


def _check_rivals(results: Results, summary: Summary) -> list[Check]:
    """Networks that take as long, are as small, or have its shape, and were never pruned: it has to be better than
    each, in its own form. An INT8 file knows its rivals by those of the network that it is made of."""
    rivals = {s.config: s for s in results.summaries if s.role == "rival"}
    found = [c for c in results.comparisons if c.subject == summary.config and c.against in rivals]
    checks = [_check_rival(results, c, rivals[c.against]) for c in found if rivals[c.against].form == summary.form]
    if summary.form == "int8":
        met = {rivals[c.against].made_of for c in found}
        all_own = [c.against for c in results.comparisons if c.subject == summary.made_of and c.against in rivals]
        missing = [display(results, rivals[r]) for r in all_own if rivals[r].form == "fp32" and r not in met]
        checks += [Check("rival", "open", f"It was not compared with {name} in INT8.") for name in missing]
    return checks


def _check_rival(results: Results, found: Comparison, rival: Summary) -> Check:
    sizes = f"{size(zstd_bytes(results, rival.config))} after zstd; this {size(zstd_bytes(results, found.subject))}"
    text = f"Against {display(results, rival)} ({sizes}): {difference(found.difference)}"
    if found.verdict == "better":
        return Check("rival", "passes", f"{text}: better.")
    high = found.difference.high
    if found.verdict == "worse" or (high is not None and high < found.margin):
        return Check("rival", "fails", f"{text}: that does as well, without pruning.")
    return Check("rival", "open", f"{text}: not shown to be better.", found.photos_needed)


def _check_size(results: Results, summary: Summary) -> Check:
    own, dense = zstd_bytes(results, summary.config), zstd_bytes(results, dense_of(results, summary))
    if own is None or dense is None:
        return Check("size", "open", "Its size was not measured beside dense.")
    text = f"{size(own)} after zstd instead of {size(dense)}"
    return Check("size", "passes", f"{text}.") if own < dense else Check("size", "fails", f"{text}: not smaller.")


def _check_int8(results: Results, summary: Summary) -> tuple[Check, ...]:
    """Pruning has to buy what INT8 alone does not: a smaller file, or less time. None where INT8 is no alternative. A
    network whose INT8 file is not there is not turned down for the dense network's: that check stays open."""
    other = int8_of(results, summary.backbone)
    own = zstd_bytes(results, summary.config)
    rival = zstd_bytes(results, other.config) if other else None
    if other is None or own is None or rival is None:
        dense = any(s.backbone == summary.backbone and s.role == "quantized" for s in results.summaries)
        missing = summary.form == "int8" and not dense
        why = _undecided_int8(results, summary, own)
        why = "The dense network has no INT8 file to set beside it." if missing else why
        return (Check("int8", "open", why),) if why else ()
    text = f"The dense network in INT8 is as good as dense, too, at {size(rival)} after zstd"
    if own < rival:
        return (Check("int8", "passes", f"{text}: this is smaller, with {size(own)}."),)
    mine, its = speedup_of(results, summary.config), speedup_of(results, other.config)
    if mine and its and mine.low is not None and its.high is not None and mine.low > its.high:
        faster = f"this is faster, {mine.value:.2f}× dense and not {its.value:.2f}×"
        return (Check("int8", "passes", f"{text}: {faster}."),)
    if summary.form == "fp32" and not has_int8(results, summary.config):
        return (Check("int8", "open", f"{text}; this is {size(own)} in 32 bits, and has no INT8 file to set beside."),)
    return (Check("int8", "fails", f"{text}: this is no smaller, with {size(own)}, and was not seen to be faster."),)


def _undecided_int8(results: Results, summary: Summary, own: float | None) -> str:
    """Where dense in INT8 is smaller, and neither shown to be as good as what it was made of nor worse."""
    undecided = {c.subject for c in results.comparisons if c.verdict == "not shown"}
    for other in results.summaries:
        same = other.backbone == summary.backbone and other.role == "quantized"
        if same and other.config in undecided and accepted(results, other.config):
            its = zstd_bytes(results, other.config)
            if own is not None and its is not None and its < own:
                return f"The dense network in INT8 is smaller, {size(its)} after zstd, and not shown to be worse."
    return ""


def _check_file(results: Results, summary: Summary) -> tuple[Check, ...]:
    """A file that does not answer as its network is no candidate, whatever it gets right."""
    if accepted(results, summary.config):
        return ()
    return (Check("file", "fails", "Its file was not accepted on validation: see what failed."),)


def judge(results: Results, summary: Summary) -> Judged:
    """Hold one file against dense, random pruning, dense's size, INT8 of dense, and networks as fast or as small."""
    checks = (
        *_check_file(results, summary),
        _check_dense(results, summary),
        _check_random(results, summary),
        _check_size(results, summary),
        *_check_int8(results, summary),
        *_check_rivals(results, summary),
    )
    states = {t.state for t in checks}
    state: State = "fails" if "fails" in states else "open" if "open" in states else "passes"
    own = zstd_bytes(results, summary.config)
    small, deployed = float("inf") if own is None else own, onnx_bytes(results, summary.config)
    return Judged(summary.config, display(results, summary), state, checks, small, deployed)


def photos_needed(judged: Sequence[Judged]) -> int | None:
    """Test photos that would decide the candidate that is nearest to a decision."""
    needs = []
    for candidate in judged:
        open_ones = [t for t in candidate.checks if t.state == "open"]
        known = [t.photos_needed for t in open_ones if t.photos_needed is not None]
        if open_ones and len(known) == len(open_ones):
            needs.append(max(known))
    return min(needs, default=None)
