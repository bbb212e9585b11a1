"""The one training loop. It prints nothing and writes nothing: it yields ticks and epochs.

All chance is a function of (seed, epoch, batch), so a loop that is loaded from `state_dict()` at any batch ends
bit-equal to one left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from secateur.records import Epoch, History
from secateur.training.backward import backward, pieces
from secateur.training.chance import mix, sow
from secateur.training.loss import loss
from secateur.training.norms import norms, of_parts, train_mode
from secateur.training.recalibrate import recalibrate_if_better
from secateur.training.recipes import Recipe
from secateur.training.recompute import recomputed
from secateur.training.schedule import one_cycle

PLATEAU_DELTA = 1e-4  # Keras's ReduceLROnPlateau takes smaller gains for none; its EarlyStopping does not

RECALIBRATION_PHOTOS = 2048  # at least as many, where there are; more move a mean over photos and places little

Batch = tuple[Tensor, Tensor]  # x float32 (n, 3, h, w), or features (n, d); y int64 (n,)


class Hooks(Protocol):
    """The part of a pruning regime that the loop calls."""

    masks: dict[str, Tensor]
    end: int

    def before_step(self, step: int) -> None: ...
    def after_step(self, step: int) -> None: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class Photos:
    """Where batches come from; `epoch` counts from 1, `start` is the batch to begin with."""

    train: Callable[[int, int], Iterable[Batch]]
    val: Callable[[], Iterable[Batch]]
    train_batches: int
    train_photos: int
    per_class: tuple[int, ...] = ()  # training photos of each; a recipe that weighs classes needs them


@dataclass(frozen=True, slots=True)
class Tick:
    """A batch was done."""

    epoch: int
    batch: int  # from 1
    batches: int


class Fit:
    """A training with a life: run it, take its state at any tick, go on from there. Consumes `model`.

    For less memory: `micro_batch`, the most photos that go through the network at a time (0: the batch); `eval_batch`,
    the same where no gradient is asked for (0: as they come); `checkpointing`, blocks keep only their inputs. Without
    batch norms that look at their batch, and without dropout, none of them changes what is learnt.

    `lessons` with `distil`: a teacher's logits, (epochs, photos, c) in the order in which photos are seen, and the
    weight of what it says beside the labels; see `loss`. Raises ValueError for one without the other, or for too few.
    """

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        photos: Photos,
        *,
        epochs: int,
        seed: int,
        precision: str = "fp32",
        device: str = "cpu",
        hooks: Hooks | None = None,
        micro_batch: int = 0,
        eval_batch: int = 0,
        checkpointing: bool = False,
        lessons: npt.NDArray[np.float32] | None = None,
        distil: float = 0.0,
    ) -> None:
        if (lessons is None) != (distil == 0) or not 0 <= distil <= 1:
            raise ValueError(f"distil {distil} {'without' if lessons is None else 'with'} a teacher; allowed: 0 to 1")
        if lessons is not None and (len(lessons) < epochs or lessons.shape[1] != photos.train_photos):
            raise ValueError(f"a teacher spoke of {lessons.shape[:2]}, of {(epochs, photos.train_photos)} it was asked")
        self.device = torch.device(device)
        # one layout for weights and photos: convolutions on a CPU run up to 1.5 times as fast
        self.model = model.to(device=self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.recipe, self.photos, self.hooks = recipe, photos, hooks
        self.epochs, self.seed, self.precision = epochs, seed, precision
        self.micro_batch, self.eval_batch, self.checkpointing = micro_batch, eval_batch, checkpointing
        self.lessons, self.distil = lessons, distil
        # With few steps an epoch, slow averages would still be on their way when validation judges them.
        momentum = max(recipe.bn_momentum, min(0.1, 3 / photos.train_batches))
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                module.momentum = momentum
            if isinstance(module, nn.Dropout):
                module.p *= recipe.dropout  # a saved model is rebuilt with its own rates
        kind = torch.optim.AdamW if recipe.optimiser == "adamw" else torch.optim.Adam
        self.optimiser = kind(model.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay, fused=True)
        self.weights = _weights(recipe, photos).to(self.device) if recipe.balance == "loss" else None
        self.lr = recipe.lr
        self.epoch, self.batch = 1, 0  # the epoch under way, and how many of its batches are done
        self.rows: list[Epoch] = []
        self.sums = torch.zeros(3, dtype=torch.float64)  # loss, correct, photos of the epoch under way
        self.best: dict[str, Tensor] = {}
        self.best_epoch, self.best_loss = 0, float("inf")
        self.plateau_loss = float("inf")
        self.idle_lr = self.idle_stop = 0  # epochs without a lower validation loss
        self.stopped = False
        self.recalibrated = ""  # what became of it, in words

    # ------------------------------------------------------------ running

    def run(self) -> Iterator[Tick | Epoch]:
        """A Tick after every batch, an Epoch after every epoch; at the end the kept weights are in place."""
        while self.epoch <= self.epochs and not self.stopped:
            train_mode(self.model, frozen=self.recipe.bn == "frozen")
            for x, y in self.photos.train(self.epoch, self.batch):
                self._step(x, y)
                self.batch += 1
                yield Tick(self.epoch, self.batch, self.photos.train_batches)
            yield self._close_epoch()
        if self.recipe.keep == "best" and self.best:
            self.model.load_state_dict(self.best)
        self.model.eval()
        if self.recipe.bn == "frozen" and self.rows and norms(self.model):
            self._recalibrate()

    def _step(self, x: Tensor, y: Tensor) -> None:
        step = (self.epoch - 1) * self.photos.train_batches + self.batch
        for group in self.optimiser.param_groups:
            group["lr"] = self._lr_at(step)
        self.optimiser.zero_grad(set_to_none=True)
        value, logits = backward(
            self.model,
            x,
            y,
            self._taught(len(x)),
            loss=self._loss,
            seed=lambda *micro: sow(mix(self.seed, self.epoch, self.batch, *micro), self.device),  # dropout
            forward=self._forward,
            micro_batch=self.micro_batch,
        )
        if self.hooks:
            self.hooks.before_step(step)
        self.optimiser.step()
        if self.hooks:
            self.hooks.after_step(step)
        with torch.no_grad():
            correct = (logits.argmax(1) == y).sum()
            seen = torch.tensor(len(y), device=value.device)
            self.sums += torch.stack([value.double() * len(y), correct.double(), seen]).cpu()

    def _taught(self, n: int) -> Tensor | None:
        """(n, c) float32: what the teacher said of the batch under way."""
        if self.lessons is None:
            return None
        start = self.batch * self.recipe.batch_size
        return torch.from_numpy(np.array(self.lessons[self.epoch - 1, start : start + n])).to(self.device)

    def _loss(self, logits: Tensor, y: Tensor, taught: Tensor | None) -> Tensor:
        smoothing = self.recipe.label_smoothing
        return loss(logits, y, smoothing=smoothing, taught=taught, distil=self.distil, weights=self.weights)

    def _lr_at(self, step: int) -> float:
        if self.recipe.schedule == "plateau":
            return self.lr
        return one_cycle(self.recipe, step, self.epochs, self.photos.train_batches)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.precision == "bf16")

    def _forward(self) -> AbstractContextManager[object]:
        """What a forward pass that is trained through runs in."""
        stack = ExitStack()
        stack.enter_context(self._autocast())
        if self.checkpointing:
            stack.enter_context(recomputed(self.model))
        return stack

    @torch.no_grad()
    def _logits(self, model: nn.Module, x: Tensor) -> Tensor:
        """(n, c) float32, `eval_batch` photos at a time."""
        with self._autocast():
            return torch.cat([model(part).float() for part in pieces(x, self.eval_batch)])

    def _validate(self) -> tuple[float, float]:
        self.model.eval()
        total, correct, n = 0.0, 0, 0
        for x, y in self.photos.val():
            logits = self._logits(self.model, x)
            total += float(F.cross_entropy(logits, y, reduction="sum"))
            correct += int((logits.argmax(1) == y).sum())
            n += len(y)
        return total / n, correct / n

    def _recalibrate(self) -> None:
        before = self.best_loss if self.recipe.keep == "best" and self.best else self.rows[-1].val_loss
        some = islice(self.photos.train(self.epochs + 1, 0), -(-RECALIBRATION_PHOTOS // self.recipe.batch_size))
        parts = ((part, y) for x, y in some for part in pieces(x, self.eval_batch))
        self.recalibrated = recalibrate_if_better(
            self.model, parts, before, lambda: self._validate()[0], device=self.device, autocast=self._autocast()
        )

    def _close_epoch(self) -> Epoch:
        lr = self.optimiser.param_groups[0]["lr"]
        val_loss, val_accuracy = self._validate()
        loss, correct, n = self.sums.tolist()
        masks = list(self.hooks.masks.values()) if self.hooks else []
        total = sum(m.numel() for m in masks)
        sparsity = 1 - sum(int(m.sum()) for m in masks) / total if total else 0.0
        row = Epoch(self.epoch, lr, loss / n, correct / n, val_loss, val_accuracy, sparsity)
        self.rows.append(row)
        moving = self.hooks is not None and self.epoch * self.photos.train_batches <= self.hooks.end
        if not moving:  # an epoch before the masks are final is another network: it is neither kept nor waited for
            self._learn_from(val_loss)
        self.epoch, self.batch = self.epoch + 1, 0
        self.sums = torch.zeros(3, dtype=torch.float64)
        return row

    def _learn_from(self, val_loss: float) -> None:
        """Best weights, plateau and early stopping, as Keras's callbacks do."""
        self.idle_lr += 1
        self.idle_stop += 1
        if val_loss < self.plateau_loss - PLATEAU_DELTA:
            self.plateau_loss, self.idle_lr = val_loss, 0
        if val_loss < self.best_loss:
            self.best_loss, self.best_epoch, self.idle_stop = val_loss, self.epoch, 0
            if self.recipe.keep == "best":
                self.best = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        if self.recipe.schedule == "plateau" and self.idle_lr >= self.recipe.patience:
            self.lr = max(self.lr * self.recipe.factor, self.recipe.min_lr)
            self.idle_lr = 0
        self.stopped = bool(self.recipe.stop_after) and self.idle_stop >= self.recipe.stop_after

    # ------------------------------------------------------------ results and state

    def history(self) -> History:
        """How it went, and what was kept."""
        best = self.best_epoch if self.recipe.keep == "best" else len(self.rows)
        return History(
            epochs=tuple(self.rows),
            best_epoch=best,
            stopped_early=self.stopped,
            recipe=self.recipe.name,
            precision=self.precision,
            device=self.device.type,
            photo_passes=self.photos.train_photos * len(self.rows),
            converged=converged([row.val_accuracy for row in self.rows]),
        )

    def notes(self) -> tuple[str, ...]:
        """What a reader of the history should know of how the gradients and statistics came about."""
        seen = of_parts(self.model, self.recipe.bn == "frozen", self.micro_batch, self.recipe.batch_size)
        return tuple(words for words in (seen, self.recalibrated) if words)

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on; tensors, numbers and lists only, so that weights_only can read it."""
        return {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "best": self.best,
            "rows": [asdict(row) for row in self.rows],
            "sums": self.sums,
            "hooks": self.hooks.state_dict() if self.hooks else {},
            "place": [self.epoch, self.batch, self.best_epoch, self.idle_lr, self.idle_stop],
            "numbers": [self.lr, self.best_loss, self.plateau_loss],
            "stopped": self.stopped,
            "way": [self.micro_batch, self.eval_batch, self.checkpointing],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict()` of a loop made alike; in the micro-batches it began with, whatever a plan says."""
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.best = dict(state["best"])
        self.rows = [Epoch(**row) for row in state["rows"]]
        self.sums = state["sums"].cpu()
        if self.hooks:
            self.hooks.load_state_dict(state["hooks"])
        self.epoch, self.batch, self.best_epoch, self.idle_lr, self.idle_stop = state["place"]
        self.lr, self.best_loss, self.plateau_loss = state["numbers"]
        self.stopped = state["stopped"]
        way = state.get("way", [self.micro_batch, self.eval_batch, self.checkpointing])  # older checkpoints have none
        self.micro_batch, self.eval_batch, self.checkpointing = way


def _weights(recipe: Recipe, photos: Photos) -> Tensor:
    """(c,) of a photo's loss by its class; their mean over the training photos is 1. A class without any weighs 0."""
    if not photos.per_class:
        raise ValueError(f"recipe {recipe.name} weighs classes, and nobody counted their photos")
    n, c = sum(photos.per_class), sum(k > 0 for k in photos.per_class)
    return torch.tensor([n / (c * k) if k else 0.0 for k in photos.per_class])


def converged(val_accuracy: list[float]) -> bool:
    """The last quarter of the epochs gained under 1 point over the best before it."""
    quarter = max(1, len(val_accuracy) // 4)
    before, last = val_accuracy[:-quarter], val_accuracy[-quarter:]
    return bool(before) and max(last) - max(before) < 0.01
