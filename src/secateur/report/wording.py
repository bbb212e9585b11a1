"""The sentences of the answer; pure. They claim what the checks showed and not one word more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from secateur.records import Comparison, Results
from secateur.report.formats import difference, plural, size
from secateur.report.guessing import guessing
from secateur.report.judge import (
    Judged,
    against_dense,
    display,
    form_of,
    has_int8,
    int8_of,
    is_longer,
    judge,
    onnx_bytes,
    unrivalled,
    zstd_bytes,
)
from secateur.report.looks import doubt as of_looks
from secateur.report.speed import sentence
from secateur.timed import speedup_of

SHOWN = 5  # candidates that the answer speaks of
Kind = Literal["recommend", "do-not-prune", "cannot-tell"]


def pictures(results: Results) -> str:
    return "drawn pictures" if results.data.synthetic else "photos"


def headline(results: Results, backbone: str, kind: Kind, judged: Sequence[Judged], needed: int | None) -> str:
    """The answer in one line; `judged` stands from the smallest to the largest."""
    if kind == "recommend":
        return _recommend(results, next(j for j in judged if j.state == "passes"))
    int8 = _int8(results, backbone)
    if kind == "do-not-prune":
        return f"Do not prune: use the dense network in INT8, {int8}." if int8 else _do_not_prune(results, judged)
    said = _cannot_tell(results, backbone, judged, needed)
    return said.replace("Stay with dense.", f"Stay with dense, in INT8: {int8}.") if int8 else said


def _int8(results: Results, backbone: str) -> str:
    """What INT8 alone gives, where it is as good as dense; else empty."""
    found = int8_of(results, backbone)
    if found is None:
        return ""
    pair = next(c for c in results.comparisons if c.subject == found.config)
    sizes = f"{size(onnx_bytes(results, found.config))} instead of {size(onnx_bytes(results, pair.against))}"
    return f"{pair.verdict.replace('better', 'better than dense').replace('as good as', 'as good as dense')}, {sizes}"


def _recommend(results: Results, best: Judged) -> str:
    found = against_dense(results, best.config)
    verdict = "better than dense" if found and found.verdict == "better" else "as good as dense"
    backbone = next(s.backbone for s in results.summaries if s.config == best.config)
    int8 = int8_of(results, backbone)
    beside = f" (dense in INT8 {size(zstd_bytes(results, int8.config))})" if int8 else ""
    sizes = (
        f"{size(best.zstd_bytes)} instead of {size(zstd_bytes(results, found.against) if found else None)}{beside} "
        "after zstd"
    )
    if not results.missing_controls and not unrivalled(results, best.config):
        return f"Use {best.name}: {verdict} on these {pictures(results)}, {sizes}."
    caveat = "; speed not measured" if speed_unknown(results) else "; not every control was run"
    return f"{best.name} is the smallest file that is {verdict} on these {pictures(results)}: {sizes}{caveat}."


def speed_unknown(results: Results) -> bool:
    """No exported file was timed anywhere."""
    return not results.benches


def _failed(judged: Judged, against: str) -> bool:
    return any(c.against == against and c.state == "fails" for c in judged.checks)


def _do_not_prune(results: Results, judged: Sequence[Judged]) -> str:
    if all(_failed(j, "dense") for j in judged):
        n = sum(form_of(results, j.config) == "fp32" for j in judged)
        forms = "" if n == len(judged) else ", in 32 bits and in INT8,"
        alone = judged[0].name if not forms else next(j.name for j in judged if form_of(results, j.config) == "fp32")
        which = f"{alone}{forms} is" if n == 1 else f"{'both' if n == 2 else f'all {n}'} chosen networks{forms} are"
        return f"Do not prune: {which} worse than dense trained equally long."
    if all(_failed(j, "random") for j in judged):
        return "Do not prune by these criteria: random pruning does as well."
    return "Do not prune: no chosen network passes all its checks."


def _cannot_tell(results: Results, backbone: str, judged: Sequence[Judged], needed: int | None) -> str:
    stay = "Stay with dense."
    if not judged:
        return f"Cannot tell: no pruned network was finished and chosen on validation. {stay}"
    if not any(is_longer(s) for s in results.summaries if s.backbone == backbone):
        return f"Cannot tell: the dense network trained equally long is missing. {stay}"
    alone = [j for j in judged if _only_open(j, "int8")]
    if alone:
        own = form_of(results, alone[0].config) == "fp32" and not has_int8(results, alone[0].config)
        why = "it has no INT8 file to be held against dense in INT8" if own else "dense in INT8 is not decided"
        return f"Cannot tell whether {alone[0].name} is worth it: as good as dense, but {why}. {stay}"
    as_good = [j for j in judged if _only_open(j, "random")]
    if as_good:
        return (
            f"Cannot tell whether {as_good[0].name} is more than luck: as good as dense, "
            f"but not shown to beat random pruning. {stay}"
        )
    n, seeds = sum(results.data.test), len({m.seed for m in results.models})
    given = f"{plural(n, 'test photo')} and {plural(seeds, 'seed')}"
    need = f"; about {needed:,} photos would decide, in nine of ten tries" if needed is not None and needed > n else ""
    return f"Cannot tell: {given} do not decide{_margin(results)}{need}. {stay}"


def _margin(results: Results) -> str:
    margins = {c.margin for c in results.comparisons}
    if len(margins) != 1:
        return " at the margin"
    margin = margins.pop()
    return f" at a margin of {margin:g} point" + ("" if margin == 1 else "s")


def _only_open(judged: Judged, against: str) -> bool:
    """Does nothing fail, and is that alone open?"""
    return judged.state == "open" and [c.against for c in judged.checks if c.state != "passes"] == [against]


def why(results: Results, backbone: str, kind: Kind, judged: Sequence[Judged]) -> tuple[str, ...]:
    """Sentences: the checks of what is recommended (or of every candidate), then what else was seen."""
    lines: list[str] = []
    if kind == "recommend":
        best = next(j for j in judged if j.state == "passes")
        lines += [c.why for c in best.checks] + _zeros(results, backbone, best.config)
        lines += [said for said in (sentence(results, best.config),) if said]
        own = {best.config, *(s.made_of for s in results.summaries if s.config == best.config and s.form == "int8")}
        lines += [f"Its sparsity was chosen on validation: {c.why}." for c in results.choices if c.config in own]
        lines += _faster(results, best, judged) + _others([j for j in judged if j is not best])
    else:
        int8 = int8_of(results, backbone)
        pair = next(c for c in results.comparisons if c.subject == int8.config) if int8 else None
        lines += [f"INT8 against what it was made of: {difference(pair.difference)}."] if pair else []
        lines += _others(judged)
    return tuple(lines + _smaller_but_not_chosen(results, backbone, judged))


def _others(judged: Sequence[Judged]) -> list[str]:
    """What kept each from being recommended; of many only the smallest."""
    lines = [f"{j.name}: {_short(j)}" for j in judged[:SHOWN]]
    rest = judged[SHOWN:]
    return (
        [*lines, f"{plural(len(rest), 'further file')} of chosen networks, each larger: see the tables."]
        if rest
        else lines
    )


def _short(judged: Judged) -> str:
    """What kept a candidate from being recommended, or that it passed and is larger."""
    if judged.state == "passes":
        return "passes as well, and is larger."
    kept = [c for c in judged.checks if c.state == "fails"] or [c for c in judged.checks if c.state != "passes"]
    rivals = [c for c in kept if c.against == "rival"]
    shown = [c.why for c in kept if c.against != "rival" or c is rivals[0]]
    return " ".join([*shown, *([f"So with {plural(len(rivals) - 1, 'further uncut network')}."] if rivals[1:] else [])])


def _faster(results: Results, best: Judged, judged: Sequence[Judged]) -> list[str]:
    """Of files that pass as well, the fastest, where it was seen to be faster than the smallest."""
    mine = speedup_of(results, best.config)
    others = [(s, j) for j in judged if j.state == "passes" and (s := speedup_of(results, j.config))]
    if mine is None or mine.high is None or not others:
        return []
    fastest, other = max(others, key=lambda pair: pair[0].value)
    if other is best or fastest.low is None or fastest.low <= mine.high:
        return []
    return [f"{other.name} passes, too, and is faster: {fastest.value:.2f}× dense and not {mine.value:.2f}×."]


def _zeros(results: Results, backbone: str, config: str) -> list[str]:
    """Zeros in a dense file save nothing until it is compressed: said where it is so. An INT8 file is set beside the
    dense network's in INT8, too: what INT8 saves, zeros do not."""
    found, form = against_dense(results, config), form_of(results, config)
    int8 = int8_of(results, backbone) if form == "int8" else None
    own = next((m.sizes for m in results.models if m.config == config), None)
    dense = next((m.sizes for m in results.models if found and m.config == found.against), None)
    alike = next((m.sizes for m in results.models if int8 and m.config == int8.config), dense)
    if own is None or dense is None or alike is None:
        return []
    beside = f"; dense in INT8, {size(alike.onnx)}" if int8 else ""
    if own.onnx < 0.95 * alike.onnx:
        return [f"The ONNX file that is deployed is {size(own.onnx)} instead of {size(dense.onnx)}{beside}."]
    same = "dense's do in INT8" if int8 else "dense's"
    return [
        f"Its zeros save nothing until the file is compressed: the ONNX file is {size(own.onnx)} "
        f"(dense {size(dense.onnx)}{beside}), and the weights in memory take as much as {same}."
    ]


