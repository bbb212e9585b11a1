"""A model on photos that its study never had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from secateur.records.looks import Looks
from secateur.records.models import ClassRow, Evaluation
from secateur.records.numbers import Measured
from secateur.records.photos import Problem, Taken


@dataclass(frozen=True, slots=True)
class Trained:
    """What a model's study measured on its own test photos."""

    run: str
    model: str  # for people: "filter-l1 50 %"
    accuracy: Measured
    balanced_accuracy: Measured
    classes: tuple[ClassRow, ...]
    ece: Measured | None = None
    snapshot_digest: str = ""
    photos: Literal["test", "validation"] = "test"  # validation: a library's file whose test photos nobody opened
    form: str = ""  # of the file that was measured, where this one was made of it: "onnx"


@dataclass(frozen=True, slots=True)
class Filed:
    """A row of figures.json: what was measured of a file beside it."""

    file: str  # its name when it was written
    sha256: str
    measured: Trained


@dataclass(frozen=True, slots=True)
class Unknown:
    """A class of the folder that the model does not know: whatever it says of these photos is wrong."""

    name: str
    n: int
    said: tuple[tuple[str, int], ...]  # (class, photos), the commonest first
    confidence: float  # mean probability of what it said


@dataclass(frozen=True, slots=True)
class ClassShift:
    """Recall of one class, here and in its study."""

    name: str
    here: Measured
    before: Measured
    difference: Measured  # points


@dataclass(frozen=True, slots=True)
class Shift:
    """How the figures differ from those of the study; all differences in points, here − there."""

    verdict: Literal["lower", "higher", "not shown"]  # of `looks`
    accuracy: Measured
    balanced_accuracy: Measured  # over the classes that both have
    looks: Measured  # of photos that look different: recalls here less there, weighted as the classes are here
    of_the_mix: float  # what another mix of classes explains: the rest of the change in accuracy
    mix: float  # half of the sum of |share here − share there|: 0 alike, 1 nothing in common
    classes: tuple[ClassShift, ...]  # the most lost first
    said: str  # in a sentence


@dataclass(frozen=True, slots=True)
class Judged:
    """A model on a folder of labelled photos."""

    model: str
    folder: str
    labels: tuple[str, ...]  # that the model knows
    evaluation: Evaluation  # of the photos whose class it knows; `predictions` in the order of `paths`
    paths: tuple[str, ...]
    true: tuple[int, ...]  # positions in `labels`, in the order of `paths`
    confidence: float  # mean probability of what it said
    absent: tuple[str, ...]  # classes of the model without a photo here
    unknown: tuple[Unknown, ...]
    renamed: tuple[tuple[str, str], ...]  # (class of the folder, class of the model that it was taken for)
    seen_before: int  # photos that its study trained with, chose by or tested on: the same bytes, or near-duplicates
    problems: tuple[Problem, ...]
    trained: Trained | None = None
    shift: Shift | None = None  # of the photos that its study did not have; where it had them all, of all
    met: tuple[str, ...] = ()  # of each of `paths`, how it stood in the study: "the same file", …; "" where it did not
    compared: bool = False  # whether the study's list of photos was at hand to say so
    fresh: Evaluation | None = None  # of the photos that its study did not have, where it had some but not all
    places: tuple[tuple[str, int], ...] = ()  # (rule of the study, other photos that it ties to the study's)
    not_compared: tuple[str, ...] = ()  # what of the study's rules could not be looked at
    taken: Taken | None = None  # of a file of labels: which columns
    looks: Looks | None = None  # where these are test photos of a split: how often they were opened
