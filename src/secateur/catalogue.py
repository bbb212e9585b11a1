"""Everything the tool can be asked for, as literal rows. Standard library only.

A row says what a thing is called, where it comes from and where its function lives; nothing here imports it.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Literal

from secateur.backbones import BACKBONES, Backbone
from secateur.errors import NotKnown
from secateur.methods import Method, all_methods


@dataclass(frozen=True, slots=True)
class Named:
    """A row that needs no more than a name, a place and a sentence."""

    name: str
    where: str
    help: str


RECIPES: tuple[Named, ...] = (
    Named("fast", "secateur.training.recipes:FAST", "AdamW, one cycle of the learning rate, light augmentation."),
    Named(
        "study",
        "secateur.training.recipes:STUDY",
        "The study's: Adam 1e-3, halved on plateau, early stopping, best weights restored.",
    ),
    Named(
        "study-filters",
        "secateur.training.recipes:STUDY_FILTERS",
        "The study's for networks whose filters were cut: Adam 1e-4, else as `study`.",
    ),
    Named(
        "study-transfer",
        "secateur.training.recipes:STUDY_TRANSFER",
        "The study's for its transfer model: Adam 1e-5, × 0.2 on plateau; what `study` means for timm's networks.",
    ),
    Named(
        "fast-head",
        "secateur.training.recipes:FAST_HEAD",
        "A head on features: AdamW, one cycle; what `fast` means for the head of timm's networks.",
    ),
    Named(
        "fast-tune",
        "secateur.training.recipes:FAST_TUNE",
        "A few epochs of a whole timm network, batch norms frozen; what `fast` means for all of it.",
    ),
)

AUGMENTATIONS: tuple[Named, ...] = (
    Named("none", "secateur.data.views:augment", "Photos as they are."),
    Named("flip", "secateur.data.views:augment", "Mirrored half of the time."),
    Named("light", "secateur.data.views:augment", "Mirrored, and moved by a few pixels."),
    Named("study", "secateur.data.views:augment", "The study's: rotated ± 20°, moved ± 20 %, mirrored."),
    Named("strong", "secateur.data.views:augment", "The study's, with colour jitter and a hole."),
)


@dataclass(frozen=True, slots=True)
class Export:
    """A form of file that a network is handed on in; uint8 RGB photos in, logits out."""

    name: str
    where: str
    of: Literal["network", "onnx", "photos"]  # what it is made of; "photos": the ONNX file, with some to calibrate
    file: str  # the one that is loaded
    runtime: str  # that answers from it
    parity: Literal["fp32", "fp16", "int8"]  # how near its answers must be
    help: str
    package: str = ""  # to be installed: the extra of Secateur that brings it has the format's name


EXPORTS: tuple[Export, ...] = (
    Export(
        "onnx", "secateur.forms.onnx:export", "network", "model.onnx", "onnxruntime", "fp32", "ONNX, 32-bit floats."
    ),
    Export(
        "onnx-fp16",
        "secateur.forms.fp16:convert",
        "onnx",
        "model.onnx",
        "onnxruntime",
        "fp16",
        "ONNX, 16-bit floats: half of the size.",
    ),
    Export(
        "onnx-int8",
        "secateur.forms.int8:quantize",
        "photos",
        "model.onnx",
        "onnxruntime",
        "int8",
        "ONNX, 8-bit weights and activations: a quarter of the size.",
    ),
    Export(
        "packed",
        "secateur.forms.packing:exactly",
        "onnx",
        "model.packed",
        "onnxruntime",
        "fp32",
        "ONNX with its zeros entropy-coded, every value exact: small where weights were pruned.",
    ),
    Export(
        "packed-fp16",
        "secateur.forms.packing:in_fp16",
        "onnx",
        "model.packed",
        "onnxruntime",
        "fp16",
        "ONNX with its zeros entropy-coded, weights rounded to 16-bit floats.",
    ),
    Export(
        "packed-int8",
        "secateur.forms.packing:in_int8",
        "onnx",
        "model.packed",
        "onnxruntime",
        "int8",
        "ONNX with its zeros entropy-coded, weights rounded to 8 bits with a scale a channel.",
    ),
    Export(
        "openvino",
        "secateur.forms.openvino_ir:convert",
        "onnx",
        "model.xml",
        "openvino",
        "fp32",
        "OpenVINO IR, for Intel's processors and NPUs.",
        "openvino",
    ),
    Export(
        "litert",
        "secateur.forms.litert:convert",
        "network",
        "model.tflite",
        "litert",
        "fp32",
        "LiteRT (TensorFlow Lite), for Android and small boards.",
        "litert-torch",
    ),
    Export(
        "executorch",
        "secateur.forms.pte:convert",
        "network",
        "model.pte",
        "executorch",
        "fp32",
        "ExecuTorch on XNNPACK, for phones and small boards.",
        "executorch",
    ),
    Export(
        "pt2",
        "secateur.forms.pt2:convert",
        "network",
        "model.pt2",
        "torch",
        "fp32",
        "torch.export, for programs that have torch.",
    ),
)


TRACKERS: tuple[Named, ...] = (
    Named("tensorboard", "secateur.tracking.to_tensorboard:track", "Event files: RUNS/tensorboard, or --track-to."),
    Named(
        "mlflow",
        "secateur.tracking.to_mlflow:track",
        "A server named by MLFLOW_TRACKING_URI or --track-to, else RUNS/mlflow.db.",
    ),
)

SPLITS: tuple[Named, ...] = (
    Named("stratified", "secateur.data.split:split", "Each class in the same parts; near-duplicates together."),
    Named("folders", "secateur.data.split:split", "As the folders train, val and test say."),
    Named("random", "secateur.data.split:split", "Each class in the same parts; what belongs together is torn apart."),
    Named("study-cnn", "secateur.data.split:split", "The study's for its CNN: 70/15/15; leaks near-duplicates."),
    Named(
        "study-transfer",
        "secateur.data.split:split",
        "The study's for its transfer model: 80/20, then a fifth of the rest; leaks near-duplicates.",
    ),
)


@dataclass(frozen=True, slots=True)
class Demo:
    """The embedded data set: how much of it a study draws."""

    classes: tuple[str, ...]
    per_class: int
    px: int
    seed: int


DEMO = Demo(
    classes=("butterfly", "cat", "chicken", "cow", "dog", "elephant", "horse", "sheep", "spider", "squirrel"),
    per_class=400,
    px=32,
    seed=0,
)

_SEE = {
    "backbone": "secateur inspect --help",
    "method": "secateur methods",
    "recipe": "secateur study --help",
}


def _find(rows: tuple[Any, ...], what: str, name: str) -> Any:
    for row in rows:
        if row.name == name:
            return row
    raise NotKnown(what, name, [r.name for r in rows], see=_SEE.get(what, ""))


def backbone(name: str) -> Backbone:
    """The row of a backbone; of one that is not listed here, made from what timm says of it (slow: imports torch).

    Raises NotKnown with the nearest name.
    """
    for row in BACKBONES:
        if row.name == name:
            return row
    try:
        facts = load("secateur.models.timm_zoo:facts")(name)
    except ImportError:  # the base install
        raise NotKnown("backbone", name, [r.name for r in BACKBONES], see=_SEE["backbone"]) from None
    return Backbone(name, facts.source, facts.licence, facts.input_px, help=f"timm's {facts.tag}.")


def method(name: str) -> Method:
    """The row of a pruning method. Raises NotKnown with the nearest name."""
    row: Method = _find(all_methods(), "method", name)
    return row


def export(name: str) -> Export:
    """The row of a form of file. Raises NotKnown with the nearest name."""
    row: Export = _find(EXPORTS, "format", name)
    return row


def named(rows: tuple[Named, ...], what: str, name: str) -> Named:
    """A row of RECIPES, AUGMENTATIONS or SPLITS. Raises NotKnown with the nearest name."""
    row: Named = _find(rows, what, name)
    return row


def load(where: str) -> Any:
    """What a row's `where` names, imported now."""
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)
