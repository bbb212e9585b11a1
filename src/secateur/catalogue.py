"""Everything the tool can be asked for, as literal rows. Standard library only.

A row says what a thing is called, where it comes from and where its function lives; nothing here imports it.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

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

EXPORTS: tuple[Named, ...] = (
    Named("onnx-fp32", "secateur.export.onnx:export", "ONNX, 32-bit floats, uint8 RGB photos in."),
    Named("onnx-int8", "secateur.export.int8:quantize", "ONNX, 8-bit weights and activations, uint8 RGB photos in."),
)

SPLITS: tuple[Named, ...] = (
    Named("stratified", "secateur.data.split:split", "Each class in the same parts; near-duplicates together."),
    Named("folders", "secateur.data.split:split", "As the folders train, val and test say."),
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


def named(rows: tuple[Named, ...], what: str, name: str) -> Named:
    """A row of RECIPES, AUGMENTATIONS, EXPORTS or SPLITS. Raises NotKnown with the nearest name."""
    row: Named = _find(rows, what, name)
    return row


def load(where: str) -> Any:
    """What a row's `where` names, imported now."""
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)
