"""All networks of a study, compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from secateur.records.bench import Bench
from secateur.records.comparisons import Comparison
from secateur.records.exports import Exported
from secateur.records.harm import Harm
from secateur.records.limits import Limits
from secateur.records.looks import Looks
from secateur.records.models import Evaluation, Figures, History, Parity, Profile, Sizes
from secateur.records.numbers import Machine, Measured
from secateur.records.photos import NO_DEPTH, Depth, Problem, Taken, Tie
from secateur.records.rivals import Rival
from secateur.records.scan import Scan
from secateur.records.search import Search
from secateur.records.steps import Outcome

# A rival is a control that takes as long as a cut network, or has its shape: not trained from the same start.
# Chained: pruned in stages, or quantised after it.
# Quantized: the INT8 file of a dense network; that of another has the role of its network.
Role = Literal["dense", "control", "pruned", "quantized", "rival", "chained"]
Form = Literal["fp32", "int8"]  # of a file


@dataclass(frozen=True, slots=True)
class ModelResult:
    """One network of a study, from one seed."""

    id: str  # the id of the step that made it
    config: str  # the same for all seeds: "cnn/filter-l1/0.5"
    name: str  # for people: "filter-l1 50 %"
    role: Role
    backbone: str
    method: str  # "" for dense networks
    target: float  # the sparsity asked for; 0 for dense networks
    seed: int
    profile: Profile
    sizes: Sizes
    val_accuracy: float  # of the trained network, on validation
    val_accuracy_before: float  # of the pruned network before retraining; equal to the above for dense ones
    history: History
    parity: Parity | None = None
    evaluation: Evaluation | None = None
    file_sha256: str = ""  # of the exported file: by this a bench on another machine knows it
    whole: dict[str, str] = field(
        default_factory=dict
    )  # layer whose filters could not be cut → why, in words; the classifier apart
    form: Form = "fp32"


@dataclass(frozen=True, slots=True)
class Choice:
    """The sparsity of one method, chosen on validation, before any test photo was opened."""

    backbone: str
    method: str
    config: str  # what was chosen
    target: float
    why: str
    candidates: tuple[tuple[float, float], ...]  # (target, mean validation accuracy)


@dataclass(frozen=True, slots=True)
class Summary:
    """One configuration over its seeds."""

    config: str
    name: str
    role: Role
    backbone: str
    method: str
    target: float
    seeds: tuple[int, ...]
    chosen: bool  # its method's choice, or the INT8 file of that
    test_accuracy: Measured | None
    val_accuracy: Measured
    made_of: str = ""  # of a chain: the configuration of the stage before; of an INT8 file: that of its network
    begins: str = "dense"  # the network that was pruned: its "initialisation", or one that was trained with a penalty
    figures: Figures | None = None  # on the test photos; `test_accuracy` is the first of them
    form: Form = "fp32"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a random split would have claimed of the dense network, and what the split of this study says."""

    backbone: str
    seed: int
    random: Measured  # accuracy on the test photos of a split that tears apart what belongs together
    grouped: Measured  # of the network of the same seed, on this study's test photos
    gap: Measured  # random − grouped, points
    torn: int  # test photos of the random split of which a companion was trained on


@dataclass(frozen=True, slots=True)
class Weighed:
    """What giving rare classes more weight changed in the dense network."""

    backbone: str
    how: str  # "sampling" or "loss"
    config: str  # with it
    without: str
    seeds: int
    balanced_accuracy: Measured  # with it less without it, points
    accuracy: Measured
    rarest: str  # the class with the fewest training photos
    rarest_recall: tuple[float, float]  # (with, without), mean over seeds


@dataclass(frozen=True, slots=True)
class DataFacts:
    """The photos of a study in numbers."""

    folder: str
    classes: tuple[str, ...]
    train: tuple[int, ...]  # photos a class
    val: tuple[int, ...]
    test: tuple[int, ...]
    snapshot_digest: str
    split_rule: str
    split_seed: int
    groups_tied: int  # photos that belong together with another
    problems: tuple[Problem, ...]
    synthetic: str = ""
    ties: tuple[Tie, ...] = ()  # what each rule tied together
    taken: Taken | None = None  # of a file of labels: which columns
    depth: Depth = NO_DEPTH  # of photos of more than eight bits a channel


@dataclass(frozen=True, slots=True)
class Results:
    """All that a report is drawn from."""

    name: str
    study: dict[str, Any]  # the study as it ran
    command: str
    version: str
    commit: str
    date: str  # ISO, when the last step ended
    data: DataFacts
    machine: Machine
    models: tuple[ModelResult, ...]
    summaries: tuple[Summary, ...]
    choices: tuple[Choice, ...]
    comparisons: tuple[Comparison, ...]
    missing_controls: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    benches: tuple[Bench, ...] = ()  # of this machine, a network each, and of others
    harm: tuple[Harm, ...] = ()  # a network each
    rivals: tuple[Rival, ...] = ()  # what chosen cuts were held against
    searches: tuple[Search, ...] = ()  # of targets in time
    rankings: tuple[Comparison, ...] = ()  # of methods with each other, at equal targets: a table of its own
    scans: tuple[Scan, ...] = ()  # of every layer alone, of the first seed
    exports: tuple[Exported, ...] = ()  # the first seed's files in the other forms that were asked for
    claims: tuple[Claim, ...] = ()  # of a random split, where they were asked for
    weighed: tuple[Weighed, ...] = ()  # a network each, where rare classes got more weight
    limits: Limits = field(default_factory=Limits)  # that the device sets
    looks: Looks | None = None  # at its test photos, by this plan and others; None: they were not counted
    notes: tuple[str, ...] = ()  # what was shrunk to the budget, and other things said in words
    published: dict[str, Any] = field(default_factory=dict)  # the study file's [published] table
