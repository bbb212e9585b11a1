"""Recipes: how a network is trained. Numbers only; the loop is in fit.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Recipe:
    name: str
    optimiser: Literal["adam", "adamw"]
    lr: float  # the highest
    batch_size: int
    epochs: int  # at most, when the study names no number
    schedule: Literal["plateau", "one-cycle"]
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    # rare classes: "sampling" shows every class as often in an epoch of as many photos; "loss" weighs a photo by
    # n / (classes · photos of its class), scikit-learn's "balanced" (King & Zeng 2001, Political Analysis 9, 137–163)
    balance: Literal["none", "sampling", "loss"] = "none"
    dropout: float = 1.0  # × the network's own rates while it trains
    augment: str = "none"
    bn_momentum: float = 0.1  # PyTorch's sense: the weight of the new batch
    # "frozen": the batch norms that were trained before (norms.freezable) keep their statistics and learn scale and
    # shift alone, so that a photo's gradient does not depend on its batch; the statistics are taken anew at the end
    bn: Literal["live", "frozen"] = "live"
    # schedule "plateau": lr × factor after `patience` epochs without a lower validation loss
    factor: float = 0.5
    patience: int = 3
    min_lr: float = 0.0
    # stop after so many epochs without a lower validation loss; 0: never
    stop_after: int = 0
    keep: Literal["best", "last"] = "last"
    # schedule "one-cycle": the part of the steps that rises; and, of the epochs after the tenth, the part that rests at
    # a hundredth of the highest rate, so that a curve shows whether the network has arrived
    warm_up: float = 0.2
    rest: float = 0.0


STUDY = Recipe(
    name="study",
    optimiser="adam",
    lr=1e-3,
    batch_size=64,
    epochs=50,
    schedule="plateau",
    augment="study",
    bn_momentum=0.01,  # Keras's 0.99; fit raises it where an epoch has few steps
    stop_after=5,
    keep="best",
)

STUDY_FILTERS = Recipe(
    name="study-filters",
    optimiser="adam",
    lr=1e-4,
    batch_size=64,
    epochs=30,
    schedule="plateau",
    augment="study",
    bn_momentum=0.01,
    stop_after=5,
    keep="best",
)

# Printed by `benchmarks/recipes.py` on 3,000 photos of Animals-10: test accuracy of two seeds, of one ± 4.6 points.
# 64 px, 8 epochs: plain Adam 1e-3 at batch 64 48.0 and 47.3 %, this 55.1 and 54.0 %. The rest at 32 px (--px 32):
# 8 epochs: plain 36.4 and 38.2 %; batch 64 and the whole dropout (--change batch_size=64 dropout=1.0) 41.1 and 40.6 %;
# batch 32 and the whole dropout 43.5 and 41.1 %; this 46.4 and 50.0 %. Runs of so few epochs are starved by dropout.
# The study's recipe stops after 20 and 19 epochs at 44.0 and 45.3 %; this reaches 56.2 and 55.4 % after 30, and
# without resting (--change rest=0.0) 56.5 and 54.2 %: resting costs nothing that can be seen.
FAST = Recipe(
    name="fast",
    optimiser="adamw",
    lr=3e-3,
    batch_size=32,
    epochs=30,
    schedule="one-cycle",
    weight_decay=0.02,
    label_smoothing=0.1,
    dropout=0.5,
    augment="light",
    bn_momentum=0.1,
    rest=0.35,
)

STUDY_TRANSFER = Recipe(
    name="study-transfer",
    optimiser="adam",
    lr=1e-5,
    batch_size=32,
    epochs=100,
    schedule="plateau",
    bn="frozen",
    factor=0.2,
    min_lr=1e-6,
    stop_after=5,
    keep="best",
)

# A head on features that were computed once: an epoch takes milliseconds.
FAST_HEAD = Recipe(
    name="fast-head",
    optimiser="adamw",
    lr=2e-3,
    batch_size=64,
    epochs=30,
    schedule="one-cycle",
    weight_decay=0.02,
    label_smoothing=0.05,
)

FAST_TUNE = Recipe(
    name="fast-tune",
    optimiser="adamw",
    lr=3e-4,
    batch_size=32,
    epochs=3,
    schedule="one-cycle",
    weight_decay=0.02,
    label_smoothing=0.1,
    augment="light",
    bn="frozen",
)
