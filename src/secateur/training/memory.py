"""How to train within a memory budget: the fastest way whose peak fits, from bytes that were counted.

The budget is for the process's anonymous memory (RssAnon on Linux); on a GPU, for what its tensors hold there.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from math import ceil
from pathlib import Path

import psutil
import torch
from torch import Tensor, nn

from secateur.errors import UserError
from secateur.training.live import peak_bytes
from secateur.training.loss import loss
from secateur.training.norms import freezable, halves, norms, still, train_mode
from secateur.training.recipes import Recipe
from secateur.training.recompute import blocks, recomputed

GIB = 2**30
MOST_EVAL = 64  # photos; more are no faster

# What glibc 2.36 held beyond the tensors alive, at most, over EfficientNet-B7, EfficientNet-Lite0 and ResNet-50 at
# 224 px in micro-batches of 1 to 32: its aligned blocks leave holes that the next of their size does not fit into.
# 1.11 to 1.50 times what is kept; with recomputation the holes are what was let go: 0.25 to 0.90 of that.
SLACK = 1.5
HOLES = 0.9

# Work beside a plain step's: measured on B7 at batch 8, one thread. The features of all micro-batches but the last are
# computed twice where the head waits for the whole batch; blocks run again; small micro-batches fill no core.
FEATURES_TWICE = 1 / 3
BLOCKS_TWICE = 0.3
SMALL = 0.25


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Parameters of Fit, and why. All zero or False: the plain step fits."""

    micro_batch: int
    checkpointing: bool
    eval_batch: int
    peak_bytes_estimate: int  # an upper bound as far as it was seen, `base_bytes` included
    base_bytes: int  # before training: the libraries and the network
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """Bytes of n photos: of one, and more for each further one."""

    one: int
    more: int

    def at(self, n: int) -> int:
        return self.one + (n - 1) * self.more


@dataclass(frozen=True, slots=True)
class Counted:
    """What a network takes, tensors alone."""

    kept: Line  # a gradient
    again: Line | None  # with recomputation; None for a network without blocks
    forward: Line  # a prediction
    gradients: int
    photo: int
    standing: int  # optimiser, best weights, and what the caller adds


def anonymous_bytes(device: str = "cpu") -> int:
    """RssAnon of this process (its resident set where the system has none); what tensors hold, on a GPU."""
    if torch.device(device).type == "cuda":
        return int(torch.cuda.memory_allocated(device))
    status = Path("/proc/self/status")
    for line in status.read_text(encoding="utf-8").splitlines() if status.exists() else ():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    return int(psutil.Process().memory_info().rss)


