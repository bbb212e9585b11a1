"""One small network, trained on a few real photos, and what Secateur takes away from it by a row of the catalogue."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from secateur import catalogue
from secateur.methods import Method
from secateur.models import prunable
from secateur.pruning import channels, widths
from secateur.pruning.penalties import PENALTIES
from secateur.pruning.regimes import Course
from secateur.steps.evidence import look
from secateur.steps.photos import Part
from secateur.steps.rating import Rater
from secateur.steps.scan import scanned

PX, CLASSES = 16, 10
PHOTOS = 48  # that scores look at: one batch of a training, so that the papers' one batch is ours
STEPS, RATE = 24, 0.02  # of regimes and penalties
Kept = dict[str, np.ndarray]  # weight, or group of channels → bool: what stays


@dataclass(frozen=True, eq=False)
class Case:
    """Networks and photos of a module's tests; nobody may change them."""

    initial: nn.Sequential
    dense: nn.Sequential
    x: Tensor  # (n, 3, px, px)
    y: Tensor
    side: Part  # the same photos, as a step has them
    val: tuple[Tensor, Tensor]  # others


def network() -> nn.Sequential:
    """Convolutions with and without a pooling behind them, batch norms, a flattened map and dropout."""
    torch.manual_seed(0)
    layers = OrderedDict(
        conv1=nn.Conv2d(3, 8, 3, stride=2, padding=1),
        bn1=nn.BatchNorm2d(8),
        relu1=nn.ReLU(),
        conv2=nn.Conv2d(8, 12, 3, padding=1),
        bn2=nn.BatchNorm2d(12),
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(2),
        conv3=nn.Conv2d(12, 16, 3, padding=1),
        bn3=nn.BatchNorm2d(16),
        relu3=nn.ReLU(),
        flatten=nn.Flatten(),
        drop=nn.Dropout(0.3),
        fc1=nn.Linear(256, 24),
        bn4=nn.BatchNorm1d(24),
        relu4=nn.ReLU(),
        fc2=nn.Linear(24, CLASSES),
    )
    return nn.Sequential(layers)


def made(folder: Path) -> Case:
    """Twenty-four photos a class, a few seconds."""
    files = [f for kind in sorted(folder.iterdir()) for f in sorted(kind.iterdir())[:24]]
    names = sorted(f.name for f in folder.iterdir())
    pixels = np.stack([np.asarray(Image.open(f).convert("RGB").resize((PX, PX)), np.uint8) for f in files])
    labels = np.array([names.index(f.parent.name) for f in files])
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    y = torch.from_numpy(labels)
    order = np.random.default_rng(0).permutation(len(files))
    looked, held, rest = order[:PHOTOS], order[PHOTOS : PHOTOS + 64], order[PHOTOS + 64 :]
    initial = network()
    dense = copy.deepcopy(initial).train()
    optimiser = torch.optim.SGD(dense.parameters(), lr=0.1, momentum=0.9)
    seen = np.concatenate([looked, rest])
    for epoch in range(10):
        for some in torch.from_numpy(np.random.default_rng(epoch).permutation(seen)).split(44):
            optimiser.zero_grad()
            F.cross_entropy(dense(x[some]), y[some]).backward()
            optimiser.step()
    side = Part(pixels, np.sort(looked), labels, np.arange(len(files)), "")
    own = torch.from_numpy(np.sort(looked))
    return Case(initial.eval(), dense.eval(), x[own], y[own], side, (x[held], y[held]))


def begun(case: Case, row: Method) -> nn.Sequential:
    """The network that a method takes away from; a penalty is Secateur's own hook."""
    model = copy.deepcopy(case.initial if row.begins == "initialisation" else case.dense)
    if row.begins in PENALTIES:
        trained(case, model, PENALTIES[row.begins](model))
    return model


def courses(case: Case) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches of a short training, the same every time."""
    chance = torch.Generator().manual_seed(1)
    for _ in range(STEPS):
        some = torch.randperm(len(case.x), generator=chance)[:24]
        yield case.x[some], case.y[some]


def trained(case: Case, model: nn.Module, hooks: Any) -> None:
    """Plain gradient descent, with hooks as the loop calls them; batch norms as when predicting."""
    optimiser = torch.optim.SGD(model.parameters(), lr=RATE)
    for step, (x, y) in enumerate(courses(case)):
        optimiser.zero_grad()
        F.cross_entropy(model.eval()(x), y).backward()
        hooks.before_step(step)
        optimiser.step()
        hooks.after_step(step)
    model.zero_grad(set_to_none=True)


def ours(case: Case, row: Method, target: float, scope: str = "", **more: Any) -> Kept:
    """What stays: evidence gathered by the step's own function, rated and selected by the step's own `Rater`."""
    model = begun(case, row)
    scope = scope or row.scopes[0]
    if row.kind == "regime":
        weights = prunable.weights(model, whole_first=row.keeps_first and scope == "layer")
        hooks = catalogue.load(row.where)(weights, target, Course(STEPS, 2, scope, 3))
        trained(case, model, hooks)
        return {n: m.numpy() for n, m in hooks.masks.items()}
    seen: Any = {}
    for need in row.needs:
        groups = channels.trace(model, torch.zeros(1, 3, PX, PX)).groups if need == "samples" else ()
        seen |= look(need, model, case.side, PX, groups)
    p = {"target": target, "scope": scope, "spare": [], "hidden_units": None, "seed": 0} | more
    scan = None
    if scope == "sensitivity":
        scan = scanned(Rater(model, row, p | {"scope": "layer"}, seen, torch.Generator(), PX), "", [case.val])
    rated = Rater(model, row, p, seen, torch.Generator().manual_seed(0), PX, scan)
    if row.cuts == "weights":
        return {n: m.numpy() for n, m in rated.weight_masks(prunable.weights(model))[0].items()}
    whole = rated.whole()
    kept = widths.choose(whole.scores, whole.reach(target, "filters", 1).counts)
    return {g.name: np.isin(np.arange(g.size), kept[g.name]) for g in whole.groups}
