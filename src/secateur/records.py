"""Every record that crosses a folder of the package. Standard library only; immutable.

Over 300 lines because it is one list, read from top to bottom.

A record is read and written as JSON by `secateur.store`; nothing else touches the disk.
Units stand in the names: accuracies and fractions are in [0, 1], `_points` are percentage points,
`_bytes` are bytes, `macs` are multiply-adds for one photo.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal

# ---------------------------------------------------------------- photos


@dataclass(frozen=True, slots=True)
class Photo:
    """One usable photo of a folder."""

    path: str  # relative to the snapshot's root, with forward slashes
    label: int  # position in Snapshot.classes
    sha256: str  # of the file's bytes, hex
    phash: str  # 64-bit difference hash, 16 hex digits
    width: int  # pixels, after EXIF rotation
    height: int
    bytes: int
    group: int  # photos with the same number are near-duplicates: never on two sides of a split
    part: str = ""  # "train", "val" or "test" where the folder itself says so


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that is left out, or a thing the user should know about the folder."""

    path: str
    what: str  # the kind, one word or two: "unreadable", "empty", "exact duplicate", "two labels", …
    why: str  # one line
    left_out: bool = True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a folder of photos holds. Photos stand in the order of (label, sha256)."""

    root: str
    classes: tuple[str, ...]
    photos: tuple[Photo, ...]
    problems: tuple[Problem, ...] = ()
    hamming_bound: int = 0  # near-duplicates: at most this many bits of the hashes differ
    synthetic: str = ""  # says what drew the pictures, where they are no photos

    @property
    def digest(self) -> str:
        """Of the contents: moving or renaming retrains nothing, one new photo does."""
        h = hashlib.sha256()
        h.update("\0".join(self.classes).encode())
        first: dict[int, int] = {}  # group numbers, renumbered by first appearance
        for p in self.photos:
            group = first.setdefault(p.group, len(first))
            h.update(f"\n{p.label} {p.sha256} {group} {p.part}".encode())
        return h.hexdigest()

    def counts(self) -> tuple[int, ...]:
        """Photos a class, in the order of `classes`."""
        n = [0] * len(self.classes)
        for p in self.photos:
            n[p.label] += 1
        return tuple(n)


@dataclass(frozen=True, slots=True)
class Split:
    """Positions into Snapshot.photos. Only `evaluate` is ever handed `test`."""

    train: tuple[int, ...]
    val: tuple[int, ...]
    test: tuple[int, ...]
    rule: str
    seed: int
    fractions: tuple[float, float, float] = (0.70, 0.15, 0.15)


# ---------------------------------------------------------------- plan

State = Literal["made", "found", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of work. Its key follows from kind, version, parameters and the keys of its inputs."""

    id: str  # unique in a plan, readable: "retrain/cnn/filter-l1/0.5/seed0"
    kind: str  # a row of secateur.steps.STEPS
    params: dict[str, Any]  # JSON
    inputs: dict[str, str]  # role → id of another step
    title: str  # for people


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step."""

    id: str
    kind: str
    title: str
    state: State
    key: str = ""
    why: str = ""  # for failed: the reason; for skipped: the step it needed
    seconds: float = 0.0


# ---------------------------------------------------------------- numbers


@dataclass(frozen=True, slots=True)
class Measured:
    """A number never travels alone."""

    value: float
    unit: str  # "fraction", "points", "bytes", "ms", "macs", …
    low: float | None = None  # 95 % interval, in the same unit
    high: float | None = None
    n: int = 1  # what the interval is over: photos, seeds or rounds
    how: str = ""  # "Wilson over photos", "paired t over seeds", "counted", …
    machine: str = ""
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Epoch:
    """One row of a training curve."""

    epoch: int  # from 1, counted over the whole training of this network
    lr: float
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    sparsity: float = 0.0  # of the prunable weights, while a schedule moves it


@dataclass(frozen=True, slots=True)
class History:
    """A training, as it went."""

    epochs: tuple[Epoch, ...]
    best_epoch: int  # the epoch whose weights were kept; 0: the weights it began with
    stopped_early: bool
    recipe: str
    precision: str  # "fp32" or "bf16"
    device: str
    photo_passes: int  # photos seen in all, with repetition
    converged: bool  # the last quarter gained under 1 point of validation accuracy
    spared: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # how gradients and batch-norm statistics came about, where that is not the usual way


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer of a network: shapes, parameters, work, and whether it can be pruned."""

    name: str
    kind: str  # "Conv2d", "Linear", "BatchNorm2d", …
    output_shape: tuple[int, ...]  # without the batch
    parameters: int  # trainable
    buffers: int  # running statistics; Keras counts these too
    nonzero: int  # of parameters
    macs: int  # dense multiply-adds for one photo, from real shapes
    macs_nonzero: int  # hypothetical: only those whose weight is not zero
    prune: str  # "weights", "filters and weights", …; or why not: "no: …"


