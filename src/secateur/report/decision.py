"""What is recommended, and why; pure. The rule, which is PROTOCOL's:

It is about files: of all that were made of networks whose sparsity was chosen on validation, in 32 bits and in INT8,
the smallest that passes. (To search all sparsities for the smallest that passes on the test photos would be choosing
on test.) A file must be as good as the dense network trained on for as long (margin of the study), better than random
pruning at the same structure and than networks that take as long or are as small without pruning, each in the same
form, and smaller; and where the dense network in INT8 is as good as dense, too, smaller or faster than that. Else INT8
of dense is what to use. A network that has no INT8 file is not turned down for one: whether it is worth it is then
open. What was not run is never assumed: the words of the answer shrink to what was measured.
"""

from __future__ import annotations

from dataclasses import dataclass

from secateur.records import Results
from secateur.report import wording
from secateur.report.judge import Judged, int8_of, judge, photos_needed
from secateur.report.who import who_pays
from secateur.report.wording import Kind


@dataclass(frozen=True, slots=True)
class Answer:
    """The decision for one backbone."""

    backbone: str
    kind: Kind
    use: str  # the configuration to use: the recommended one, or the better dense one ("" if none finished)
    headline: str
    why: tuple[str, ...]
    who: tuple[str, ...]  # pays for it
    not_known: tuple[str, ...]
    candidates: tuple[Judged, ...]
    photos_needed: int | None  # test photos that would decide, for "cannot-tell"


def better_dense(results: Results, backbone: str) -> str:
    """The dense configuration to stay with, chosen on validation; "" where none was finished."""
    own = [s for s in results.summaries if s.backbone == backbone and not s.method]
    dense = [s for s in own if s.role in ("dense", "control")]  # no narrower rival
    return max(dense, key=lambda s: s.val_accuracy.value).config if dense else ""


def decide(results: Results, backbone: str) -> Answer:
    """The answer for one backbone of a study. Raises nothing: what is missing makes the answer smaller."""
    own = [s for s in results.summaries if s.backbone == backbone and s.role in ("pruned", "chained")]
    judged = sorted((judge(results, s) for s in own if s.chosen), key=lambda j: j.zstd_bytes)
    passing = [j for j in judged if j.state == "passes"]
    still_open = [j for j in judged if j.state == "open"]
    kind: Kind = "recommend" if passing else "cannot-tell" if still_open or not judged else "do-not-prune"
    int8 = int8_of(results, backbone)
    use = passing[0].config if passing else int8.config if int8 else better_dense(results, backbone)
    needed = photos_needed(still_open) if kind == "cannot-tell" else None
    return Answer(
        backbone=backbone,
        kind=kind,
        use=use,
        headline=wording.headline(results, backbone, kind, judged, needed),
        why=wording.why(results, backbone, kind, judged),
        who=who_pays(results, backbone, use, [j.config for j in judged]),
        not_known=wording.not_known(results, backbone, judged),
        candidates=tuple(judged),
        photos_needed=needed,
    )
