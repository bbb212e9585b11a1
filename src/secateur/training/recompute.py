"""Activation checkpointing: blocks of a network keep their input alone, and are run again on the way back.

Chen et al. 2016, Training Deep Nets with Sublinear Memory Cost, arXiv:1604.06174: a third more work, since every
forward pass is done twice, for the memory of one block beside the blocks' inputs. Blocks over large maps, where that
one block is what fills memory, take a few photos at a time, unless a batch norm looks at them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from secateur.training.norms import live, still

LARGE_MAP = 56 * 56  # pixels
PHOTOS = 4  # of a large map at a time: as fast as eight, in half the memory (benchmarks/fine_tune_b7.py)
LIST = nn.Sequential | nn.ModuleList


def blocks(model: nn.Module) -> list[nn.Module]:
    """What is run again: modules made of modules, found by going down through lists and stages of such modules.

    EfficientNet's inverted residuals, ResNet's bottlenecks, the blocks of a transformer. A single layer is none: it
    would keep its input anyway.
    """
    found = []
    for child in model.children():
        if _composite(child):
            is_stage = isinstance(child, LIST) or any(isinstance(c, LIST) and _many(c) for c in child.children())
            found += blocks(child) if is_stage else [child]
    return found


def _composite(module: nn.Module) -> bool:
    return any(True for _ in module.children()) and any(True for _ in module.parameters())


def _many(modules: nn.Module) -> bool:
    """More than one block; a convolution and its batch norm, as on a shortcut, are none."""
    return sum(map(_composite, modules.children())) > 1


@contextmanager
def recomputed(model: nn.Module) -> Iterator[None]:
    """Inside, forward passes keep the inputs of `blocks(model)` and nothing in them. The way back may lie outside.

    Dropout draws the same again (the random state is kept for each block), and batch norms that look at their batch
    count it once.
    """
    chosen = blocks(model)
    for block in chosen:
        block.forward = partial(_run, block, block.forward)  # the instance's own attribute, removed below
    try:
        yield
    finally:
        for block in chosen:
            del block.forward


def _run(block: nn.Module, forward: Callable[..., Any], *args: Any, **more: Any) -> Any:
    if more or len(args) != 1 or not _divisible(block, args[0]):
        return _whole(block, forward, *args, **more)
    return torch.cat([_whole(block, forward, part) for part in args[0].split(PHOTOS)])


def _divisible(block: nn.Module, x: Any) -> bool:
    """Many large maps, none of which another photo's result depends on."""
    if not isinstance(x, Tensor) or x.dim() != 4 or len(x) <= PHOTOS or live(block):
        return False
    return x.shape[-2] * x.shape[-1] >= LARGE_MAP


def _whole(block: nn.Module, forward: Callable[..., Any], *args: Any, **more: Any) -> Any:
    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), still(block)

    return checkpoint(forward, *args, use_reentrant=False, context_fn=contexts, **more)