@dataclass(frozen=True, slots=True)
class Profile:
    """Parameters, multiply-adds and bytes of one network; every layer, nothing left out silently."""

    layers: tuple[LayerRow, ...]
    input_shape: tuple[int, int, int]  # (height, width, 3)
    parameters: int  # trainable
    parameters_keras: int  # with running mean and variance, as Keras counts
    nonzero: int
    macs: int
    macs_nonzero: int
    sparsity_of_prunable: float
    sparsity_of_model: float
    weight_bytes: int  # all values × their type
    not_counted: tuple[str, ...] = ()  # operations without a count


@dataclass(frozen=True, slots=True)
class Sizes:
    """The same sizes for every model: weights only, no optimiser state. Bytes."""

    file: int  # weights.safetensors as it lies on the disk
    deflate: int  # after zlib level 9
    zstd: int  # after zstandard level 19
    reference: int  # n·H(sparsity) bits a layer for the positions + kept values × bits of their type
    onnx: int  # the exported file, which is what is deployed
    memory: int  # parameter bytes once loaded (zeros included); not the process's memory
    packed: int = 0  # a bit a value for the positions, zstandard over them, and the kept values as they are


@dataclass(frozen=True, slots=True)
class Parity:
    """The exported file against the network, on the same validation photos."""

    n: int
    relative_logit_difference: float  # largest |a − b| / largest |a|
    tolerance: float
    decisions_equal: bool  # wherever the first two classes are further apart than twice the tolerance
    near_ties: int  # photos exempt from that
    val_accuracy: Measured  # of the exported file
    ok: bool


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class in an evaluation."""

    name: str
    n: int
    precision: Measured
    recall: Measured


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An exported file on the test photos, opened once."""

    n: int
    split_digest: str
    accuracy: Measured
    macro_f1: Measured
    balanced_accuracy: Measured
    worst_recall: Measured
    worst_class: str
    classes: tuple[ClassRow, ...]
    confusion: tuple[tuple[int, ...], ...]  # [true][predicted]
    predictions: tuple[int, ...]  # in the order of Split.test


Role = Literal["dense", "control", "pruned"]


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
    whole: dict[str, str] = field(
        default_factory=dict
    )  # layer whose filters could not be cut → why, in words; the classifier apart


@dataclass(frozen=True, slots=True)
class Choice:
    """The sparsity of one method, chosen on validation, before any test photo was opened."""

    backbone: str
    method: str
    config: str  # what was chosen
    target: float
    why: str
    candidates: tuple[tuple[float, float], ...]  # (target, mean validation accuracy)


Verdict = Literal["better", "as good as", "worse", "not shown"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A paired difference in test accuracy between two configurations: subject minus against."""

    subject: str  # config
    against: str  # config
    difference: Measured  # points
    margin: float  # points
    verdict: Verdict  # "as good as": the low end lies above −margin; "not shown": undecided at the margin
    p_value: float | None = None  # McNemar, Holm-adjusted over the table
    photos_needed: int | None = None  # test photos that would decide at this margin, where these do not


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
    chosen: bool  # its method's choice
    test_accuracy: Measured | None
    val_accuracy: Measured


@dataclass(frozen=True, slots=True)
class Machine:
    """Where figures were made."""

    cpu: str
    flags: tuple[str, ...]  # the ones that decide speed: avx2, avx512f, avx512_vnni, …
    cores: int  # physical
    threads: int  # used
    memory_bytes: int
    system: str
    versions: dict[str, str]
    device: str = "cpu"


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
    groups_tied: int  # photos that share a near-duplicate group with another
    problems: tuple[Problem, ...]
    synthetic: str = ""


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
    notes: tuple[str, ...] = ()  # what was shrunk to the budget, and other things said in words
    published: dict[str, Any] = field(default_factory=dict)  # the study file's [published] table
