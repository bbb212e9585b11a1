"""What a model says of a photo that nobody labelled."""

from __future__ import annotations

from dataclasses import dataclass

from secateur.records.brief import html

UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Answer:
    """One photo. Of a photo that could not be read only `photo` and `problem` are filled."""

    photo: str  # its path, as it was found
    classes: tuple[tuple[str, float], ...] = ()  # (class, probability), the likeliest first
    said: str = ""  # the first of them, or "unsure" where its probability is too low
    taken: str = ""  # when, by the camera's own clock: "2021-05-03 17:20:11"; "" where the file does not say
    problem: str = ""  # why there is no answer
    doubt: str = ""  # why the answer deserves less trust: rows are missing, values above what training saw


class Answers(list[Answer]):
    """Those of many photos, in order: a list that says how many it holds instead of printing them."""

    __slots__ = ()

    def __repr__(self) -> str:
        unsure, failed = sum(a.said == UNSURE for a in self), sum(bool(a.problem) for a in self)
        return f"Answers({len(self):,} photos, {unsure:,} unsure, {failed:,} not read)"

    def _repr_html_(self) -> str | None:
        return html(self)