def give_back() -> None:
    """Pages that the C library keeps for later go back to the system, where it is glibc."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):  # another C library, or another system
        return


def plan_memory(
    model: nn.Module,
    recipe: Recipe,
    px: int,
    budget_bytes: int,
    *,
    precision: str = "fp32",
    device: str = "cpu",
    extra_bytes: int = 0,
) -> MemoryPlan:
    """The fastest of: the plain step, micro-batches, recomputation, both, whose estimated peak is within the budget.

    Runs one and two random photos through `model` there and back, counting bytes, and leaves it as it was, but moved
    to `device`. Micro-batches come last where batch norms would look at them: they change what is learnt.
    `extra_bytes`: what the caller holds beside the loop. The base is what the process holds now: give up what is not
    needed before.

    Raises UserError, saying what is needed, where not even one photo fits.
    """
    model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    give_back()
    base = ceil(anonymous_bytes(device) / 2**26) * 2**26  # in steps of 64 MiB, so that the choice does not tremble
    counted = _count(model, recipe, px, precision, device, budget_bytes - base, extra_bytes)
    give_back()
    ways = sorted(_ways(model, recipe, counted))
    for cost, again, micro in ways:
        peak = base + _peak(counted, recipe, micro, again)
        if peak <= budget_bytes:
            return _plan(recipe, counted, base, peak, budget_bytes, micro, again, cost)
    least, again = min((base + _peak(counted, recipe, micro, again), again) for _, again, micro in ways)
    raise UserError(
        f"a memory of {budget_bytes / GIB:.2f} GiB is too little to train this network at {px} px: a photo at a time"
        f"{' with recomputation' if again else ''} takes up to {least / GIB:.2f} GiB; "
        "give more, or a smaller input, backbone or batch"
    )


def _ways(model: nn.Module, recipe: Recipe, counted: Counted) -> Iterator[tuple[float, bool, int]]:
    """(work beside a plain step's 1, recomputation, micro-batch) of every way there is."""
    n, pair = recipe.batch_size, halves(model)
    held = set(map(id, freezable(model))) if recipe.bn == "frozen" else set()
    changes = any(id(norm) not in held for norm in norms(pair[0] if pair else model))
    twice = bool(pair and norms(pair[1]))
    for again in (False, True) if counted.again else (False,):
        for parts in range(1, n + 1):
            micro = ceil(n / parts)
            cost = 1 + BLOCKS_TWICE * again
            if parts > 1:
                cost += SMALL / micro + FEATURES_TWICE * twice * (parts - 1) / parts + 10 * changes
            if parts == 1 or micro < ceil(n / (parts - 1)):
                yield cost, again, micro


def _peak(counted: Counted, recipe: Recipe, micro: int, again: bool) -> int:
    """Beyond the base. A batch of photos is there thrice: drawn, augmented, and the next."""
    kept = counted.kept.at(micro)
    step = SLACK * kept
    if again and counted.again:
        fewer = counted.again.at(micro)
        step = min(step, SLACK * fewer + HOLES * max(0, kept - fewer))
    return ceil(counted.standing + 3 * recipe.batch_size * counted.photo + step)


def _plan(
    recipe: Recipe, counted: Counted, base: int, peak: int, budget: int, micro: int, again: bool, cost: float
) -> MemoryPlan:
    room = budget - base - counted.standing - counted.gradients
    evaluated = MOST_EVAL
    while evaluated > 1 and SLACK * counted.forward.at(evaluated) + 3 * evaluated * counted.photo > room:
        evaluated //= 2
    said = [f"batches of {recipe.batch_size}"]
    said += [f"in micro-batches of {micro}"] if micro < recipe.batch_size else ["whole"]
    said += ["with recomputation"] if again else []
    words = (
        f"{' '.join(said)}: at most {peak / GIB:.2f} of {budget / GIB:.2f} GiB "
        f"(of which {base / GIB:.2f} before training), about {cost % 10:.2f}× the work of a plain step"
    )
    return MemoryPlan(micro if micro < recipe.batch_size else 0, again, evaluated, peak, base, words)


# ------------------------------------------------------------ counting


def _count(
    model: nn.Module,
    recipe: Recipe,
    px: int,
    precision: str,
    device: str,
    room: int,
    extra: int,
) -> Counted:
    def cast() -> torch.autocast:
        return torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=precision == "bf16")

    def photos(n: int) -> Tensor:
        x = torch.zeros(n, 3, px, px, device=device)
        return x.contiguous(memory_format=torch.channels_last)

    def gradient(n: int, again: bool) -> int:
        x, y = photos(n), torch.zeros(n, dtype=torch.int64, device=device)
        model.zero_grad(set_to_none=True)

        def step() -> None:
            with cast(), recomputed(model) if again else nullcontext():
                logits = model(x)
            loss(logits, y, smoothing=recipe.label_smoothing).backward()  # type: ignore[no-untyped-call]

        return peak_bytes(step)

    def line(again: bool) -> Line:
        one = gradient(1, again)
        if SLACK * 2 * one > room:  # a second photo is not tried where it would break the budget it is measured for
            return Line(one, one)
        return Line(one, max(0, gradient(2, again) - one))

    with _left_alone(model, recipe):
        again = line(True) if blocks(model) else None
        kept = line(False)
    with _left_alone(model, recipe), torch.no_grad(), cast():
        one, two = (peak_bytes(partial(model.eval(), photos(n))) for n in (1, 2))
    weights = sum(p.nbytes for p in model.parameters() if p.requires_grad)
    state = sum(t.nbytes for t in model.state_dict().values())
    return Counted(
        kept=kept,
        again=again,
        forward=Line(one, max(0, two - one)),
        gradients=weights,
        photo=3 * px * px * 4,
        standing=2 * weights + (state if recipe.keep == "best" else 0) + extra,  # two moments, of Adam and AdamW
    )


@contextmanager
def _left_alone(model: nn.Module, recipe: Recipe) -> Iterator[None]:
    """Statistics, modes, gradients and the random state are afterwards as they were. A head predicts: its batch norms
    cannot look at one photo, and its share is small."""
    modes = [(m, m.training) for m in model.modules()]
    state = torch.get_rng_state()
    train_mode(model, frozen=recipe.bn == "frozen")
    pair = halves(model)
    if pair:
        pair[1].eval()
    try:
        with still(model):
            yield
    finally:
        torch.set_rng_state(state)
        model.zero_grad(set_to_none=True)
        for module, mode in modes:
            module.training = mode