def _smaller_but_not_chosen(results: Results, backbone: str, judged: Sequence[Judged]) -> list[str]:
    best = min((j.zstd_bytes for j in judged if j.state == "passes"), default=float("inf"))
    others = [
        s for s in results.summaries if s.backbone == backbone and s.role in ("pruned", "chained") and not s.chosen
    ]
    passing = [j for j in (judge(results, s) for s in others) if j.state == "passes" and j.zstd_bytes < best]
    if not passing:
        return []
    names = ", ".join(j.name for j in sorted(passing, key=lambda j: j.zstd_bytes))
    return [f"Passed on test and is smaller, but is not what validation chose: {names}. Confirm on new photos."]


def not_known(results: Results, backbone: str, judged: Sequence[Judged]) -> tuple[str, ...]:
    """What stands between this answer and certainty, as sentences."""
    lines = guessing(results, backbone) + _not_run(results.missing_controls)
    lines += _not_quantised(results, judged) + _not_rivalled(results, judged)
    if results.benches:
        where = " and ".join(dict.fromkeys(b.label or b.machine.cpu for b in results.benches))
        lines.append(f"Times are of {where}, not of your device: run secateur bench on it.")
    lines += [said] if (said := of_looks(results.looks)) else []
    if results.data.synthetic:
        lines.append(f"The pictures are no photos ({results.data.synthetic}): nothing here speaks of a camera.")
    one_seed = len({m.seed for m in results.models}) == 1
    doubts = _doubts(results, judged)
    if one_seed and not any(d.startswith("One seed:") for d in doubts):
        lines.append("One seed: another training could order these networks differently.")
    if any(m.config == f"{backbone}/dense" and not m.history.converged for m in results.models):
        lines.append("The dense network had not converged: pruned ones may gain from the further epochs alone.")
    if results.study.get("distil"):
        lines.append(
            "Every network that was trained on learnt from the dense one, the dense one too: what that gives and what "
            "further epochs give is not told apart."
        )
    if len(judged) > 1:
        lines.append(
            f"{len(judged)} files were judged on the same test photos: verdicts are adjusted for it (Holm), the "
            "intervals beside them are each of its own."
        )
    return tuple(lines + doubts)


