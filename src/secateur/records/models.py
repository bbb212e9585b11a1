"""One network: how it was trained, what it is made of, what it gets right."""

from __future__ import annotations

from dataclasses import dataclass

from secateur.records.calibration import Reliability
from secateur.records.numbers import Measured


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
    epochs_before: int = 0  # of a training between the dense network's and this one, with a penalty
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
    deflate: int  # after zlib level 6, as zip programs take
    zstd: int  # after zstandard level 12
    reference: int  # n·H(sparsity) bits a layer for the positions + kept values × bits of their type
    onnx: int  # the exported file, which is what is deployed
    memory: int  # parameter bytes once loaded (zeros included); not the process's memory
    packed: int = 0  # the exported file in packed form, every value exact: what `secateur pack` writes


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
    equal_decisions: float = 1.0  # the share of photos on which both decide alike, near ties among them
    looked: int = 0  # photos whose logits were compared: validation, and where these are few training ones; 0: the n
    error: float = 0.0  # mean square of the logits' differences, over the logits' variance
    change: Measured | None = None  # of a rounded file, points: accuracy, or decisions alike, against what it may lose
    doubts: tuple[str, ...] = ()  # what it passed with
    weights: str = ""  # of an INT8 file of ours: how its weights were rounded: "8 bits", "7 bits", …


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class in an evaluation."""

    name: str
    n: int
    precision: Measured
    recall: Measured


@dataclass(frozen=True, slots=True)
class Figures:
    """One configuration on the test photos, over its seeds: each figure with one interval from seeds and photos."""

    accuracy: Measured
    macro_f1: Measured
    balanced_accuracy: Measured
    worst_recall: Measured  # its interval holds for all classes at once
    worst_class: str
    classes: tuple[ClassRow, ...]


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
    reliability: Reliability | None = None  # of the probabilities it gave