def _not_quantised(results: Results, judged: Sequence[Judged]) -> list[str]:
    """Of what was chosen, networks that are there in 32 bits alone: nothing is said of them against INT8."""
    alone = [j for j in judged if form_of(results, j.config) == "fp32" and not has_int8(results, j.config)]
    if not alone:
        return []
    names = ", ".join(j.name for j in alone[:SHOWN]) + (f" and {len(alone) - SHOWN} more" if len(alone) > SHOWN else "")
    one = len(alone) == 1
    return [
        f"{names} {'has' if one else 'have'} no INT8 file: how small {'it is' if one else 'they are'} in INT8, and how "
        "good, is not known."
    ]


def _not_rivalled(results: Results, judged: Sequence[Judged]) -> list[str]:
    """Said of what is recommended."""
    best = next((j for j in judged if j.state == "passes"), None)
    why = unrivalled(results, best.config) if best else ""
    return [f"No uncut network of equal time or bytes stands beside {best.name}: {why}."] if best and why else []


def _not_run(controls: Sequence[str]) -> list[str]:
    """Those of one reason in one sentence."""
    reasons: dict[str, list[str]] = {}
    for control in controls:
        what, _, reason = control.partition(": ")
        reasons.setdefault(reason, []).append(what)
    lines = []
    for reason, whats in reasons.items():
        why = f": {reason}" if reason else ""
        if not reason or "was not" in reason:
            lines += [f"{_capital(w)}{why}." if "was not" in w + why else f"Not run: {w}." for w in whats]
        else:
            many = f"{', '.join(whats[:-1])} and {whats[-1]}" if len(whats) > 1 else whats[0]
            lines.append(f"Not run: {many}{why}.")
    return lines


def _capital(text: str) -> str:
    """A sentence's first letter, but for a symbol such as the p of a test."""
    return text if text[1:2] == " " else text[:1].upper() + text[1:]


def _doubts(results: Results, judged: Sequence[Judged]) -> list[str]:
    """The doubts of the judged differences, each once; with what it is about where not all share it."""
    names = {s.config: display(results, s) for s in results.summaries}
    configs = {j.config for j in judged}
    own = [c for c in results.comparisons if c.subject in configs]
    about: dict[str, list[str]] = {}
    for c in own:
        for doubt in c.difference.doubts:
            about.setdefault(doubt, []).append(f"{names[c.subject]} against {names.get(c.against, c.against)}")
    return [
        f"{_capital(doubt)}." if len(which) == len(own) else f"{_capital(doubt)} ({_some(which)})."
        for doubt, which in about.items()
    ]


def _some(names: Sequence[str]) -> str:
    """The first few of many."""
    return "; ".join(names[:3]) + (f"; and {len(names) - 3} more" if len(names) > 3 else "")


def claim(results: Results, c: Comparison) -> str:
    """One comparison as a sentence with its evidence.

    'not shown' claims nothing in either direction.
    """
    names = {s.config: display(results, s) for s in results.summaries}
    subject, against = names.get(c.subject, c.subject), names.get(c.against, c.against)
    said = {
        "better": f"{subject} is better than {against}",
        "as good as": f"{subject} is as good as {against}",
        "worse": f"{subject} is worse than {against}",
        "not shown": f"Between {subject} and {against} no difference is shown, nor that they are as good",
    }
    return f"{said[c.verdict]} (margin {c.margin:g})."
